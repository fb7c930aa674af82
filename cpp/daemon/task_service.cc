#include "daemon/task_service.h"

#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

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
  }
  return "RayxError";
}

}  // namespace

TaskService::TaskService(SessionTable* sessions, MessageWriter* writer, ObjectService* objects,
                         WorkerService* workers, DriverService* drivers, RecordKeeper* records,
                         scheduler::SchedulerOptions options)
    : sessions_(sessions),
      writer_(writer),
      objects_(objects),
      workers_(workers),
      drivers_(drivers),
      records_(records),
      scheduler_(std::move(options)) {}

Status TaskService::OnSubmit(Session& session, std::span<const uint8_t> encoded_spec) {
  if (session.driver.IsNil()) return Status::ProtocolError("SubmitTask of a worker without a task");
  if (encoded_spec.size() > limits::kTaskSpecBytesMax) {
    return Status::ProtocolError("SubmitTask of " + std::to_string(encoded_spec.size()) + " bytes");
  }
  Result<TaskSpec> parsed = ParseTaskSpec(encoded_spec);
  if (!parsed.ok()) return parsed.status();
  TaskSpec& spec = *parsed;
  if (spec.driver != session.driver) {
    return Status::ProtocolError("task of another driver");
  }
  if (scheduler_.FindTask(spec.id) != nullptr) return Status::ProtocolError("task id in use");
  plasma::ObjectStore& store = objects_->store();
  std::vector<ObjectId> missing;
  for (const ObjectId& id : spec.dependencies) {
    store.AddReference(id);
    if (!store.IsSealed(id)) missing.push_back(id);
  }
  for (const ObjectId& id : spec.contained) store.AddReference(id);
  // The submitter wants the results: they are pushed to it without being asked for.
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    store.Get(session.id, spec.ReturnId(i), /*pin=*/false);
  }
  records_->OnTaskSubmitted(spec.id);
  scheduler_.OnTaskSubmitted(std::move(spec), missing, session.worker);
  return Status::Ok();
}

Status TaskService::OnTaskDone(Session& session, const protocol::TaskDone& message) {
  WorkerProcess* worker = workers_->Find(session.worker);
  const auto task = FromWire<TaskId>(*message.task_id());
  // Before anything is stored: nobody may give results to a task of somebody else.
  const TaskSpec* spec = scheduler_.RunningTask(session.worker);
  if (worker == nullptr || spec == nullptr || spec->id != task) {
    return Status::ProtocolError("TaskDone for a task that the worker does not run");
  }
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
  return scheduler_.OnTaskFinished(session.worker, task, message.sequence());
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
  const bool with_config = !worker->has_driver_config && drivers_->IsKnown(spec->driver);
  worker->has_driver_config = worker->has_driver_config || with_config;
  writer_->Send(*session->connection, protocol::MessageType::RunTask,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  const auto values = WriteValues(builder, session->id, *spec);
                  const auto value_vector = values.empty() ? 0 : builder.CreateVector(values);
                  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> config;
                  if (with_config) {
                    const auto bytes = BytesOf(drivers_->ConfigOf(spec->driver));
                    config = builder.CreateVector(bytes.data(), bytes.size());
                  }
                  const auto encoded = BytesOf(spec->encoded);
                  builder.ForceVectorAlignment(encoded.size(), 1, 8);
                  const auto nested = builder.CreateVector(encoded.data(), encoded.size());
                  return protocol::CreateRunTask(builder, effect.sequence, effect.attempt, nested,
                                                 value_vector, config);
                });
  records_->OnTaskAssigned(effect.task);
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

void TaskService::Act(const scheduler::FailTask& effect) {
  const std::string error = EncodeSystemError(effect.code, effect.text);
  for (uint32_t i = 0; i < effect.return_count; ++i) {
    // AlreadyExists: a result that was stored before the worker died stays.
    const Status put =
        objects_->store().PutInline(0, ObjectId::ForReturn(effect.task, i), BytesOf(error), {});
    RAYX_CHECK(put.ok() || put.code() == StatusCode::kAlreadyExists);
  }
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
  records_->OnTaskEnded(effect.spec.id, effect.failed_by_system);
}

}  // namespace rayx::daemon
