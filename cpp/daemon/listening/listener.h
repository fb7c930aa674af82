// A node's socket: which connections it takes, when, and which it refuses at a glance.
//
//   Watching ─(a process connects)──▶ Due ──(end of turn: some are taken)──▶ Watching
//                                      ▲                  │ AcceptPace wants a pause
//                                      └──(the pause is over)── Pausing
//
// While it pauses, the socket is not watched at all, so processes that connect do not wake the
// node. It is heard behind everything else in a turn, when the answers to the connected peers have
// been sent.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "daemon/listening/accept_pace.h"
#include "daemon/listening/refusal_log.h"

namespace rayx::daemon {

class Listener {
 public:
  // `taken` is given the socket of a peer of this user that has not said anything wrong so far, and
  // its pid. `loop` must outlive the listener.
  Listener(EventLoop* loop, std::function<void(ScopedFd socket, pid_t pid)> taken);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // From now on peers can connect at this path.
  Status Listen(const std::string& path);
  // Takes some of the connections that wait, if any do. To be called once a turn, after all else
  // has been sent.
  void OnTurn();
  // A peer that was taken has gone without a proper hello, or was refused for its hello.
  void OnRefused(pid_t pid, const Status& why);
  // From now on no process can connect.
  void Close();

  std::string DebugText() const;

 private:
  void Watch();
  void PauseFor(int64_t ms);
  // Refuses the connection or hands it to `taken_`.
  void Judge(ScopedFd socket);
  enum class Glance { kGone, kWrong, kPromising };
  // Looks at the first bytes of a peer, which stay in its socket. `*why` is set if they are wrong.
  Glance GlanceAt(int socket, Status* why);
  void Refuse(pid_t pid, const Status& why);

  EventLoop* loop_;
  std::function<void(ScopedFd, pid_t)> taken_;
  ScopedFd socket_;
  // Set while it watches, and while it pauses.
  std::unique_ptr<EventLoop::Watcher> watch_;
  std::unique_ptr<EventLoop::Timer> pause_;
  bool due_ = false;
  AcceptPace pace_;
  RefusalLog refusal_log_;
  // The bytes that were looked at, in elements of 8 bytes, since a FlatBuffer must be aligned.
  std::vector<uint64_t> first_bytes_;
  // For DebugText.
  uint64_t taken_count_ = 0;
  uint64_t gone_count_ = 0;
  uint64_t refused_count_ = 0;
};

}  // namespace rayx::daemon
