#include "node/given_tasks.h"

#include <algorithm>

#include "node/mutation.h"
#include "node/placement_talk.h"
#include "node/task_failures.h"
#include "node/task_references.h"
#include "scheduler/spreading.h"

namespace rayx::node {

using remote::kAttemptsPerPlacement;

void GivenTasks::Add(TaskSpec spec, ClientId consumer) {
  const TaskId id = spec.id;
  if (!consumer.IsNil()) consumers_.emplace(id, consumer);
  Given& given = tasks_given_[id];
  given.spec = std::move(spec);
  for (const ObjectId& input : given.spec.dependencies) {
    if (store_->Find(input)) continue;
    ++given.missing;
    waiting_[input].push_back(id);
  }
  if (given.missing == 0) Offer(given);
}

void GivenTasks::OnAvailable(const ObjectId& id) {
  if (!id.IsPut() && id.Index() > 0) NoteItem(id.Task());
  if (waiting_.empty()) return;
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  const std::vector<TaskId> tasks = std::move(found->second);
  waiting_.erase(found);
  for (const TaskId& task : tasks) {
    const auto it = tasks_given_.find(task);
    if (it == tasks_given_.end() || it->second.state != State::kWaiting) continue;
    if (--it->second.missing == 0) Offer(it->second);
  }
}

void GivenTasks::NoteItem(const TaskId& task) {
  const auto it = tasks_given_.find(task);
  if (it != tasks_given_.end() && it->second.spec.options.stream_window > 0) {
    it->second.has_items = true;
  }
}

void GivenTasks::Offer(Given& given) {
  given.state = State::kOffered;
  ++given.offers;
  TellOffer(given);
}

void GivenTasks::TellOffer(const Given& given) {
  shell_.others->Offer(OfferOf(given.spec, given.offers, store_, remote_));
}

void GivenTasks::OnPlace(const TaskId& task, uint32_t attempt, const NodeId& node) {
  const auto it = tasks_given_.find(task);
  if (it == tasks_given_.end() || it->second.state != State::kOffered) return;
  Given& given = it->second;
  if (given.offers != attempt) return;
  if (node == shell_.others->self()) return PlaceHere(given);
  const ClientId session = sessions_->With(node);
  // There is none any more, or none yet, or the node has begun to leave since.
  if (session.IsNil() || draining_->Contains(session)) return Offer(given);
  given.state = State::kPlaced;
  given.session = session;
  told_->Tell(session, given.spec.driver);
  remote::RunTask run{given.spec, given.offers * kAttemptsPerPlacement};
  // Deaths of workers count at the node that runs it.
  const auto most = static_cast<int32_t>(kAttemptsPerPlacement) - 1;
  int32_t& retries = run.spec.options.max_retries;
  if (retries >= 0) retries -= static_cast<int32_t>(given.deaths);
  if (retries < 0 || retries > most) retries = most;
  remote_->Send(session, std::move(run));
  shell_.records->OnTaskAssigned(task);
}

void GivenTasks::PlaceHere(Given& given) {
  given.state = State::kHere;
  std::vector<ObjectId> missing;
  for (const ObjectId& input : given.spec.dependencies) {
    if (store_->IsSealed(input)) continue;
    missing.push_back(input);
    remote_->shared().WantHere(input);
  }
  TaskSpec spec = given.spec;
  if (spec.options.max_retries > 0) {
    spec.options.max_retries -= static_cast<int32_t>(given.deaths);
  }
  scheduler::Spreading(scheduler_).OnPlaced(std::move(spec), missing);
}

void GivenTasks::OnUnplaceable(const TaskId& task, uint32_t attempt, const std::string& reason,
                               bool for_ever) {
  const auto it = tasks_given_.find(task);
  if (it == tasks_given_.end() || it->second.state != State::kOffered) return;
  if (it->second.offers != attempt) return;
  if (for_ever) return Fail(it->second, SystemErrorCode::kInfeasible, reason);
  it->second.pending_reason = reason;
  reasons_->Tell(it->second.spec.driver, it->second.spec.name, reason);
}

Status GivenTasks::OnEnded(ClientId session, const remote::TaskEnded& ended) {
  const auto it = tasks_given_.find(ended.task);
  Given* given = it == tasks_given_.end() ? nullptr : &it->second;
  const bool is_open = given != nullptr && given->state == State::kPlaced &&
                       given->session == session &&
                       given->offers * kAttemptsPerPlacement == ended.attempt;
  if (!is_open) return Status::ProtocolError("the end of a task that was not placed there");
  if (ended.outcome == remote::Outcome::kCrashed) {
    given->deaths += kAttemptsPerPlacement;
    // The node was not told of all the attempts that there are.
    if (HasAttemptsLeft(*given) && !given->is_cancelled && !HasItems(*given)) {
      // The errors in its results are not needed.
      RefuseResults(remote_, session, ended.results);
      Offer(*given);
      return Status::Ok();
    }
  }
  if (ended.outcome == remote::Outcome::kNotRun) {
    if (given->is_cancelled) {
      Fail(*given, SystemErrorCode::kTaskCancelled, given->spec.name + " was cancelled");
    } else {
      Offer(*given);
    }
    return Status::Ok();
  }
  RAYX_RETURN_IF_ERROR(
      AcceptResults(remote_, session, ended.task, given->spec.return_count, ended.results));
  End(*given, ended.failed);
  return Status::Ok();
}

void GivenTasks::OnEndedHere(const TaskId& task) {
  const auto it = tasks_given_.find(task);
  if (it == tasks_given_.end() || it->second.state != State::kHere) return;
  shell_.others->Withdraw(task, it->second.offers);
  consumers_.erase(task);
  tasks_given_.erase(it);
}

uint32_t GivenTasks::AttemptOf(const TaskId& task) const {
  const auto it = tasks_given_.find(task);
  return it == tasks_given_.end() ? 0 : it->second.offers * kAttemptsPerPlacement;
}

void GivenTasks::OnSessionEnded(ClientId session, const SessionEnd& end) {
  told_->OnSessionEnded(session);
  std::vector<TaskId> lost;
  for (const auto& [id, given] : tasks_given_) {
    if (given.state == State::kPlaced && given.session == session) lost.push_back(id);
  }
  std::sort(lost.begin(), lost.end());
  for (const TaskId& id : lost) {
    if (RAYX_MUTATION(kForgetLostTasks)) continue;
    // It has not begun where it was not heard of.
    const uint32_t deaths = end.is_unheard ? 0 : 1;
    TryAgain(tasks_given_.at(id), deaths, "the node that ran it is gone: " + end.reason);
  }
}

std::string GivenTasks::Explain(const DriverId& driver, const TaskId& task) const {
  const auto it = tasks_given_.find(task);
  if (it == tasks_given_.end() || it->second.spec.driver != driver) return "";
  const Given& given = it->second;
  const std::string label = given.spec.name + " (task " + task.Hex() + ")";
  switch (given.state) {
    case State::kWaiting:
      return label + " is for another node, and waits for " + std::to_string(given.missing) +
             " of its inputs, which have no value yet.";
    case State::kOffered:
      if (!given.pending_reason.empty()) {
        return label + " waits for a node that can run it: " + given.pending_reason;
      }
      return label + " is to run where " + given.spec.resources.ToString() +
             " are free next. No node has been chosen yet: all have as much to do as they should, "
             "or the global scheduler is not reached.";
    case State::kPlaced:
      return label + " was given to node " + sessions_->NodeOf(given.session).Hex() +
             (given.deaths > 0 ? ", after " + std::to_string(given.deaths) + " lost attempts"
                               : "") +
             ", which runs it, or will. It has not said that it has ended.";
    case State::kHere:
      return "";
  }
  return "";
}

std::vector<GivenTasks::Summary> GivenTasks::Summaries() const {
  std::vector<Summary> summaries;
  summaries.reserve(tasks_given_.size());
  for (const auto& [id, given] : tasks_given_) summaries.push_back({&given.spec, given.state});
  std::sort(summaries.begin(), summaries.end(),
            [](const Summary& a, const Summary& b) { return a.spec->id < b.spec->id; });
  return summaries;
}

bool GivenTasks::HasItems(const Given& given) const {
  if (given.spec.options.stream_window == 0) return false;
  // The first may have come in this turn, so that nobody has noted it yet.
  return given.has_items || store_->Find(ObjectId::ForStreamItem(given.spec.id, 0)).has_value();
}

bool GivenTasks::HasAttemptsLeft(const Given& given) const {
  const int32_t retries = given.spec.options.max_retries;
  return retries < 0 || given.deaths <= static_cast<uint32_t>(retries);
}

void GivenTasks::TryAgain(Given& given, uint32_t deaths, const std::string& text) {
  given.deaths += deaths;
  if (given.is_cancelled) {
    return Fail(given, SystemErrorCode::kTaskCancelled, given.spec.name + " was cancelled");
  }
  if (HasItems(given)) {
    return Fail(given, SystemErrorCode::kWorkerCrashed,
                given.spec.name + " had yielded items, so it is not tried again: " + text);
  }
  if (HasAttemptsLeft(given)) return Offer(given);
  Fail(given, SystemErrorCode::kWorkerCrashed, given.spec.name + " failed: " + text);
}

void GivenTasks::Fail(Given& given, SystemErrorCode code, const std::string& text) {
  FailResults(store_, drivers_,
              {.task = given.spec.id,
               .driver = given.spec.driver,
               .name = given.spec.name,
               .return_count = given.spec.return_count,
               .code = code,
               .text = text,
               .like = {},
               .has_results = false});
  End(given, true);
}

void GivenTasks::End(Given& given, bool failed) {
  if (given.offers > 0) shell_.others->Withdraw(given.spec.id, given.offers);
  const TaskSpec spec = std::move(given.spec);
  tasks_given_.erase(spec.id);
  consumers_.erase(spec.id);
  ReturnReferences(store_, spec);
  shell_.records->OnTaskEnded(spec.id, failed);
}

void GivenTasks::OnCancel(const DriverId& driver, const TaskId& task, bool force) {
  std::vector<TaskId> cancelled;
  if (!task.IsNil()) {
    const auto it = tasks_given_.find(task);
    if (it != tasks_given_.end() && it->second.spec.driver == driver) cancelled.push_back(task);
  }
  for (const auto& [id, given] : tasks_given_) {
    if (!task.IsNil()) break;
    if (given.spec.driver == driver) cancelled.push_back(id);
  }
  std::sort(cancelled.begin(), cancelled.end());
  for (const TaskId& id : cancelled) {
    Given& given = tasks_given_.at(id);
    // The scheduler cancels it, which has it.
    if (given.state == State::kHere) continue;
    given.is_cancelled = true;
    if (given.state != State::kPlaced) {
      Fail(given, SystemErrorCode::kTaskCancelled, given.spec.name + " was cancelled");
    } else if (!task.IsNil()) {
      remote_->Send(given.session, remote::CancelTask{driver, id, force});
    }
  }
  if (!task.IsNil()) return;
  told_->CancelAll(driver, force);
}

void GivenTasks::OnConsumerGone(ClientId consumer) {
  std::vector<TaskId> streams;
  for (const auto& [task, of] : consumers_) {
    if (of == consumer) streams.push_back(task);
  }
  std::sort(streams.begin(), streams.end());
  for (const TaskId& task : streams) {
    scheduler_->OnTaskCancelled(task, /*force=*/false);
    OnCancel(tasks_given_.at(task).spec.driver, task, /*force=*/false);
  }
}

void GivenTasks::OnDriverGone(const DriverId& driver) {
  std::vector<TaskId> dropped;
  for (auto& [id, given] : tasks_given_) {
    if (given.spec.driver != driver || given.state == State::kHere) continue;
    // Its node will say that it has ended.
    given.is_cancelled = true;
    if (given.state != State::kPlaced) dropped.push_back(id);
  }
  std::sort(dropped.begin(), dropped.end());
  for (const TaskId& id : dropped) End(tasks_given_.at(id), true);
  told_->OnDriverGone(driver);
}

}  // namespace rayx::node
