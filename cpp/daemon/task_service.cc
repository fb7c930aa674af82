#include "daemon/task_service.h"

#include <algorithm>
#include <csignal>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/clock.h"
#include "common/protocol/object_layout.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

// A call runs in a worker that has the class; what made the actor, a restart included, holds it.
bool NeedsFunction(const TaskSpec& spec) { return spec.kind != TaskKind::kActorCall; }

// The public name of the exception that a system error becomes (python/rayx/errors.py).
const char* ExceptionName(SystemErrorCode code) {
  switch (code) {
    case SystemErrorCode::kWorkerCrashed:
      return "WorkerCrashedError";
    case SystemErrorCode::kInfeasible:
      return "InfeasibleError";
    case SystemErrorCode::kObjectLost:
      return "ObjectLostError";
    case SystemErrorCode::kTaskCancelled:
      return "TaskCancelledError";
    case SystemErrorCode::kObjectStoreFull:
      return "ObjectStoreFullError";
    case SystemErrorCode::kWorkerStartFailed:
      return "WorkerCrashedError";
    case SystemErrorCode::kActorDied:
      return "ActorDiedError";
    case SystemErrorCode::kTaskTimedOut:
      return "TaskTimeoutError";
  }
  return "RayxError";
}

}  // namespace

TaskService::TaskService(SessionTable* sessions, MessageWriter* writer, ObjectService* objects,
                         WorkerService* workers, DriverService* drivers, RecordKeeper* records,
                         control::Tables* tables, NodeId node, scheduler::SchedulerOptions options,
                         RestSet* rest_set, size_t busy_cpus)
    : sessions_(sessions),
      writer_(writer),
      objects_(objects),
      workers_(workers),
      drivers_(drivers),
      records_(records),
      scheduler_(std::move(options)),
      actors_(writer, objects, &scheduler_, tables, node),
      lines_(sessions, writer, objects, workers, &scheduler_, rest_set, busy_cpus) {}

Result<TaskSpec> TaskService::ReadSpec(const Session& session,
                                       std::span<const uint8_t> encoded) const {
  if (session.driver.IsNil()) return Status::ProtocolError("SubmitTask of a worker without a task");
  if (encoded.size() > limits::kTaskSpecBytesMax) {
    return Status::ProtocolError("SubmitTask of " + std::to_string(encoded.size()) + " bytes");
  }
  Result<TaskSpec> spec = ParseTaskSpec(encoded);
  if (!spec.ok()) return spec.status();
  if (spec->driver != session.driver) {
    return Status::ProtocolError("task of another driver");
  }
  if (scheduler_.FindTask(spec->id) != nullptr) return Status::ProtocolError("task id in use");
  return spec;
}

std::vector<ObjectId> TaskService::Admit(const Session& session, const TaskSpec& spec,
                                         bool direct) {
  plasma::ObjectStore& store = objects_->store();
  std::vector<ObjectId> missing;
  for (const ObjectId& id : spec.dependencies) {
    store.AddReference(id);
    if (!store.IsSealed(id)) missing.push_back(id);
  }
  for (const ObjectId& id : spec.contained) store.AddReference(id);
  if (NeedsFunction(spec)) store.AddReference(ObjectId::ForFunction(spec.function));
  // The submitter wants the results: they are pushed to it without being asked for.
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    const ObjectId id = spec.ReturnId(i);
    direct ? store.GetUnlessTold(session.id, id) : store.Get(session.id, id, /*pin=*/false);
  }
  // The first items of a stream, too: what is wanted is what may be made. For more it asks itself.
  for (uint32_t i = 0; i < spec.stream_window; ++i) {
    store.Get(session.id, ObjectId::ForStreamItem(spec.id, i), /*pin=*/false);
  }
  if (spec.stream_window > 0) streams_.Add(spec.id, session.id);
  records_->OnTaskSubmitted(spec.id);
  return missing;
}

Status TaskService::OnSubmit(Session& session, std::span<const uint8_t> encoded_spec) {
  Result<TaskSpec> read = ReadSpec(session, encoded_spec);
  if (!read.ok()) return read.status();
  TaskSpec& spec = *read;
  const std::vector<ObjectId> missing = Admit(session, spec);
  lines_.OnSubmitted(session, spec, line_pace_.together());
  if (spec.kind == TaskKind::kActorCreation) actors_.OnSubmitted(spec);
  scheduler_.OnTaskSubmitted(std::move(spec), missing, session.worker, session.id);
  NotePace(session.worker != 0);
  return Status::Ok();
}

Status TaskService::OnSubmitDirect(Session& session, const protocol::RunTask& message) {
  const std::span<const uint8_t> encoded = BytesOf(message.spec());
  if (reinterpret_cast<uintptr_t>(encoded.data()) % sizeof(uint64_t) != 0) {
    return Status::ProtocolError("SubmitDirect of a task that is not aligned");
  }
  Result<TaskSpec> spec = ReadSpec(session, encoded);
  if (!spec.ok()) return spec.status();
  if (!spec->dependencies.empty() || spec->stream_window != 0 || spec->timeout_ms != 0) {
    return Status::ProtocolError("SubmitDirect of a task that must go through the node");
  }
  (void)Admit(session, *spec, /*direct=*/true);
  const TaskId task = spec->id;
  RAYX_RETURN_IF_ERROR(lines_.OnGiven(session, std::move(*spec), message.sequence()));
  records_->OnTaskAssigned(task);
  return Status::Ok();
}

void TaskService::NotePace(bool from_task) {
  const scheduler::SchedulerStats stats = scheduler_.Stats();
  // An actor is an assigned task for life; who submits from a task is about to wait.
  const size_t idle = stats.workers_blocked + stats.actors + (from_task ? 1 : 0);
  const size_t known = stats.tasks_ready + stats.tasks_assigned;
  const size_t active = known - std::min(known, idle);
  const int64_t now_us = MonotonicUs();
  pace_.OnSubmit(active, now_us);
  line_pace_.OnSubmit(active, now_us);
}

Status TaskService::OnTaskDone(Session& session, const protocol::TaskDone& message) {
  WorkerProcess* worker = workers_->Find(session.worker);
  const auto task = FromWire<TaskId>(*message.task_id());
  // Before anything is stored: nobody may give results to a task of somebody else.
  const TaskSpec* spec = scheduler_.HeldTask(session.worker, task);
  // It was told to end, and what it held has failed already.
  if (worker != nullptr && spec == nullptr && worker->stopped) return Status::Ok();
  if (worker == nullptr || spec == nullptr) {
    return Status::ProtocolError("TaskDone for a task that the worker does not run");
  }
  if (message.delivered()) lines_.OnDelivered(session.worker, *spec);
  if (message.wrote_output()) workers_->ReadOutput(*worker);
  RAYX_RETURN_IF_ERROR(CheckReturns(session, *spec, message));
  if (message.error_text() != nullptr && message.error_text()->size() > 0) {
    drivers_->ReportError({.driver = spec->driver,
                           .task = task,
                           .name = spec->name,
                           .kind = "TaskError",
                           .text = message.error_text()->str(),
                           .time = 0});
  }
  const bool is_creation = spec->kind == TaskKind::kActorCreation;
  if (spec->kind == TaskKind::kActorCall && message.state() != nullptr) {
    actors_.OnState(spec->actor, FromWire(*message.state()));
  }
  RAYX_RETURN_IF_ERROR(
      scheduler_.OnTaskFinished(session.worker, task, message.sequence(), message.failed()));
  if (is_creation) actors_.OnCreated(task);
  lines_.OnEnded(session.worker, task);
  return Status::Ok();
}

// Takes in the results that came with the message, and sees to it that every return value has one.
Status TaskService::CheckReturns(Session& session, const TaskSpec& spec,
                                 const protocol::TaskDone& message) {
  plasma::ObjectStore& store = objects_->store();
  const uint32_t sent = message.results() == nullptr ? 0 : message.results()->size();
  if (sent > spec.return_count) return Status::ProtocolError("TaskDone with too many results");
  for (uint32_t i = 0; i < sent; ++i) {
    const protocol::ResultValue* result = message.results()->Get(i);
    if (result->index() >= spec.return_count ||
        result->data()->size() > limits::kInlineObjectBytesMax) {
      return Status::ProtocolError("TaskDone with a result beyond a limit");
    }
    // AlreadyExists: the first value of an id wins.
    const Status put = store.PutInline(0, spec.ReturnId(result->index()), BytesOf(result->data()),
                                       FromWire(result->contained()));
    if (!put.ok() && put.code() != StatusCode::kAlreadyExists) return put;
  }
  if (sent == 1 && spec.return_count == 1) return Status::Ok();
  // The others were sealed before. A worker that says so and did not would leave their readers
  // waiting for ever.
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    const ObjectId id = spec.ReturnId(i);
    if (store.IsSealed(id) || !store.IsExpected(id)) continue;
    LogWarning("worker " + std::to_string(session.worker) + " gave no value for " + id.Hex());
    const std::string error = EncodeSystemError(
        SystemErrorCode::kObjectLost, "return value " + std::to_string(i) + " of " + spec.name +
                                          " was not stored by the worker that ran it");
    RAYX_RETURN_IF_ERROR(store.PutInline(0, id, BytesOf(error), {}));
  }
  return Status::Ok();
}

Status TaskService::OnBlocked(Session& session) {
  return scheduler_.OnWorkerBlocked(session.worker);
}

Status TaskService::OnUnblocked(Session& session) {
  return scheduler_.OnWorkerUnblocked(session.worker);
}

Status TaskService::OnCancel(Session& session, const protocol::CancelTask& message) {
  const auto task = FromWire<TaskId>(*message.task_id());
  if (task.IsNil()) {
    scheduler_.OnAllCancelled(session.driver, message.force());
    return Status::Ok();
  }
  const TaskSpec* spec = scheduler_.FindTask(task);
  // One of another driver is as good as unknown.
  if (spec != nullptr && spec->driver == session.driver) {
    scheduler_.OnTaskCancelled(task, message.force());
  }
  return Status::Ok();
}

void TaskService::OnObjectMade(const Session& session, const ObjectId& id) {
  if (id.IsPut() || session.worker == 0) return;
  const TaskId task = id.Task();
  if (scheduler_.HeldTask(session.worker, task) == nullptr) return;
  // Of a stream, a room, which the consumer makes, is no item.
  streams_.Contains(task) ? scheduler_.OnItemMade(task) : scheduler_.OnResultMade(task);
}

void TaskService::OnSessionClosed(const Session& session) {
  lines_.OnSessionClosed(session);
  for (const TaskId& task : streams_.TakeOf(session.id)) {
    scheduler_.OnTaskCancelled(task, /*force=*/false);
  }
}

void TaskService::OnWorkerOutput(const WorkerProcess& worker, bool is_stderr,
                                 const std::string& lines) {
  const DriverId driver = scheduler_.DriverOf(worker.number);
  const TaskSpec* task = scheduler_.RunningTask(worker.number);
  // Printed between two tasks (by a thread or a child of an earlier one): the worker's last task is
  // as good a name as any.
  const std::string& name = task != nullptr ? task->name : worker.last_function;
  drivers_->SendLines(driver, worker.pid, name, is_stderr, lines);
}

bool TaskService::ScheduleAndAct(int64_t now_ms) {
  scheduler_.Schedule(now_ms);
  const std::vector<scheduler::Effect> effects = scheduler_.TakeEffects();
  for (const scheduler::Effect& effect : effects) {
    std::visit([this](const auto& wish) { Act(wish); }, effect);
  }
  return !effects.empty();
}

void TaskService::Act(const scheduler::AssignTask& effect) {
  WorkerProcess* worker = workers_->Find(effect.worker);
  const TaskSpec* spec = scheduler_.FindTask(effect.task);
  if (worker == nullptr || spec == nullptr) return;
  Session* session = sessions_->Find(worker->session);
  // Its end is on the way; the scheduler will hear of it and give the task to another.
  if (session == nullptr) return;
  session->driver = spec->driver;
  worker->last_function = spec->name;
  worker->claim.HandOut(effect.sequence);
  writer_->Send(*session->connection, protocol::MessageType::RunTask,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  return WriteRunTask(builder, effect, *spec, *worker);
                });
  records_->OnTaskAssigned(effect.task);
}

flatbuffers::Offset<protocol::RunTask> TaskService::WriteRunTask(
    flatbuffers::FlatBufferBuilder& builder, const scheduler::AssignTask& effect,
    const TaskSpec& spec, WorkerProcess& worker) {
  const auto values = WriteValues(builder, worker.session, spec);
  const auto value_vector = values.empty() ? 0 : builder.CreateVector(values);
  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> config;
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::WorkerSetup>>> setups;
  if (drivers_->IsKnown(spec.driver)) {
    if (!std::exchange(worker.has_driver_config, true)) {
      const auto bytes = BytesOf(drivers_->ConfigOf(spec.driver));
      config = builder.CreateVector(bytes.data(), bytes.size());
    }
    const std::span<const std::string> news =
        drivers_->SetupsOf(spec.driver).subspan(worker.setups_told);
    if (!news.empty()) {
      worker.setups_told += news.size();
      std::vector<flatbuffers::Offset<protocol::WorkerSetup>> items;
      for (const std::string& pickled : news) {
        const auto bytes = BytesOf(pickled);
        items.push_back(
            protocol::CreateWorkerSetup(builder, builder.CreateVector(bytes.data(), bytes.size())));
      }
      setups = builder.CreateVector(items);
    }
  }
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> gpus;
  if (!effect.gpus.empty()) gpus = builder.CreateVector(effect.gpus);
  const auto encoded = BytesOf(spec.encoded);
  builder.ForceVectorAlignment(encoded.size(), 1, 8);
  const auto nested = builder.CreateVector(encoded.data(), encoded.size());
  std::optional<ObjectId> state;
  if (spec.kind == TaskKind::kActorCreation) state = actors_.StateOf(spec.id);
  return protocol::CreateRunTask(builder, effect.sequence, effect.attempt, nested, value_vector,
                                 config, gpus, setups, state ? ToWire(*state) : nullptr);
}

std::vector<flatbuffers::Offset<protocol::ObjectValue>> TaskService::WriteValues(
    flatbuffers::FlatBufferBuilder& builder, ClientId worker, const TaskSpec& spec) {
  std::vector<flatbuffers::Offset<protocol::ObjectValue>> values;
  values.reserve(spec.dependencies.size());
  for (const ObjectId& id : spec.dependencies) {
    // What does not fit in one message, the worker asks for.
    if (builder.GetSize() > limits::kInlineBatchBytesMax) break;
    const auto location = objects_->store().Pin(worker, id);
    if (!location.ok()) continue;
    values.push_back(WriteObjectValue(builder, id, *location, !location->is_inline));
  }
  return values;
}

void TaskService::Act(const scheduler::RecallTasks& effect) {
  WorkerProcess* worker = workers_->Find(effect.worker);
  if (worker == nullptr) return;
  scheduler_.OnTasksRecalled(effect.worker, worker->claim.TakeBack());
}

void TaskService::Act(const scheduler::InterruptTask& effect) {
  WorkerProcess* worker = workers_->Find(effect.worker);
  if (worker == nullptr || worker->pid <= 0 || worker->wait_status) return;
  worker->claim.Interrupt(effect.sequence, static_cast<uint8_t>(effect.reason));
  // Ignored unless the worker has its handler in place; then it runs nothing yet.
  ::kill(worker->pid, SIGURG);
}

void TaskService::Act(const scheduler::ReleaseInputs& effect) {
  for (const ObjectId& id : effect.ids) objects_->store().RemoveReference(id);
}

void TaskService::Act(const scheduler::FailTask& effect) {
  plasma::ObjectStore& store = objects_->store();
  std::string error = EncodeSystemError(effect.code, effect.text);
  std::vector<ObjectId> contained;
  const auto source = effect.like.IsNil() ? std::nullopt : store.Find(effect.like);
  // An actor that was killed while the news of its being made was on its way has no error.
  if (source && source->is_inline && HoldsError(source->data)) {
    error.assign(source->data.begin(), source->data.end());
    contained = store.ContainedIn(effect.like);
  }
  bool is_lacking = !effect.has_results;
  for (uint32_t i = 0; i < effect.return_count; ++i) {
    const ObjectId id = ObjectId::ForReturn(effect.task, i);
    is_lacking = is_lacking || store.IsExpected(id);
    // AlreadyExists: a result that was stored before the worker died stays.
    const Status put = store.PutInline(0, id, BytesOf(error), contained);
    RAYX_CHECK(put.ok() || put.code() == StatusCode::kAlreadyExists);
  }
  if (scheduler_.FindActor(effect.task)) actors_.OnCreated(effect.task);
  if (!is_lacking) return;
  // What it is like was reported; and who cancels a task knows.
  if (!effect.like.IsNil() || effect.code == SystemErrorCode::kTaskCancelled) return;
  drivers_->ReportError({.driver = effect.driver,
                         .task = effect.task,
                         .name = effect.name,
                         .kind = ExceptionName(effect.code),
                         .text = effect.text,
                         .time = 0});
}

std::optional<control::TaskRecord> TaskService::RecordOf(const TaskId& id,
                                                         const NodeId& node) const {
  const TaskSpec* spec = scheduler_.FindTask(id);
  if (spec == nullptr) return std::nullopt;
  return control::TaskRecord{.id = id,
                             .driver = spec->driver,
                             .function = spec->function,
                             .node = node,
                             .name = spec->name,
                             .state = scheduler_.IsAssigned(id) ? control::TaskState::kRunning
                                                                : control::TaskState::kWaiting,
                             .attempt = 0,
                             .spec = spec->encoded};
}

void TaskService::Act(const scheduler::TaskEnded& effect) {
  plasma::ObjectStore& store = objects_->store();
  for (const ObjectId& id : effect.spec.dependencies) store.RemoveReference(id);
  for (const ObjectId& id : effect.spec.contained) store.RemoveReference(id);
  if (NeedsFunction(effect.spec)) {
    store.RemoveReference(ObjectId::ForFunction(effect.spec.function));
  }
  if (effect.spec.stream_window > 0) streams_.Remove(effect.spec.id);
  records_->OnTaskEnded(effect.spec.id, effect.failed_by_system);
}

}  // namespace rayx::daemon
