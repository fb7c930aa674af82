#include "client/tasks/direct_calls.h"

#include <utility>

#include "client/connection/message.h"
#include "common/protocol/direct_call.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

}  // namespace

DirectCalls::DirectCalls(NodeLink* link, ObjectAccess* objects)
    : link_(link),
      objects_(objects),
      channel_(link, {.on_frame = [this](const Frame& frame) { return OnFrame(frame); },
                      .on_lost = [this] { OnLost(); }}) {}

// --- submitting ---

bool DirectCalls::Fits(const TaskCall& call) const {
  const TaskTemplate& task = *call.task;
  const bool is_call = task.kind == TaskKind::kActorCall;
  const bool is_for_worker =
      is_call ? !actor_.IsNil() && task.actor.Task() == actor_ : actor_.IsNil();
  return is_for_worker && IsDirect({.kind = task.kind,
                                    .resources = task.resources,
                                    .options = task.options,
                                    .objects = call.dependencies.size() + call.contained.size()});
}

std::optional<uint32_t> DirectCalls::Take(const TaskCall& call) {
  const NodeLink::Lock lock = link_->LockState();
  std::optional<uint32_t> number;
  if (usable_ && !under_way_ && Fits(call)) number = claims_->Take();
  if (number) {
    under_way_ = call.id;
    return_count_ = call.task->return_count;
  } else {
    usable_ = false;
    ++submitted_;
  }
  return number;
}

Result<bool> DirectCalls::Submit(const TaskCall& call, std::span<const uint8_t> spec) {
  const std::optional<uint32_t> number = Take(call);
  if (!number) return false;
  builder_.Clear();
  builder_.ForceVectorAlignment(spec.size(), 1, sizeof(uint64_t));
  const auto nested = builder_.CreateVector(spec.data(), spec.size());
  builder_.Finish(protocol::CreateRunTask(builder_, *number, /*attempt=*/0, nested));
  // The node is told first, so that it knows the task before it hears of it from the worker.
  RAYX_RETURN_IF_ERROR(link_->Send(static_cast<uint16_t>(MessageType::TaskGiven),
                                   MessageBytes(builder_), NodeLink::Urgency::kSoon));
  // If the channel breaks, OnLost asks the node for the results.
  (void)channel_.Send(static_cast<uint16_t>(MessageType::RunTask), MessageBytes(builder_));
  return true;
}

void DirectCalls::OnWorkerSetup() {
  const NodeLink::Lock lock = link_->LockState();
  ++setups_;
  usable_ = false;
}

void DirectCalls::OnKill(const TaskId& actor) {
  const NodeLink::Lock lock = link_->LockState();
  ++submitted_;
  if (actor == actor_) usable_ = false;
}

// --- messages ---

Status DirectCalls::OnLeaseGranted(FrameStream* stream, std::span<const uint8_t> payload) {
  const auto* message = VerifiedMessage<protocol::LeaseGranted>(payload);
  if (message == nullptr) return MalformedMessage("LeaseGranted");
  if (message->carries_channel()) {
    Result<std::vector<ScopedFd>> ends = stream->TakeFds(3);
    if (!ends.ok() && ends.status().code() != StatusCode::kIoError) return ends.status();
    if (under_way_) OnLost();
    if (!ends.ok()) {  // no descriptors left: the worker finds the channel closed, and the node
                       // serves
      OnLost();
      channel_.Close();
      return Status::Ok();
    }
    Result<ClaimWord> claims = ClaimWord::Map((*ends)[1].get());
    if (!claims.ok()) return claims.status();
    claims_ = std::make_shared<ClaimWord>(std::move(*claims));
    channel_.Open(std::move((*ends)[0]), claims_, std::move((*ends)[2]));
  }
  actor_ = message->actor_id() != nullptr ? FromWire<TaskId>(*message->actor_id()) : TaskId();
  usable_ =
      claims_ != nullptr && message->submitted() == submitted_ && message->setups() >= setups_;
  return Status::Ok();
}

Status DirectCalls::OnFrame(const Frame& frame) {
  if (frame.type != static_cast<uint16_t>(MessageType::TaskDone)) {
    return Status::ProtocolError("a message of type " + std::to_string(frame.type) +
                                 " came over a direct channel");
  }
  const auto* message = VerifiedMessage<protocol::TaskDone>(frame.payload);
  if (message == nullptr) return MalformedMessage("TaskDone");
  const auto task = FromWire<TaskId>(*message->task_id());
  if (under_way_ != task) return Status::ProtocolError("TaskDone of a task that was not given");
  under_way_.reset();
  if (message->results() == nullptr) return Status::Ok();
  for (const protocol::ResultValue* result : *message->results()) {
    if (result->index() >= return_count_) continue;
    objects_->OnInlineResult(ObjectId::ForReturn(task, result->index()), BytesOf(*result->data()));
  }
  return Status::Ok();
}

void DirectCalls::OnLost() {
  usable_ = false;
  claims_.reset();
  if (!under_way_) return;
  for (uint32_t i = 0; i < return_count_; ++i) {
    to_ask_.push_back(ObjectId::ForReturn(*under_way_, i));
  }
  under_way_.reset();
  link_->waits().RunUnlocked([this] { Ask(); });
}

void DirectCalls::Ask() {
  std::vector<ObjectId> ids;
  {
    const NodeLink::Lock lock = link_->LockState();
    ids = std::exchange(to_ask_, {});
    // What this process does not refer to any more must not be referred to again.
    std::erase_if(ids, [this](const ObjectId& id) { return !objects_->IsKnown(id); });
  }
  // If this fails, so does every call that waits.
  if (!ids.empty()) (void)objects_->AskFor(ids, /*pin=*/false);
}

}  // namespace rayx
