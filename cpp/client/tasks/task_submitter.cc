#include "client/tasks/task_submitter.h"

#include <optional>
#include <string>

#include "client/connection/message.h"
#include "client/memory/object_memory.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

// Whether it is the result of a creation, by which an actor is known.
bool IsCreationResult(const ObjectId& id) { return !id.IsNil() && id.Index() == 0; }

Status CheckActorFields(const TaskTemplate& task) {
  if (task.method.size() > limits::kNameBytesMax ||
      task.actor_name.size() > limits::kNameBytesMax) {
    return Status::InvalidArgument("the name of an actor or a method has at most " +
                                   std::to_string(limits::kNameBytesMax) + " bytes");
  }
  if (task.kind == TaskKind::kActorCall) {
    if (!IsCreationResult(task.actor)) return Status::InvalidArgument("a call needs an actor");
    if (task.method.empty()) return Status::InvalidArgument("a call needs a method");
    return Status::Ok();
  }
  return Status::Ok();
}

Status CheckTemplate(const TaskTemplate& task) {
  if (task.return_count > limits::kReturnsMax) {
    return Status::InvalidArgument("a task has at most " + std::to_string(limits::kReturnsMax) +
                                   " results");
  }
  if (task.name.size() > limits::kNameBytesMax) {
    return Status::InvalidArgument("a function's name has at most " +
                                   std::to_string(limits::kNameBytesMax) + " bytes");
  }
  RAYX_RETURN_IF_ERROR(CheckOptions(task.options, task.kind, task.return_count));
  return task.kind == TaskKind::kFunction ? Status::Ok() : CheckActorFields(task);
}

}  // namespace

Result<std::vector<ObjectId>> TaskSubmitter::Submit(const TaskTemplate& task, const Origin& origin,
                                                    const ObjectPieces* args,
                                                    std::span<const ObjectId> dependencies) {
  RAYX_RETURN_IF_ERROR(CheckTemplate(task));
  TaskCall call;
  call.task = &task;
  call.driver = origin.driver;
  call.run = origin.run;
  call.dependencies = dependencies;
  std::optional<ObjectPlan> plan;
  std::optional<ObjectId> stored_args;
  std::vector<ObjectId> with_args;
  if (args != nullptr) {
    plan.emplace(PlanObject(*args));
    if (plan->total_bytes() > limits::kInlineObjectBytesMax) {
      stored_args = ids_->NextPut(origin.in_task);
      RAYX_RETURN_IF_ERROR(
          objects_->PutLarge(*stored_args, *plan, *args, ObjectAccess::Sending::kHeld));
      with_args.assign(dependencies.begin(), dependencies.end());
      with_args.push_back(*stored_args);
      call.dependencies = with_args;
      call.args_in_store = true;
    } else {
      call.args = args;
      call.args_plan = &*plan;
      call.contained = args->contained;
    }
  }
  call.id = ids_->NextTask(origin.in_task);
  std::vector<ObjectId> results;
  results.reserve(task.return_count + task.options.stream_window);
  for (uint32_t i = 0; i < task.return_count; ++i) {
    results.push_back(ObjectId::ForReturn(call.id, i));
  }
  for (uint32_t i = 0; i < task.options.stream_window; ++i) {
    results.push_back(ObjectId::ForStreamItem(call.id, i));
  }
  const ObjectId* actor = nullptr;
  if (task.kind == TaskKind::kActorCreation) actor = results.data();
  if (task.kind == TaskKind::kActorCall) actor = &task.actor;
  objects_->AddResults(results, actor);
  const Status status = Send(call);
  // From here on the task refers to its stored arguments.
  if (stored_args) objects_->RemoveReference(*stored_args);
  if (!status.ok()) {
    objects_->RemoveReferences(results);
    return status;
  }
  return results;
}

Status TaskSubmitter::Cancel(const ObjectId& id, bool force) {
  if (id.IsPut()) {
    return Status::InvalidArgument("ObjectID(" + id.Hex() +
                                   ") was made by rayx.put, so there is no task to cancel");
  }
  return SendCancel(id.Task(), force);
}

Status TaskSubmitter::CancelAll(bool force) { return SendCancel(TaskId(), force); }

Status TaskSubmitter::SendCancel(const TaskId& task, bool force) {
  flatbuffers::FlatBufferBuilder builder(64);
  builder.Finish(protocol::CreateCancelTask(builder, ToWire(task), force));
  return link_->Send(static_cast<uint16_t>(protocol::MessageType::CancelTask),
                     MessageBytes(builder));
}

Status TaskSubmitter::KillActor(const ObjectId& actor) {
  if (!IsCreationResult(actor)) return Status::InvalidArgument("the object is not an actor");
  const TaskId creation = actor.Task();
  flatbuffers::FlatBufferBuilder builder(64);
  builder.Finish(protocol::CreateKillActor(builder, ToWire(creation)));
  shortcut_->OnKill(creation);
  return link_->Send(static_cast<uint16_t>(protocol::MessageType::KillActor),
                     MessageBytes(builder));
}

Status TaskSubmitter::Send(const TaskCall& call) {
  const std::lock_guard lock(encoder_mutex_);
  const std::span<const uint8_t> spec = encoder_.Encode(call);
  const Result<bool> given = shortcut_->Submit(call, spec);
  if (!given.ok() || *given) return given.status();
  return link_->Send(static_cast<uint16_t>(protocol::MessageType::SubmitTask), spec);
}

}  // namespace rayx
