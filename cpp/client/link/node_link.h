// The connection to the node, shared by all threads of the process.
//
// Three things stand behind it: a Channel (the stream to the node), a LeaderWait (which thread
// reads that and other channels, and which sleep meanwhile) and a WaitPolicy (how the leader
// sleeps). This class knows what is special about the node: references go before each frame, small
// messages may be held back, a node that coalesces its wake-ups is woken when a thread waits for
// it, and when the connection is lost every wait ends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "client/connection/deadline.h"
#include "client/connection/frame_stream.h"
#include "client/link/channel.h"
#include "client/link/leader_wait.h"
#include "client/link/reference_queue.h"
#include "client/link/wait_policy.h"
#include "client/values/looker.h"
#include "common/base/status.h"

namespace rayx {

class NodeLink : public ReferenceQueue::Flusher {
 public:
  using Lock = LeaderWait::Lock;
  // Called with each frame that arrives, under the state lock; a failure ends the connection. Must
  // not send.
  using Handler = std::function<Status(FrameStream* stream, const Frame& frame)>;

  // The handler must stay usable until Close or destruction.
  NodeLink(std::unique_ptr<FrameStream> stream, std::shared_ptr<ReferenceQueue> references,
           Handler handler);

  // The parts that other channels of this process share, since the same threads read them.
  WaitPolicy& policy() { return policy_; }
  LeaderWait& waits() { return waits_; }

  // Handles what came together with the handshake. To be called once, before all else but settings
  // of the parts above.
  Status Start();

  // A thread that waits while another one reads cannot be woken by a signal: it looks this often.
  static constexpr int64_t kSignalSliceMs = 50;
  // These do what LeaderWait says.
  Lock LockState() { return waits_.LockState(); }
  Status Wait(Lock* lock, const Deadline& deadline, int64_t slice_ms,
              const std::function<bool()>& ready,
              int64_t leader_slice_ms = LeaderWait::kLeaderSliceMs) {
    return waits_.Wait(lock, deadline, slice_ms, ready, leader_slice_ms);
  }
  // As Wait, except that a look for signals does not end it unless the looker says so. Returns
  // Forked, without the lock, in a child that the looker has forked.
  Status Wait(Lock* lock, const Deadline& deadline, const Looking& looking,
              const std::function<bool()>& ready);
  Status Poll(Lock* lock) { return waits_.Poll(lock); }
  void Wake() { waits_.Wake(); }

  // kSoon: no process waits for what the node does with it, so a node that sleeps
  // (common/shm/doorbell_word.h) need not wake. But what this process sends elsewhere next must be
  // behind it, so a signal does not end the call: when it returns, all has been written.
  enum class Urgency { kNow, kSoon };

  // Puts a frame on the stream, after all queued references. When the socket is full it waits, and
  // reads meanwhile. Disconnected (with the reason) once the connection is lost. REQUIRES: the
  // state lock is not held by this thread.
  Status Send(uint16_t type, std::span<const uint8_t> payload, Urgency urgency = Urgency::kNow);
  // The same for what no process can ask for before this one says more: it goes with the next
  // frame, when a thread waits, or when there is much. A system call, and a wake-up of the node,
  // for each small object would take most of the time of a put.
  Status Hold(uint16_t type, std::span<const uint8_t> payload);
  // Writes what is queued as far as the socket takes it at once; if a thread is sending, that
  // thread does it.
  void TryFlush() override { channel_->TryFlush(); }

  // Sends what is queued as far as it goes at once, then closes; all calls return Disconnected.
  void Close();
  // In a forked child: closes the child's copy of the descriptor, touching nothing else.
  void CloseInChild();
  // Can be read when there is something to Poll for. -1 when closed.
  int fd() const { return waits_.fd(); }

 private:
  // REQUIRES: the channel's token is held. Waits until the socket takes more.
  Status WaitForRoom(Urgency urgency);
  // REQUIRES: the state lock is held.
  void OnLost(const Status& reason);

  const std::shared_ptr<ReferenceQueue> references_;
  WaitPolicy policy_;
  LeaderWait waits_;
  const std::shared_ptr<Channel> channel_;
};

}  // namespace rayx
