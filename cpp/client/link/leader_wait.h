// Which thread of a process reads its channels, and how the others sleep meanwhile.
//
// There is no reading thread. Of the threads that wait, one (the leader) sleeps on all channels and
// hands every frame to its channel's handler; the others sleep on a condition variable and look
// again when frames have come. A leader that has what it wants leaves, and one of the others takes
// over:
//
//                 what it wants is there
//   waiting ───────────────────────────────▶ returns
//    │   ▲                                     ▲
//    │   └──(frames came, leader left)─ asleep │
//    │                                         │
//    └──(no leader)────▶ leading ──────────────┘
//
// The state that the handlers change is protected by one lock, given out by LockState. Never send
// while you hold it: a thread that sends may have to take it to read, so that two full sockets
// never wait for each other.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "client/connection/deadline.h"
#include "client/connection/poll_set.h"
#include "client/link/channel.h"
#include "client/link/wait_policy.h"
#include "common/base/status.h"
#include "common/os/scoped_fd.h"

namespace rayx {

class LeaderWait {
 public:
  using Lock = std::unique_lock<std::mutex>;

  // How many channels there may be at a time.
  static constexpr size_t kChannelsMax = 2;
  // How long a leader sleeps at a time. A signal ends its sleep, but not one that another thread
  // was chosen for, nor one that came before: in the moment between the last look for signals and
  // the sleep, or while frames were handled.
  static constexpr int64_t kLeaderSliceMs = 500;
  // How long its first sleep lasts, and each one after frames have come, so that a signal that came
  // meanwhile waits no longer than this.
  static constexpr int64_t kSignalGapMs = 50;

  // `policy` must outlive it.
  explicit LeaderWait(WaitPolicy* policy);

  // Whether callers that wait want to be let go to look for signals. To be called before other
  // threads know this object.
  void set_looks_for_signals(bool looks) { looks_for_signals_ = looks; }

  Lock LockState() { return Lock(state_mutex_); }

  // --- REQUIRE that the state lock is held; Wait and Poll give it up meanwhile ---

  // The channel is read from the next sleep on. REQUIRES: there are fewer than kChannelsMax.
  void Add(std::shared_ptr<Channel> channel);
  // Drops the channel, if it is among those added.
  void Remove(const std::shared_ptr<Channel>& channel);

  // Waits until `ready`, which is called under the lock, is true. TimedOut at the deadline. After
  // End, its reason, unless `ready` is true by then. If callers look for signals: Interrupted when
  // one arrives, and now and then without one: after `slice_ms` in a thread that does not lead,
  // after kSignalGapMs or `leader_slice_ms` in the leader. A `leader_slice_ms` of more than
  // kLeaderSliceMs says that no signal matters. If callers do not look: never Interrupted.
  Status Wait(Lock* lock, const Deadline& deadline, int64_t slice_ms,
              const std::function<bool()>& ready, int64_t leader_slice_ms = kLeaderSliceMs);
  // Takes in what has arrived, without waiting; what is queued goes out.
  Status Poll(Lock* lock);
  // The threads that wait look again: what one waits for has changed otherwise than by a frame.
  void Wake();
  // The leader calls `action`, soon and without the lock. This is for handlers, which must not
  // send.
  void RunUnlocked(std::function<void()> action) { unlocked_.push_back(std::move(action)); }
  // Every wait ends with this reason, from now on. REQUIRES: it is not OK.
  void End(Status reason);
  // The reason given to End; OK before.
  const Status& end_reason() const { return end_reason_; }

  // --- without the lock ---

  // Sleeps until the channel, whose socket is full, takes more, or until it is worth trying again;
  // reads it meanwhile if no thread leads. Interrupted if a signal arrives. REQUIRES: this thread
  // has the channel's token and not the lock.
  Status WaitToWrite(Channel* channel);
  // Drops all channels as soon as no thread leads. REQUIRES: End was called, so that no thread will
  // lead again; the lock is not held.
  void Stop();
  // In a forked child: gives up the child's copy of fd(), touching nothing else.
  void CloseInChild();
  // Can be read when there is something to Poll for. -1 after Stop. Any thread.
  int fd() const { return watch_fd_.load(std::memory_order_relaxed); }

 private:
  using Channels = std::array<std::shared_ptr<Channel>, kChannelsMax>;

  // These REQUIRE that the lock is held. Lead gives it up while it sleeps, at most `timeout_ms`.
  Status Lead(Lock* lock, int64_t timeout_ms);
  // As Wait, but returns when it is time to look for signals at the latest.
  Status WaitOnce(Lock* lock, const Deadline& deadline, int64_t slice_ms,
                  const std::function<bool()>& ready, int64_t leader_slice_ms);
  void SleepAsOther(Lock* lock, int64_t timeout_ms);
  void FlushLeftOver();
  void StopLeading();

  // The leader calls it without the lock.
  void ForgetWake();

  WaitPolicy* const policy_;
  bool looks_for_signals_ = false;

  std::mutex state_mutex_;
  // state_mutex_ protects all below.
  std::condition_variable changed_;
  // An eventfd: while it is readable, the leader shall look up from the sockets.
  ScopedFd wake_;
  // An epoll instance with all channels, for callers that watch fd(). Its number has a copy that is
  // read without the lock; relaxed, since it is only a number to hand to the system.
  ScopedFd watch_;
  std::atomic<int> watch_fd_;
  // The channels in the order in which they are read; null where there is none.
  Channels channels_;
  int asleep_ = 0;
  bool leading_ = false;
  // False after a whole sleep of the leader in which nothing came: if it goes on waiting at once,
  // no signal can have come unnoticed. Nor is there reason to look for quick answers.
  bool stirred_ = true;
  std::vector<std::function<void()>> unlocked_;
  Status end_reason_;
};

}  // namespace rayx
