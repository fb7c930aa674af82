#include "client/link/node_link.h"

#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/os/clock.h"
#include "common/os/fork_guard.h"

namespace rayx {
namespace {

// A signal lets a send return before its frame is on the wire, as long as no more than this is left
// over.
constexpr size_t kLeftOverBytesMax = limits::kFrameBytesMax;

// What is held at most: enough that the write and the wake-up cost little per object.
constexpr size_t kHeldBytesMax = 32u << 10;

}  // namespace

NodeLink::NodeLink(std::unique_ptr<FrameStream> stream, std::shared_ptr<ReferenceQueue> references,
                   Handler handler)
    : references_(std::move(references)),
      waits_(&policy_),
      channel_(std::make_shared<Channel>(
          std::move(stream), references_,
          Channel::Handler{.on_frame = std::move(handler),
                           .on_lost = [this](const Status& reason) { OnLost(reason); }},
          Channel::Answers::kInTime)) {
  const Lock lock = LockState();
  waits_.Add(channel_);
}

Status NodeLink::Start() {
  const Lock lock = LockState();
  return channel_->HandleFrames(Status::Ok());
}

// --- sending ---

Status NodeLink::Send(uint16_t type, std::span<const uint8_t> payload, Urgency urgency) {
  if (payload.size() > limits::kFrameBytesMax) {
    return Status::InvalidArgument("a message of " + std::to_string(payload.size()) +
                                   " bytes is over the limit of " +
                                   std::to_string(limits::kFrameBytesMax));
  }
  const Status status =
      channel_->Send(type, payload, [this, urgency] { return WaitForRoom(urgency); });
  if (urgency == Urgency::kNow) {
    policy_.OnNodeAsked();
    policy_.Ring();
  }
  // The frame is whole in the buffer and will follow; the caller may look at the signal.
  if (status.ok() || status.code() == StatusCode::kInterrupted) return Status::Ok();
  const Lock lock = LockState();
  channel_->Lose(status);
  return waits_.end_reason();
}

Status NodeLink::WaitForRoom(Urgency urgency) {
  // A node that sleeps would not empty the socket.
  policy_.Ring();
  const Status status = waits_.WaitToWrite(channel_.get());
  if (status.code() != StatusCode::kInterrupted) return status;
  // A worker tells the node what it has done first (kSoon), then its client: so it must be written,
  // whatever signals come.
  const bool goes_on = urgency == Urgency::kSoon || channel_->unsent_bytes() > kLeftOverBytesMax;
  return goes_on ? Status::Ok() : status;
}

Status NodeLink::Hold(uint16_t type, std::span<const uint8_t> payload) {
  return channel_->Append(type, payload, kHeldBytesMax) ? Status::Ok() : Send(type, payload);
}

// --- waiting ---

Status NodeLink::Wait(Lock* lock, const Deadline& deadline, const Looking& looking,
                      const std::function<bool()>& ready) {
  while (true) {
    const Status status = waits_.Wait(lock, deadline, kSignalSliceMs, ready);
    if (status.code() != StatusCode::kInterrupted || looking.looker == nullptr) return status;
    lock->unlock();
    const int64_t waited_ms = MonotonicMs() - looking.begin_ms;
    const bool goes_on = looking.looker->look(looking.looker, waited_ms);
    // A fork leaves other threads behind, and one of them may have held the lock.
    if (references_->InForkedChild()) return ForkGuard::ForkedStatus();
    lock->lock();
    if (!goes_on) return status;
  }
}

// --- the end ---

void NodeLink::OnLost(const Status& reason) {
  const bool known = reason.code() == StatusCode::kDisconnected;
  waits_.End(known ? reason
                   : Status::Disconnected("the connection to the node broke: " + reason.message()));
}

void NodeLink::Close() {
  TryFlush();
  {
    const Lock lock = LockState();
    channel_->Lose(Status::Disconnected("the connection to the node is closed"));
  }
  // No thread begins to read or write now, and the shutdown wakes those that do. First the readers,
  // then the writers, since a writer that waits for room may be the thread that reads.
  waits_.Stop();
  channel_->Close();
}

void NodeLink::CloseInChild() {
  channel_->CloseInChild();
  waits_.CloseInChild();
}

}  // namespace rayx
