#include "node/guest_tasks.h"

#include <utility>

#include "common/base/limits.h"
#include "node/mutation.h"
#include "node/task_references.h"
#include "scheduler/draining.h"
#include "scheduler/spreading.h"

namespace rayx::node {
namespace {

// The value will not be made here, as the home may have been told: it has the task.
void LeaveToHome(RemoteObjects* remote, ClientId home, const ObjectId& id) {
  const ObjectId ids[] = {id};
  remote->Named(home, ids);
  plasma::Sharing* sharing = remote->shared().Find(id);
  if (sharing == nullptr || sharing->announced != plasma::Announced::kPending) return;
  sharing->announced = plasma::Announced::kNothing;
  remote->shared().DropKept(id, home);
}

}  // namespace

// --- what homes say ---

Status GuestTasks::OnDriver(ClientId home, const remote::DriverInfo& info) {
  if (info.driver.IsNil() || !drivers_->OnRemote(home, info)) {
    return Status::ProtocolError("DriverInfo of a driver of another node");
  }
  return Status::Ok();
}

Status GuestTasks::OnRun(ClientId home, remote::RunTask run) {
  TaskSpec& spec = run.spec;
  if (drivers_->HomeOf(spec.driver) != home) {
    return Status::ProtocolError("RunTask of a driver that was not told");
  }
  if (spec.kind != TaskKind::kFunction) {
    return Status::ProtocolError("RunTask of an actor, or of a call of one");
  }
  const bool is_known = runs_.contains(spec.id) || scheduler_->FindTask(spec.id) != nullptr;
  const bool has_orphans = ended_.contains(spec.driver);
  const bool is_full = runs_.size() >= limits::kGuestTasksMax;
  if (is_known || has_orphans || is_full || draining_->is_self) {
    remote_->Send(
        home, remote::TaskEnded{
                  .task = spec.id, .attempt = run.attempt, .outcome = remote::Outcome::kNotRun});
    return Status::Ok();
  }
  runs_[spec.id] = {.home = home, .attempt = run.attempt};
  std::vector<ObjectId> missing;
  TakeReferences(store_, spec);
  remote_->Named(home, spec.dependencies);
  remote_->Named(home, spec.contained);
  const ObjectId function[] = {ObjectId::ForFunction(spec.function)};
  remote_->Named(home, function);
  for (const ObjectId& id : spec.dependencies) {
    if (store_->IsSealed(id)) continue;
    missing.push_back(id);
    remote_->shared().WantHere(id);
  }
  for (uint32_t i = 0; i < spec.return_count; ++i) remote_->ExpectResult(home, spec.ReturnId(i));
  if (spec.options.stream_window > 0) remote_->streams().Add(spec.id, home);
  scheduler::Spreading(scheduler_).OnPlaced(std::move(spec), missing);
  return Status::Ok();
}

void GuestTasks::OnCancel(ClientId home, const remote::CancelTask& cancel) {
  if (drivers_->HomeOf(cancel.driver) != home) return;
  if (cancel.task.IsNil()) return scheduler_->OnAllCancelled(cancel.driver, cancel.force);
  scheduler_->OnTaskCancelled(cancel.task, cancel.force);
}

void GuestTasks::OnSessionEnded(ClientId home) {
  for (auto& [id, run] : runs_) {
    if (run.home == home) run.home = kNoClient;
  }
  EndDrivers(home, nullptr);
}

void GuestTasks::EndDrivers(ClientId home, const DriverId* only) {
  for (const DriverId& driver : drivers_->ForgetRemote(home, only)) {
    functions_->OnDriverGone(driver);
    scheduler_->OnDriverGone(driver);
    ended_.insert(driver);
  }
}

bool GuestTasks::GiveBack() {
  bool has_given = false;
  for (const auto& [task, run] : runs_) {
    has_given = scheduler::Draining(scheduler_).GiveBack(task) || has_given;
  }
  return has_given;
}

void GuestTasks::OnRest() {
  std::erase_if(ended_, [this](const DriverId& driver) {
    return scheduler_->EndingWorkersOf(driver).empty();
  });
}

// --- what becomes of tasks ---

std::optional<uint32_t> GuestTasks::AttemptOf(const TaskId& task) const {
  const auto it = runs_.find(task);
  if (it == runs_.end()) return std::nullopt;
  return it->second.attempt;
}

void GuestTasks::OnFailed(const TaskId& task, SystemErrorCode code) {
  const auto it = runs_.find(task);
  if (it != runs_.end()) it->second.has_crashed = code == SystemErrorCode::kWorkerCrashed;
}

void GuestTasks::OnEnded(const TaskSpec& spec, bool failed) {
  const auto it = runs_.find(spec.id);
  if (it == runs_.end()) return;
  const Run run = it->second;
  runs_.erase(it);
  // Nobody is to know.
  if (run.home.IsNil()) return;
  remote::TaskEnded ended{
      .task = spec.id,
      .attempt = run.attempt,
      .outcome = run.has_crashed ? remote::Outcome::kCrashed : remote::Outcome::kEnded,
      .failed = failed};
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    // Dropped with its driver.
    if (!store_->IsSealed(spec.ReturnId(i))) ended.outcome = remote::Outcome::kNotRun;
  }
  const bool has_results = ended.outcome != remote::Outcome::kNotRun;
  for (uint32_t i = 0; has_results && i < spec.return_count; ++i) {
    ended.results.push_back(remote_->TakeResult(run.home, spec.ReturnId(i)));
  }
  remote_->Send(run.home, std::move(ended));
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    const ObjectId id = spec.ReturnId(i);
    if (has_results || !store_->IsSealed(id)) {
      remote_->OnResultSent(run.home, id);
    } else {
      remote_->shared().DropKept(id, run.home);
    }
  }
}

// --- what tasks submit ---

bool GuestTasks::Takes(const TaskSpec& spec) const {
  if (shell_.others == nullptr || drivers_->HomeOf(spec.driver).IsNil()) return false;
  return draining_->is_self || spec.kind != TaskKind::kFunction ||
         !scheduler_->total().Covers(spec.resources) || shell_.others->ShouldOffer(spec);
}

void GuestTasks::Forward(const Peer& peer, TaskSpec spec) {
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    store_->Get(peer.id, spec.ReturnId(i), /*pin=*/false);
  }
  const ClientId home = drivers_->HomeOf(spec.driver);
  if (spec.options.stream_window > 0) remote_->streams().Add(spec.id, home, peer.id);
  for (uint32_t i = 0; i < spec.options.stream_window; ++i) {
    const ObjectId item[] = {ObjectId::ForStreamItem(spec.id, i)};
    store_->AddClientReference(peer.id, item[0]);
    remote_->Named(home, item);
    store_->Get(peer.id, item[0], /*pin=*/false);
  }
  // Until the message is sent.
  TakeReferences(store_, spec);
  HandOver(std::move(spec), peer.id);
}

void GuestTasks::HandOver(TaskSpec spec, ClientId client) {
  const ClientId home = drivers_->HomeOf(spec.driver);
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    // Perhaps nobody refers to it any more, which the home learns when it knows of it.
    store_->AddReference(spec.ReturnId(i));
    LeaveToHome(remote_, home, spec.ReturnId(i));
  }
  remote_->Cross(home, spec.dependencies);
  remote_->Cross(home, spec.contained);
  const ObjectId function[] = {ObjectId::ForFunction(spec.function)};
  if (spec.kind != TaskKind::kActorCall) remote_->Cross(home, function);
  remote::SubmitTask submit{spec, client};
  remote_->Send(home, std::move(submit));
  for (uint32_t i = 0; i < spec.return_count; ++i) store_->RemoveReference(spec.ReturnId(i));
  ReturnReferences(store_, spec);
}

}  // namespace rayx::node
