#include "client/link/reference_queue.h"

#include <flatbuffers/flatbuffers.h>

#include <algorithm>

#include "client/connection/message.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;
using Emit = std::function<void(uint16_t, std::span<const uint8_t>)>;

// How many changes wait for the next message at most. A message of their own costs as much as some
// tens of these.
constexpr size_t kChangesHeld = 64;

template <typename Message>
void EmitMessage(flatbuffers::FlatBufferBuilder* builder, MessageType type,
                 flatbuffers::Offset<Message> message, const Emit& emit) {
  builder->Finish(message);
  emit(static_cast<uint16_t>(type), MessageBytes(*builder));
  builder->Clear();
}

}  // namespace

void ReferenceQueue::Push(Kind kind, const ObjectId& id) {
  if (fork_guard_.InChild()) return;
  const std::lock_guard lock(mutex_);
  changes_.push_back({kind, id});
  queued_.store(changes_.size(), std::memory_order_relaxed);
}

void ReferenceQueue::Nudge(bool urgent) {
  if (fork_guard_.InChild()) return;
  if (!urgent && queued_.load(std::memory_order_relaxed) < kChangesHeld) return;
  if (const std::shared_ptr<Flusher> flusher = flusher_.lock()) flusher->TryFlush();
}

void ReferenceQueue::Drain(const Emit& emit) {
  if (empty()) return;
  drained_.clear();
  {
    const std::lock_guard lock(mutex_);
    drained_.swap(changes_);
    queued_.store(0, std::memory_order_relaxed);
  }
  flatbuffers::FlatBufferBuilder builder;
  std::vector<ObjectId> first;
  std::vector<ObjectId> second;
  size_t next = 0;
  while (next < drained_.size()) {
    const Kind kind = drained_[next].kind;
    first.clear();
    second.clear();
    // A run of additions becomes one message, and so does a run of drops and unpins, whose order
    // among themselves means nothing.
    while (next < drained_.size() && first.size() + second.size() < limits::kIdsPerMessageMax) {
      const Change& change = drained_[next];
      if ((change.kind == Kind::kAdd) != (kind == Kind::kAdd)) break;
      (change.kind == Kind::kUnpin ? second : first).push_back(change.id);
      ++next;
    }
    const auto first_ids = ToWire(builder, first);
    if (kind == Kind::kAdd) {
      EmitMessage(&builder, MessageType::AddReferences,
                  protocol::CreateAddReferences(builder, first_ids), emit);
    } else {
      const auto second_ids = ToWire(builder, second);
      EmitMessage(&builder, MessageType::ReleaseObjects,
                  protocol::CreateReleaseObjects(builder, first_ids, second_ids), emit);
    }
  }
  if (drained_.capacity() > 4 * kChangesHeld) {
    drained_.clear();
    drained_.shrink_to_fit();
  }
}

}  // namespace rayx
