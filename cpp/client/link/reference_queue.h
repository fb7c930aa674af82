// What the node is still to be told about references and pins, in order.
//
// The order on the one stream to the node is what makes reference counting right: a reference that
// is added because an id came inside a value must be known before the pin on that value goes. So
// everything is queued here and put on the stream before any other frame.
//
// Any thread may call it at any time, also inside destructors: it takes one short lock, and never
// waits. In a forked child nothing is queued.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/os/fork_guard.h"

namespace rayx {

class ReferenceQueue {
 public:
  // It is told when the queue should be sent soon, since something large can go, or there is much.
  // It must not wait.
  class Flusher {
   public:
    virtual ~Flusher() = default;
    virtual void TryFlush() = 0;
  };

  ReferenceQueue() = default;
  ReferenceQueue(const ReferenceQueue&) = delete;
  ReferenceQueue& operator=(const ReferenceQueue&) = delete;

  // To be called before other threads know the queue.
  void set_flusher(std::weak_ptr<Flusher> flusher) { flusher_ = std::move(flusher); }

  // An ObjectID for `id` lives in this process now.
  void Add(const ObjectId& id) { Push(Kind::kAdd, id); }
  // No ObjectID for `id` lives any more.
  void Drop(const ObjectId& id) { Push(Kind::kDrop, id); }
  // This process holds one pin less.
  void Unpin(const ObjectId& id) { Push(Kind::kUnpin, id); }

  // To be called after each change: sends the queue if the change should not wait for the next
  // message (`urgent`), or if there is much.
  void Nudge(bool urgent);

  bool empty() const { return queued_.load(std::memory_order_relaxed) == 0; }
  // Takes all that is queued and hands it to `emit` as messages (type, payload), in order. One
  // thread at a time may call it.
  void Drain(const std::function<void(uint16_t, std::span<const uint8_t>)>& emit);

  // Tells whether this process is a fork of the one that made the queue.
  bool InForkedChild() const { return fork_guard_.InChild(); }

 private:
  enum class Kind : uint8_t { kAdd, kDrop, kUnpin };
  struct Change {
    Kind kind;
    ObjectId id;
  };

  void Push(Kind kind, const ObjectId& id);

  ForkGuard fork_guard_;
  std::weak_ptr<Flusher> flusher_;
  std::mutex mutex_;
  std::vector<Change> changes_;  // protected by mutex_
  // How many these are, to be read without the lock. Relaxed: a thread sees what it has pushed, and
  // what it has been told of by whatever tells threads of something.
  std::atomic<size_t> queued_{0};
  std::vector<Change> drained_;  // of the thread that drains; kept for its memory
};

}  // namespace rayx
