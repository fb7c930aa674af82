#include "client/tasks/worker_tasks.h"

#include <algorithm>
#include <utility>

#include "client/connection/message.h"
#include "client/memory/object_memory.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

// Nothing runs then that a signal could be meant for, and idle workers should stay asleep.
constexpr int64_t kIdleSliceMs = 10'000;

// After functions were forgotten, the caller is let in after this time without a task, in which it
// may clean up at leisure.
constexpr int64_t kTidySliceMs = 1000;

// Fits into an empty socket at once.
constexpr size_t kToldResultBytesMax = 64u << 10;

Status NotOpen() { return Status::InvalidArgument("the task is not open in this worker"); }

}  // namespace

WorkerTasks::WorkerTasks(NodeLink* link, ObjectAccess* objects, IdSource* ids,
                         std::shared_ptr<ClaimWord> claims, TellClient tell_client)
    : link_(link),
      objects_(objects),
      ids_(ids),
      claims_(std::move(claims)),
      tell_client_(std::move(tell_client)) {}

// --- taking ---

Result<RunnableTask> WorkerTasks::NextTask() {
  if (claims_ == nullptr) return Status::InvalidArgument("a driver has no tasks to run");
  if (!fetching_) RAYX_RETURN_IF_ERROR(TakeTask());
  RAYX_RETURN_IF_ERROR(FetchValues());
  RAYX_RETURN_IF_ERROR(objects_->loan().OnTaskBegun());
  return Begin();
}

Status WorkerTasks::TakeTask() {
  NodeLink::Lock lock = link_->LockState();
  const Status waited = link_->Wait(
      &lock, tidies_ ? Deadline::After(kTidySliceMs) : Deadline(), NodeLink::kSignalSliceMs,
      [this] {
        if (!forgotten_.empty()) return true;
        if (!fetching_) {
          fetching_ = queue_.Pop([this](uint32_t sequence) { return claims_->Begin(sequence); });
        }
        return fetching_.has_value() || queue_.ended();
      },
      kIdleSliceMs);
  if (!waited.ok()) {
    tidies_ = false;
    if (waited.code() == StatusCode::kTimedOut) return Status::Interrupted("time to tidy up");
    return waited;
  }
  if (fetching_) return Status::Ok();
  if (!forgotten_.empty()) return Status::Interrupted("functions are to be forgotten");
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
  if (fetching_references_.empty()) {
    for (const ObjectId& id : missing) objects_->AddReference(id);
    fetching_references_ = missing;
  }
  // This is no wait of the task: what it depends on is there, and user code has not begun.
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
  if (task.state) {
    objects_->AddReference(*task.state);
    fetching_references_.push_back(*task.state);
  }
  ids_->BeginTask(task.id, task.attempt);
  if (task.kind == TaskKind::kFunction) run_.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(tasks_mutex_);
  OpenTask& open = open_[task.sequence];
  open.id = task.id;
  open.return_count = task.return_count;
  open.from_client = task.from_client;
  open.references = std::exchange(fetching_references_, {});
  newest_ = task.sequence;
  driver_ = task.driver;
  open_count_.store(open_.size(), std::memory_order_relaxed);
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  newest_open_.store(true, std::memory_order_release);
  return task;
}

WorkerTasks::OpenTask* WorkerTasks::Find(const RunnableTask& task) {
  const auto found = open_.find(task.sequence);
  return found != open_.end() && found->second.id == task.id ? &found->second : nullptr;
}

DriverId WorkerTasks::driver() const {
  const std::lock_guard lock(tasks_mutex_);
  return driver_;
}

ClaimWord::Interrupted WorkerTasks::Interrupt() const {
  return claims_ != nullptr ? claims_->interrupt() : ClaimWord::Interrupted();
}

void WorkerTasks::NoteExitWork() const {
  if (claims_ != nullptr) claims_->NoteExitWork();
}

std::vector<FunctionId> WorkerTasks::TakeForgottenFunctions() {
  const NodeLink::Lock lock = link_->LockState();
  if (!forgotten_.empty()) tidies_ = true;
  return std::exchange(forgotten_, {});
}

// --- finishing ---

bool WorkerTasks::AreWhole(const OpenTask& task) {
  if (task.small_results.size() != task.return_count) return false;
  if (task.small_result_bytes > kToldResultBytesMax) return false;
  // Results with ids go by way of the node: a client that gets an id from the node knows that its
  // object is there.
  return std::all_of(task.small_results.begin(), task.small_results.end(),
                     [](const SmallResult& result) { return result.contained.empty(); });
}

Status WorkerTasks::PutResult(const RunnableTask& task, uint32_t index, const ObjectPieces& value) {
  const ObjectPlan plan = PlanObject(value);
  const size_t size_bytes = plan.total_bytes();
  const bool small = size_bytes <= limits::kInlineObjectBytesMax;
  bool travels = false;
  {
    const std::lock_guard lock(tasks_mutex_);
    OpenTask* const open = Find(task);
    if (open == nullptr) return NotOpen();
    if (index >= open->return_count) {
      return Status::InvalidArgument("the task has only " + std::to_string(open->return_count) +
                                     " results");
    }
    travels = small && open->small_result_bytes + size_bytes <= limits::kInlineBatchBytesMax;
    if (travels) open->small_result_bytes += size_bytes;
  }
  // Written outside of the lock, which all tasks share.
  if (travels) {
    SmallResult result{index, std::vector<uint8_t>(size_bytes), value.contained};
    WriteObject(plan, value, result.bytes.data());
    const std::lock_guard lock(tasks_mutex_);
    OpenTask* const open = Find(task);
    if (open == nullptr) return NotOpen();
    open->small_results.push_back(std::move(result));
    return Status::Ok();
  }
  const ObjectId id = ObjectId::ForReturn(task.id, index);
  // We need no large result ourselves, and would keep its memory when all other processes are done
  // with it.
  constexpr auto kHeld = ObjectAccess::Sending::kHeld;
  const Status status = small
                            ? objects_->PutSmall(id, plan, value, kHeld)
                            : objects_->PutLarge(id, plan, value, kHeld, /*keep_reference=*/false);
  // An earlier attempt stored it before its worker died: the first value stays.
  if (status.code() == StatusCode::kAlreadyExists) return Status::Ok();
  if (!status.ok() || !small) return status;
  {
    const std::lock_guard lock(tasks_mutex_);
    OpenTask* const open = Find(task);
    if (open != nullptr) {
      open->references.push_back(id);
      return Status::Ok();
    }
  }
  objects_->RemoveReference(id);
  return NotOpen();
}

Status WorkerTasks::FinishTask(const RunnableTask& task, std::string_view error_text,
                               const TaskEnd& end) {
  OpenTask ended;
  {
    const std::lock_guard lock(tasks_mutex_);
    OpenTask* const open = Find(task);
    if (open == nullptr) return NotOpen();
    ended = std::move(*open);
    open_.erase(task.sequence);
    open_count_.store(open_.size(), std::memory_order_relaxed);
    if (newest_ == task.sequence) {
      newest_.reset();
      newest_open_.store(false, std::memory_order_release);
    }
  }
  objects_->loan().OnTaskEnded();
  const Status status = SendDone(task.sequence, ended, error_text, end);
  // Only after TaskDone: until then the values must not go.
  objects_->RemoveReferences(ended.references);
  return status;
}

Status WorkerTasks::SendDone(uint32_t sequence, const OpenTask& task, std::string_view error_text,
                             const TaskEnd& end) {
  flatbuffers::FlatBufferBuilder builder(task.small_result_bytes + error_text.size() + 512);
  std::vector<flatbuffers::Offset<protocol::ResultValue>> results;
  results.reserve(task.small_results.size());
  for (const SmallResult& result : task.small_results) {
    builder.ForceVectorAlignment(result.bytes.size(), 1, sizeof(uint64_t));
    const auto data = builder.CreateVector(result.bytes);
    flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> contained;
    if (!result.contained.empty()) contained = ToWire(builder, result.contained);
    results.push_back(protocol::CreateResultValue(builder, result.index, data, contained));
  }
  const auto encoded = builder.CreateVector(results);
  flatbuffers::Offset<flatbuffers::String> error;
  if (!error_text.empty()) error = builder.CreateString(error_text);
  const bool delivered = task.from_client && AreWhole(task);
  builder.Finish(protocol::CreateTaskDone(
      builder, sequence, ToWire(task.id), encoded, error, end.wrote_output, end.failed,
      end.state != nullptr ? ToWire(*end.state) : nullptr, delivered));
  if (task.from_client) return SendDoneToBoth(sequence, task, delivered, MessageBytes(builder));
  return link_->Send(static_cast<uint16_t>(MessageType::TaskDone), MessageBytes(builder));
}

// The node is told first, so that it knows what the client has seen, whenever we are killed.
Status WorkerTasks::SendDoneToBoth(uint32_t sequence, const OpenTask& task, bool delivered,
                                   std::span<const uint8_t> message) {
  const auto type = static_cast<uint16_t>(MessageType::TaskDone);
  const auto urgency = delivered ? NodeLink::Urgency::kSoon : NodeLink::Urgency::kNow;
  RAYX_RETURN_IF_ERROR(link_->Send(type, message, urgency));
  if (delivered) {
    tell_client_(type, message);
    return Status::Ok();
  }
  flatbuffers::FlatBufferBuilder builder(128);
  const auto id = ToWire(task.id);
  builder.Finish(protocol::CreateTaskDone(builder, sequence, id));
  tell_client_(type, MessageBytes(builder));
  return Status::Ok();
}

// --- messages ---

Status WorkerTasks::OnRunTask(std::span<const uint8_t> payload, bool from_client) {
  if (claims_ == nullptr) return Status::ProtocolError("a driver was given a task");
  Result<RunnableTask> task = DecodeRunTask(payload, objects_->pool());
  if (!task.ok()) return task.status();
  task->from_client = from_client;
  queue_.OnRunTask(std::move(*task));
  return Status::Ok();
}

Status WorkerTasks::OnForgetFunction(std::span<const uint8_t> payload) {
  if (claims_ == nullptr) return Status::ProtocolError("the node told a driver to forget");
  const auto* message = VerifiedMessage<protocol::ForgetFunction>(payload);
  if (message == nullptr) return MalformedMessage("ForgetFunction");
  forgotten_.push_back(FromWire<FunctionId>(*message->function_id()));
  return Status::Ok();
}

Status WorkerTasks::OnExitWorker() {
  queue_.OnExit();
  return Status::Ok();
}

}  // namespace rayx
