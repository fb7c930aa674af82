// The traffic of one connection to the node, shared by all threads of the process.
//
// Sending: one thread at a time writes its frame, after what the reference queue holds. When the
// socket is full it waits, and reads meanwhile, so that two full sockets never wait for each other.
//
// Receiving: there is no reading thread. Of those that wait, one (the leader) sleeps on the socket
// and hands every frame to the handler; the others sleep on a condition variable and look again
// when frames have come. A leader that has what it wants leaves, and one of the others takes over:
//
//                 what it wants is there
//   waiting ───────────────────────────────▶ returns
//    │   ▲                                     ▲
//    │   └──(frames came, leader left)─ asleep │
//    │                                         │
//    └──(nobody leads)─▶ leading ──────────────┘
//
// The state that the handler changes is protected by one lock, given out by LockState. Never send
// while you hold it.
//
// Beside the connection there may be a direct line (daemon/latency/line_service.h), to a worker or,
// in a worker, to a client. Whoever leads sleeps on both, and hands its frames to a handler of its
// own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "client/connection/deadline.h"
#include "client/connection/frame_stream.h"
#include "client/link/reference_queue.h"
#include "client/link/send_token.h"
#include "client/link/spin.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"
#include "common/shm/claim_word.h"
#include "common/shm/home_cpu.h"

namespace rayx {

class NodeLink : public ReferenceQueue::Flusher {
 public:
  using Lock = std::unique_lock<std::mutex>;
  // Called with each frame that arrives, under the state lock; a failure ends the connection. Must
  // not send.
  using Handler = std::function<Status(FrameStream* stream, const Frame& frame)>;
  struct LineHandler {
    // Under the state lock; must not send. A failure ends the line.
    std::function<Status(const Frame& frame)> on_frame;
    // Likewise. The peer has closed it, or it broke.
    std::function<void()> on_lost;
    // Without the lock, soon after WantSettle: what could not be sent.
    std::function<void()> settle;
  };

  // How long a leader sleeps at a time. A signal ends its sleep, but not one that another thread
  // was chosen for, nor one that came before: in the moment between the last look for signals and
  // the sleep, or while frames were handled.
  static constexpr int64_t kLeaderSliceMs = 500;
  // Its first sleep, and each one after frames have come: so a signal that came meanwhile waits no
  // longer than this.
  static constexpr int64_t kSignalGapMs = 50;

  // The handler must stay usable until Close or destruction.
  NodeLink(std::unique_ptr<FrameStream> stream, std::shared_ptr<ReferenceQueue> references,
           Handler handler);

  // Where whoever reads the socket sleeps. Before Start.
  void set_home_cpu(HomeCpu home) { home_ = std::move(home); }
  // Before Start.
  void set_line_handler(LineHandler handler) { line_handler_ = std::move(handler); }
  // Whether who waits wants to be let go to look for signals. Before Start.
  void set_looks_for_signals(bool looks) { looks_for_signals_ = looks; }
  // Handles what came together with the handshake. Once, before all else.
  Status Start();

  Lock LockState() { return Lock(state_mutex_); }

  // kSoon: nobody waits for what the node does with it; a node that rests (common/shm/rest_word.h)
  // need not wake. But what is sent elsewhere next must be behind it, so a signal does not end
  // this: when it returns, all has been written.
  enum class Urgency { kNow, kSoon };

  // Puts a frame on the stream, after all queued references. Disconnected (with the reason) once
  // the connection is lost. REQUIRES: the state lock is not held by this thread.
  Status Send(uint16_t type, std::span<const uint8_t> payload, Urgency urgency = Urgency::kNow);
  // The same for what nobody can ask for before this process says more: it goes with the next
  // frame, when somebody waits, or when there is much. A system call, and a wake-up of the node,
  // for each small object would take most of the time of a put.
  Status Hold(uint16_t type, std::span<const uint8_t> payload);
  // Writes what is queued as far as the socket takes it at once; whoever is sending does it
  // otherwise.
  void TryFlush() override;

  // Waits until `ready`, which is called under the lock, is true. TimedOut at the deadline.
  // Whatever is there when the connection is lost counts; then Disconnected. If the caller looks
  // for signals: Interrupted when one arrives, and now and then, after `slice_ms` where a thread
  // does not lead, after kSignalGapMs or `leader_slice_ms` where it does. One of more than
  // kLeaderSliceMs tells that no signal matters. If it does not: never Interrupted.
  Status Wait(Lock* lock, const Deadline& deadline, int64_t slice_ms,
              const std::function<bool()>& ready, int64_t leader_slice_ms = kLeaderSliceMs);
  // Takes in what has arrived, without waiting; what is held goes out.
  Status Poll(Lock* lock);
  // Those that wait look again: what one waits for has changed otherwise than by a frame. REQUIRES:
  // the lock is held.
  void Wake();

  // The line from now on, instead of the one before if there was one; null: none. REQUIRES: called
  // by a handler.
  void SetLine(std::shared_ptr<FrameStream> line);
  // The leader shall call `settle`. REQUIRES: the lock is held.
  void WantSettle() { settle_wanted_ = true; }
  // What the node is hurried by, and told by whether to spin. Any thread.
  void SetRest(std::shared_ptr<const ClaimWord> memory, ScopedFd bell);
  // Puts a frame on the line. False if there is no line, or if it breaks: frames on it are few and
  // small, so that one that does not take them is broken. One thread at a time. REQUIRES: as Send.
  bool SendOnLine(uint16_t type, std::span<const uint8_t> payload);

  // Sends what is queued as far as it goes at once, then closes; all calls return Disconnected.
  void Close();
  // In a forked child: closes the child's copy of the descriptor, touching nothing else.
  void CloseInChild();
  // Can be read when there is something to Poll for. -1 when closed.
  int fd() const { return watch_fd_.load(std::memory_order_relaxed); }

 private:
  // These REQUIRE: this thread leads. The first two return with the lock held.
  Status ReadAndHandle(Lock* lock);
  void ReadLine(Lock* lock, const std::shared_ptr<FrameStream>& line);
  Status HandleFrames();
  // REQUIRES: the lock is held, this thread leads. Sleeps on the socket once.
  Status Lead(Lock* lock, int64_t timeout_ms);
  // Wait, until it is time to look for signals at the latest.
  Status WaitOnce(Lock* lock, const Deadline& deadline, int64_t slice_ms,
                  const std::function<bool()>& ready, int64_t leader_slice_ms);
  // Of the leader, without the lock.
  Result<FrameStream::Readiness> Sleep(bool unsent, int64_t timeout_ms, int line_fd, bool may_spin);
  // Looks for a moment without sleeping, if that is promising; nothing ready otherwise.
  Result<FrameStream::Readiness> SpinOnLine(bool unsent, int line_fd);
  bool MaySpin();
  void Hurry();
  // REQUIRES: the lock is held.
  void DropLine();
  // REQUIRES: the token is held. Waits until the socket takes more, and writes.
  Status WriteMore();
  void QueueReferences();
  void StopLeading();
  // Of the leader.
  void ForgetWake();
  // REQUIRES: the lock is held.
  void Lose(const Status& reason);

  const std::unique_ptr<FrameStream> stream_;
  const std::shared_ptr<ReferenceQueue> references_;
  const Handler handler_;
  LineHandler line_handler_;
  HomeCpu home_;
  bool looks_for_signals_ = false;

  SendToken token_;
  // Set by those who could not get the token; whoever gives it back looks.
  std::atomic<bool> flush_wanted_{false};
  std::atomic<bool> closed_{false};

  // Of the leader.
  Spin spin_;
  // What was sent last was for the node, at once, and not for the line.
  std::atomic<bool> node_is_asked_ = false;

  std::mutex rest_mutex_;
  // Below: protected by rest_mutex_.
  std::shared_ptr<const ClaimWord> rest_;
  ScopedFd rest_bell_;

  std::mutex state_mutex_;
  // Below: protected by state_mutex_.
  std::condition_variable changed_;
  // Readable: the leader shall look up from the socket.
  ScopedFd wake_;
  // An epoll instance, for those who watch fd(): the connection and the line.
  ScopedFd watch_;
  std::atomic<int> watch_fd_;
  std::shared_ptr<FrameStream> line_;
  int asleep_ = 0;
  bool leading_ = false;
  bool settle_wanted_ = false;
  // False after a whole sleep of the leader in which nothing came: if it goes on waiting at once,
  // no signal can have come unnoticed. Nor is there reason to look for the line's messages.
  bool stirred_ = true;
  Status lost_;
};

}  // namespace rayx
