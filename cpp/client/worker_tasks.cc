#include "client/worker_tasks.h"

#include <algorithm>
#include <utility>

#include "client/message.h"
#include "client/object_memory.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

// If another thread of the worker reads the socket, the main one still looks for signals this
// often.
constexpr int64_t kSliceMs = 50;

}  // namespace

WorkerTasks::WorkerTasks(NodeLink* link, ObjectAccess* objects, IdSource* ids,
                         std::optional<ClaimWord> claims)
    : link_(link), objects_(objects), ids_(ids), claims_(std::move(claims)) {}

// --- taking ---

Result<RunnableTask> WorkerTasks::NextTask() {
  if (!claims_) return Status::InvalidArgument("a driver has no tasks to run");
  if (running_.load()) return Status::InvalidArgument("the current task has not been finished");
  if (!fetching_) RAYX_RETURN_IF_ERROR(TakeTask());
  RAYX_RETURN_IF_ERROR(FetchValues());
  return Begin();
}

Status WorkerTasks::TakeTask() {
  NodeLink::Lock lock = link_->LockState();
  RAYX_RETURN_IF_ERROR(link_->Wait(&lock, Deadline(), kSliceMs, [this] {
    if (!fetching_) {
      fetching_ = queue_.Pop([this](uint32_t sequence) { return claims_->Begin(sequence); });
    }
    return fetching_.has_value() || queue_.ended();
  }));
  if (fetching_) return Status::Ok();
  return Status::Disconnected("the node ended this worker");
}

Status WorkerTasks::FetchValues() {
  std::vector<ObjectId> missing;
  for (size_t i = 0; i < fetching_->values.size(); ++i) {
    if (!fetching_->values[i].valid()) missing.push_back(fetching_->dependencies[i]);
  }
  if (missing.empty()) return Status::Ok();
  // Referred to until the task ends, so that nothing is asked twice; once even if a signal ends
  // this call.
  if (current_.references.empty()) {
    for (const ObjectId& id : missing) objects_->AddReference(id);
    current_.references = missing;
  }
  // Not as a task that waits: what it depends on is there, and user code has not begun.
  Result<std::vector<ObjectView>> views = objects_->Get(missing, -1, /*in_task=*/false);
  if (!views.ok()) return views.status();
  size_t next = 0;
  for (ObjectView& value : fetching_->values) {
    if (!value.valid()) value = std::move((*views)[next++]);
  }
  return Status::Ok();
}

RunnableTask WorkerTasks::Begin() {
  RunnableTask task = std::move(*fetching_);
  fetching_.reset();
  current_.id = task.id;
  current_.sequence = task.sequence;
  current_.return_count = task.return_count;
  ids_->BeginTask(task.id, task.attempt);
  {
    const std::lock_guard lock(driver_mutex_);
    driver_ = task.driver;
  }
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  running_.store(true, std::memory_order_release);
  return task;
}

DriverId WorkerTasks::driver() const {
  const std::lock_guard lock(driver_mutex_);
  return driver_;
}

// --- finishing ---

Status WorkerTasks::PutResult(uint32_t index, const ObjectPieces& value) {
  if (!running_.load()) return Status::InvalidArgument("there is no task to store a result of");
  if (index >= current_.return_count) {
    return Status::InvalidArgument("the task has only " + std::to_string(current_.return_count) +
                                   " results");
  }
  const ObjectPlan plan = PlanObject(value);
  const size_t size_bytes = plan.total_bytes();
  const bool small = size_bytes <= limits::kInlineObjectBytesMax;
  if (small && small_result_bytes_ + size_bytes <= limits::kInlineBatchBytesMax) {
    SmallResult result{index, std::vector<uint8_t>(size_bytes), value.contained};
    WriteObject(plan, value, result.bytes.data());
    small_results_.push_back(std::move(result));
    small_result_bytes_ += size_bytes;
    return Status::Ok();
  }
  const ObjectId id = ObjectId::ForReturn(current_.id, index);
  // We need no large result ourselves, and would keep its room from whoever is done with it.
  const Status status = small ? objects_->PutSmall(id, plan, value)
                              : objects_->PutLarge(id, plan, value, /*keep_reference=*/false);
  // An earlier attempt stored it before its worker died: the first value stays.
  if (status.code() == StatusCode::kAlreadyExists) return Status::Ok();
  if (status.ok() && small) current_.references.push_back(id);
  return status;
}

Status WorkerTasks::FinishTask(std::string_view error_text, bool wrote_output) {
  if (!running_.load()) return Status::InvalidArgument("there is no task to finish");
  running_.store(false);
  flatbuffers::FlatBufferBuilder builder(small_result_bytes_ + error_text.size() + 512);
  std::vector<flatbuffers::Offset<protocol::ResultValue>> results;
  results.reserve(small_results_.size());
  for (const SmallResult& result : small_results_) {
    builder.ForceVectorAlignment(result.bytes.size(), 1, sizeof(uint64_t));
    const auto data = builder.CreateVector(result.bytes);
    flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> contained;
    if (!result.contained.empty()) contained = ToWire(builder, result.contained);
    results.push_back(protocol::CreateResultValue(builder, result.index, data, contained));
  }
  const auto encoded = builder.CreateVector(results);
  flatbuffers::Offset<flatbuffers::String> error;
  if (!error_text.empty()) error = builder.CreateString(error_text);
  builder.Finish(protocol::CreateTaskDone(builder, current_.sequence, ToWire(current_.id), encoded,
                                          error, wrote_output));
  const Status status =
      link_->Send(static_cast<uint16_t>(MessageType::TaskDone), MessageBytes(builder));
  small_results_.clear();
  small_result_bytes_ = 0;
  // Not before TaskDone: until then the values must not go.
  objects_->RemoveReferences(std::exchange(current_, Current()).references);
  return status;
}

// --- messages ---

Status WorkerTasks::OnRunTask(std::span<const uint8_t> payload) {
  if (!claims_) return Status::ProtocolError("the node gave a driver a task");
  Result<RunnableTask> task = DecodeRunTask(payload, objects_->pool());
  if (!task.ok()) return task.status();
  queue_.OnRunTask(std::move(*task));
  return Status::Ok();
}

Status WorkerTasks::OnExitWorker() {
  queue_.OnExit();
  return Status::Ok();
}

}  // namespace rayx
