#include "node/task_book.h"

#include <string>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/protocol/direct_call.h"
#include "common/protocol/object_layout.h"
#include "node/mutation.h"
#include "node/task_failures.h"
#include "node/task_references.h"
#include "plasma/shared_objects.h"
#include "scheduler/actors_elsewhere.h"

namespace rayx::node {

TaskBook::TaskBook(const Shell& shell, plasma::ObjectStore* store,
                   scheduler::LocalScheduler* scheduler, DriverBook* drivers, ActorBook* actors,
                   RemoteTasks* remote)
    : shell_(shell),
      store_(store),
      scheduler_(scheduler),
      drivers_(drivers),
      actors_(actors),
      remote_(remote) {}

// --- submitted ---

Status TaskBook::CheckSpec(const Peer& peer, const TaskSpec& spec) const {
  if (peer.driver.IsNil()) return Status::ProtocolError("SubmitTask of a worker without a task");
  if (spec.driver != peer.driver) return Status::ProtocolError("task of another driver");
  const bool is_given = shell_.others != nullptr && remote_->given().Contains(spec.id);
  if (is_given || streams_.Contains(spec.id) || scheduler_->FindTask(spec.id) != nullptr)
    return Status::ProtocolError("task id in use");
  return Status::Ok();
}

std::vector<ObjectId> TaskBook::Admit(const Peer& peer, const TaskSpec& spec, bool direct) {
  TakeReferences(store_, spec);
  std::vector<ObjectId> missing;
  for (const ObjectId& id : spec.dependencies) {
    if (!store_->IsSealed(id) && !RAYX_MUTATION(kStartTooEarly)) missing.push_back(id);
  }
  // The submitter wants the results: they are pushed to it without being asked for.
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    const ObjectId id = spec.ReturnId(i);
    direct ? store_->Defer(peer.id, id) : store_->Get(peer.id, id, /*pin=*/false);
  }
  // The first items of a stream, too: what is wanted is what may be made. For more it asks itself.
  for (uint32_t i = 0; i < spec.options.stream_window; ++i) {
    store_->Get(peer.id, ObjectId::ForStreamItem(spec.id, i), /*pin=*/false);
  }
  if (spec.options.stream_window > 0) streams_.Add(spec.id, peer.id);
  shell_.records->OnTaskSubmitted(spec.id);
  return missing;
}

Status TaskBook::OnSubmit(Peer& peer, TaskSpec spec, const CallerId* caller) {
  RAYX_RETURN_IF_ERROR(CheckSpec(peer, spec));
  if (shell_.others != nullptr && remote_->guest().Takes(spec) &&
      !remote_->guest_actors().Has(peer, spec)) {
    remote_->guest_actors().OnForwarded(peer, spec);
    remote_->guest().Forward(peer, std::move(spec));
    return Status::Ok();
  }
  std::vector<ObjectId> missing = Admit(peer, spec, /*direct=*/false);
  if (caller == nullptr) shell_.shortcuts->OnSubmitted(peer, spec);
  if (spec.kind == TaskKind::kActorCreation) actors_->OnSubmitted(spec);
  const CallerId from =
      caller != nullptr ? *caller : CallerId{.node = {}, .client = peer.id, .run = spec.run};
  if (shell_.others != nullptr) {
    if (spec.kind == TaskKind::kFunction && IsForOthers(spec)) {
      const bool is_stream = spec.options.stream_window > 0;
      if (is_stream) streams_.Remove(spec.id);
      remote_->given().Add(std::move(spec), is_stream ? peer.id : kNoClient);
      return Status::Ok();
    }
    if (SubmitForElsewhere(peer, spec, missing, from)) return Status::Ok();
    // Inputs that have a value at another node are fetched.
    for (const ObjectId& id : missing) {
      if (!RAYX_MUTATION(kForgetWanted)) plasma::SharedObjects(store_).WantHere(id);
    }
  }
  scheduler_->OnTaskSubmitted(std::move(spec), missing, peer.worker, from);
  return Status::Ok();
}

bool TaskBook::IsForOthers(const TaskSpec& spec) const {
  if (!drivers_->IsKnown(spec.driver) || !drivers_->HomeOf(spec.driver).IsNil()) return false;
  return !scheduler_->total().Covers(spec.resources) || shell_.others->ShouldOffer(spec);
}

bool TaskBook::SubmitForElsewhere(const Peer& peer, TaskSpec& spec, std::vector<ObjectId>& missing,
                                  const CallerId& caller) {
  scheduler::ActorsElsewhere elsewhere(scheduler_);
  const bool is_creation = spec.kind == TaskKind::kActorCreation && IsForOthers(spec);
  const bool is_call = spec.kind == TaskKind::kActorCall && elsewhere.HasActorElsewhere(spec.actor);
  if (!is_creation && !is_call) return false;
  // What has a value is fetched there.
  std::erase_if(missing, [this](const ObjectId& id) { return store_->Find(id).has_value(); });
  is_creation ? elsewhere.OnSubmitted(std::move(spec), missing)
              : scheduler_->OnTaskSubmitted(std::move(spec), missing, peer.worker, caller);
  return true;
}

Status TaskBook::OnGiven(Peer& peer, TaskSpec spec, uint32_t sequence) {
  RAYX_RETURN_IF_ERROR(CheckSpec(peer, spec));
  if (!IsDirect(spec)) {
    return Status::ProtocolError("TaskGiven of a task that must go through the node");
  }
  (void)Admit(peer, spec, /*direct=*/true);
  const TaskId task = spec.id;
  RAYX_RETURN_IF_ERROR(shell_.shortcuts->OnGiven(peer, std::move(spec), sequence));
  shell_.records->OnTaskAssigned(task);
  return Status::Ok();
}

void TaskBook::OnCancel(const Peer& peer, const TaskId& task, bool force) {
  if (const ClientId home = drivers_->HomeOf(peer.driver); !home.IsNil()) {
    // All of the driver, or one that this node knows nothing of.
    if (task.IsNil() || scheduler_->FindTask(task) == nullptr) {
      return shell_.others->Send(home, remote::CancelTask{peer.driver, task, force});
    }
  } else {
    remote_->given().OnCancel(peer.driver, task, force);
  }
  if (task.IsNil()) return scheduler_->OnAllCancelled(peer.driver, force);
  const TaskSpec* spec = scheduler_->FindTask(task);
  // A task of another driver is as good as unknown.
  if (spec != nullptr && spec->driver == peer.driver) scheduler_->OnTaskCancelled(task, force);
}

// --- ended ---

Status TaskBook::OnTaskDone(const Peer& peer, const TaskDone& done) {
  const Worker* worker = shell_.workers->FindWorker(peer.worker);
  // Before anything is stored: nobody may give results to a task of somebody else.
  const TaskSpec* spec = scheduler_->HeldTask(peer.worker, done.task);
  // It was told to end, and what it held has failed already.
  if (worker != nullptr && spec == nullptr && worker->stopped) return Status::Ok();
  if (worker == nullptr || spec == nullptr) {
    return Status::ProtocolError("TaskDone for a task that the worker does not run");
  }
  if (done.delivered) shell_.shortcuts->OnDelivered(peer.worker, *spec);
  RAYX_RETURN_IF_ERROR(TakeResults(peer, *spec, done.results));
  if (!done.error_text.empty()) {
    drivers_->ReportError({.driver = spec->driver,
                           .task = done.task,
                           .name = spec->name,
                           .kind = "TaskError",
                           .text = std::string(done.error_text)});
  }
  const bool is_creation = spec->kind == TaskKind::kActorCreation;
  if (spec->kind == TaskKind::kActorCall && done.state) {
    actors_->OnState(spec->actor, *done.state);
    if (shell_.others != nullptr) remote_->guest_actors().OnSaved(spec->actor);
  }
  RAYX_RETURN_IF_ERROR(
      scheduler_->OnTaskFinished(peer.worker, done.task, done.sequence, done.failed));
  if (is_creation) {
    actors_->OnCreated(done.task);
    if (shell_.others != nullptr && !done.failed) remote_->guest_actors().OnMade(done.task);
  }
  shell_.shortcuts->OnEnded(peer.worker, done.task);
  return Status::Ok();
}

Status TaskBook::TakeResults(const Peer& peer, const TaskSpec& spec,
                             std::span<const TaskResult> results) {
  if (results.size() > spec.return_count) {
    return Status::ProtocolError("TaskDone with too many results");
  }
  for (const TaskResult& result : results) {
    if (result.index >= spec.return_count || result.data.size() > limits::kInlineObjectBytesMax) {
      return Status::ProtocolError("TaskDone with a result beyond a limit");
    }
    // AlreadyExists: the first value of an id wins.
    const Status put = store_->PutInline(
        kNoClient, spec.ReturnId(result.index), result.data,
        RAYX_MUTATION(kForgetContained) ? std::span<const ObjectId>() : result.contained);
    if (!put.ok() && put.code() != StatusCode::kAlreadyExists) return put;
  }
  if (results.size() == 1 && spec.return_count == 1) return Status::Ok();
  // The others were sealed before. A worker that says so and did not would leave their readers
  // waiting for ever.
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    const ObjectId id = spec.ReturnId(i);
    if (store_->IsSealed(id) || !store_->IsExpected(id)) continue;
    LogWarning("worker " + peer.worker.ToString() + " gave no value for " + id.Hex());
    const std::string error = EncodeSystemError(
        SystemErrorCode::kObjectLost, "return value " + std::to_string(i) + " of " + spec.name +
                                          " was not stored by the worker that ran it");
    RAYX_RETURN_IF_ERROR(store_->PutInline(kNoClient, id, BytesOf(error), {}));
  }
  return Status::Ok();
}

// --- events of the other parts ---

void TaskBook::OnObjectMade(const Peer& peer, const ObjectId& id) {
  if (id.IsPut() || peer.worker.IsNil()) return;
  const TaskId task = id.Task();
  if (scheduler_->HeldTask(peer.worker, task) == nullptr) return;
  // A stream's credit, which the consumer grants, is no item.
  const bool is_item = id.Index() > 0 && scheduler_->FindTask(task)->options.stream_window > 0;
  is_item ? scheduler_->OnItemMade(task) : scheduler_->OnResultMade(task);
}

void TaskBook::OnObjectAvailable(const ObjectId& id, bool here) {
  if (here) {
    scheduler_->OnObjectAvailable(id);
    actors_->OnObjectSealed(id);
  }
  if (shell_.others == nullptr) return;
  remote_->given().OnAvailable(id);
  if (!here) scheduler::ActorsElsewhere(scheduler_).OnValueElsewhere(id);
}

void TaskBook::OnConsumerGone(const Peer& peer) {
  if (RAYX_MUTATION(kKeepStreams)) return;
  for (const TaskId& task : streams_.TakeOf(peer.id)) {
    scheduler_->OnTaskCancelled(task, /*force=*/false);
  }
  if (shell_.others != nullptr) remote_->OnConsumerGone(peer);
}

void TaskBook::OnWorkerOutput(const Worker& worker, int64_t pid, bool is_stderr,
                              std::string_view lines) {
  const DriverId driver = scheduler_->DriverOf(worker.number);
  const TaskSpec* task = scheduler_->RunningTask(worker.number);
  // Printed between two tasks (by a thread or a child of an earlier one): the worker's last task is
  // as good a name as any.
  const std::string& name = task != nullptr ? task->name : worker.last_function;
  drivers_->SendLines(driver,
                      {.pid = pid, .function = name, .is_stderr = is_stderr, .text = lines});
}

// --- effects of the scheduler ---

bool TaskBook::ScheduleAndAct(int64_t now_ms) {
  scheduler_->Schedule(now_ms);
  const std::vector<scheduler::Effect> effects = scheduler_->TakeEffects();
  for (const scheduler::Effect& effect : effects) {
    std::visit([this](const auto& wish) { Act(wish); }, effect);
  }
  return !effects.empty();
}

void TaskBook::Act(const scheduler::StopWorker& effect) {
  Worker* worker = shell_.workers->FindWorker(effect.worker);
  if (worker == nullptr && shell_.others != nullptr) remote_->given_actors().OnStop(effect);
  if (worker == nullptr) return;
  worker->stopped = !RAYX_MUTATION(kForgetStop);
  shell_.workers->Stop(*worker, effect.kill);
}

void TaskBook::Act(const scheduler::AssignTask& effect) {
  Worker* worker = shell_.workers->FindWorker(effect.worker);
  const TaskSpec* spec = scheduler_->FindTask(effect.task);
  if (worker == nullptr && spec != nullptr && IsElsewhere(effect.worker)) {
    return remote_->given_actors().OnAssign(effect);
  }
  if (worker == nullptr || spec == nullptr) return;
  Peer* peer = shell_.peers->FindPeer(worker->client);
  // Its end is on the way; the scheduler will hear of it and give the task to another.
  if (peer == nullptr) return;
  peer->driver = spec->driver;
  worker->last_function = spec->name;
  GatherValues(peer->id, *spec);
  const std::optional<scheduler::AssignTask> numbered = Numbered(effect);
  GivenTask task{.place = numbered ? *numbered : effect, .spec = *spec, .values = values_};
  if (drivers_->IsKnown(spec->driver)) {
    if (!std::exchange(worker->has_driver_config, true)) {
      task.config = &drivers_->ConfigOf(spec->driver);
    }
    task.setups = drivers_->SetupsOf(spec->driver).subspan(worker->setups_told);
    if (!RAYX_MUTATION(kTellSetupTwice)) worker->setups_told += task.setups.size();
  }
  if (spec->kind == TaskKind::kActorCreation) task.state = actors_->StateOf(spec->id);
  shell_.workers->HandOut(*worker, *peer, task);
  if (IsGuest(effect.task)) return;
  shell_.records->OnTaskAssigned(effect.task);
}

bool TaskBook::IsGuest(const TaskId& task) const {
  return shell_.others != nullptr && (remote_->guest().AttemptOf(task).has_value() ||
                                      remote_->guest_actors().AttemptOf(task).has_value());
}

bool TaskBook::IsElsewhere(WorkerNumber worker) const {
  return shell_.others != nullptr && scheduler::ActorsElsewhere(scheduler_).IsElsewhere(worker);
}

std::optional<scheduler::AssignTask> TaskBook::Numbered(const scheduler::AssignTask& effect) const {
  if (shell_.others == nullptr) return std::nullopt;
  const uint32_t first = remote_->FirstAttemptOf(effect.task);
  if (first == 0) return std::nullopt;
  scheduler::AssignTask numbered = effect;
  numbered.attempt += first;
  return numbered;
}

void TaskBook::GatherValues(ClientId client, const TaskSpec& spec) {
  values_.clear();
  size_t bytes = 0;
  for (const ObjectId& id : spec.dependencies) {
    // What does not fit in one message, the worker asks for.
    if (bytes > limits::kInlineBatchBytesMax) break;
    const Result<plasma::ObjectLocation> location = store_->Pin(client, id);
    if (!location.ok()) continue;
    bytes += location->data.size() + ObjectView::kMessageBytes;
    values_.push_back({.id = id, .location = *location, .pinned = !location->is_inline});
  }
}

void TaskBook::Act(const scheduler::RevokeTasks& effect) {
  Worker* worker = shell_.workers->FindWorker(effect.worker);
  if (worker == nullptr) return;
  scheduler_->OnTasksRevoked(effect.worker, shell_.workers->TakeBack(*worker));
}

void TaskBook::Act(const scheduler::InterruptTask& effect) {
  Worker* worker = shell_.workers->FindWorker(effect.worker);
  if (worker != nullptr) {
    shell_.workers->Interrupt(*worker, effect.sequence, effect.reason);
  } else if (shell_.others != nullptr) {
    remote_->given_actors().OnInterrupt(effect);
  }
}

void TaskBook::Act(const scheduler::FailTask& effect) {
  if (shell_.others != nullptr) remote_->guest().OnFailed(effect.task, effect.code);
  FailResults(store_, drivers_, effect);
  if (scheduler_->FindActor(effect.task)) actors_->OnCreated(effect.task);
}

void TaskBook::Act(const scheduler::ReleaseInputs& effect) {
  for (const ObjectId& id : effect.ids) store_->RemoveReference(id);
}

void TaskBook::Act(const scheduler::TaskEnded& effect) {
  ReturnReferences(store_, effect.spec);
  if (effect.spec.options.stream_window > 0) streams_.Remove(effect.spec.id);
  if (effect.spec.kind == TaskKind::kActorCreation) actors_->OnCreationOver(effect.spec.id);
  if (shell_.others != nullptr) {
    if (IsGuest(effect.spec.id)) return remote_->OnGuestEnded(effect.spec, effect.failed_by_system);
    remote_->given().OnEndedHere(effect.spec.id);
    remote_->given_actors().OnTaskEnded(effect.spec);
  }
  shell_.records->OnTaskEnded(effect.spec.id, effect.failed_by_system);
}

}  // namespace rayx::node
