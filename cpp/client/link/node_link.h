// The connection to the node, shared by all threads of the process.
//
// Three things stand behind it: a Channel (the stream to the node), a LeaderWait (who reads that
// and other channels, and who sleeps meanwhile) and a WaitPolicy (how one sleeps). This one knows
// what is special about the node: references go before each frame, small things may be held back, a
// node that sleeps through small news is told when somebody waits for it, and without it every wait
// ends.
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

  // For other channels of this process, which the same threads read.
  WaitPolicy& policy() { return policy_; }
  LeaderWait& waits() { return waits_; }

  // Handles what came together with the handshake. Once, before all else but settings of the parts
  // above.
  Status Start();

  // A thread that waits while another one reads cannot be woken by a signal: it looks this often.
  static constexpr int64_t kSignalSliceMs = 50;
  // As LeaderWait says.
  Lock LockState() { return waits_.LockState(); }
  Status Wait(Lock* lock, const Deadline& deadline, int64_t slice_ms,
              const std::function<bool()>& ready,
              int64_t leader_slice_ms = LeaderWait::kLeaderSliceMs) {
    return waits_.Wait(lock, deadline, slice_ms, ready, leader_slice_ms);
  }
  Status Poll(Lock* lock) { return waits_.Poll(lock); }
  void Wake() { waits_.Wake(); }

  // kSoon: nobody waits for what the node does with it; a node that sleeps
  // (common/shm/doorbell_word.h) need not wake. But what is sent elsewhere next must be behind it,
  // so a signal does not end this: when it returns, all has been written.
  enum class Urgency { kNow, kSoon };

  // Puts a frame on the stream, after all queued references. When the socket is full it waits, and
  // reads meanwhile. Disconnected (with the reason) once the connection is lost. REQUIRES: the
  // state lock is not held by this thread.
  Status Send(uint16_t type, std::span<const uint8_t> payload, Urgency urgency = Urgency::kNow);
  // The same for what nobody can ask for before this process says more: it goes with the next
  // frame, when somebody waits, or when there is much. A system call, and a wake-up of the node,
  // for each small object would take most of the time of a put.
  Status Hold(uint16_t type, std::span<const uint8_t> payload);
  // Writes what is queued as far as the socket takes it at once; whoever is sending does it
  // otherwise.
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

  WaitPolicy policy_;
  LeaderWait waits_;
  const std::shared_ptr<Channel> channel_;
};

}  // namespace rayx
