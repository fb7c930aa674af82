#include "client/task_submitter.h"

#include <optional>
#include <string>

#include "client/message.h"
#include "client/object_memory.h"
#include "common/base/limits.h"

namespace rayx {
namespace {

Status CheckTemplate(const TaskTemplate& task) {
  if (task.return_count > limits::kReturnsMax) {
    return Status::InvalidArgument("a task has at most " + std::to_string(limits::kReturnsMax) +
                                   " results");
  }
  if (task.name.size() > limits::kNameBytesMax) {
    return Status::InvalidArgument("a function's name has at most " +
                                   std::to_string(limits::kNameBytesMax) + " bytes");
  }
  if (task.max_retries < -1) return Status::InvalidArgument("max_retries is -1 or more");
  return Status::Ok();
}

}  // namespace

Result<std::vector<ObjectId>> TaskSubmitter::Submit(const TaskTemplate& task,
                                                    const DriverId& driver,
                                                    const ObjectPieces* args,
                                                    std::span<const ObjectId> dependencies,
                                                    bool in_task) {
  RAYX_RETURN_IF_ERROR(CheckTemplate(task));
  TaskCall call;
  call.task = &task;
  call.driver = driver;
  call.dependencies = dependencies;
  std::optional<ObjectPlan> plan;
  std::optional<ObjectId> stored_args;
  std::vector<ObjectId> with_args;
  if (args != nullptr) {
    plan.emplace(PlanObject(*args));
    if (plan->total_bytes() > limits::kInlineObjectBytesMax) {
      stored_args = ids_->NextPut(in_task);
      RAYX_RETURN_IF_ERROR(objects_->PutLarge(*stored_args, *plan, *args));
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
  call.id = ids_->NextTask(in_task);
  std::vector<ObjectId> results;
  results.reserve(task.return_count);
  for (uint32_t i = 0; i < task.return_count; ++i) {
    results.push_back(ObjectId::ForReturn(call.id, i));
  }
  objects_->AddResults(results);
  const Status status = Send(call);
  // From here on the task refers to them.
  if (stored_args) objects_->RemoveReference(*stored_args);
  if (!status.ok()) {
    objects_->RemoveReferences(results);
    return status;
  }
  return results;
}

Status TaskSubmitter::Send(const TaskCall& call) {
  const std::lock_guard lock(encoder_mutex_);
  return link_->Send(static_cast<uint16_t>(protocol::MessageType::SubmitTask),
                     encoder_.Encode(call));
}

}  // namespace rayx
