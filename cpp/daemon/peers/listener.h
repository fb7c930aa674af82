// A node's socket: whom it takes, when, and whom it refuses at a glance.
//
//   Watching ──(somebody connects)──▶ Due ──(end of turn: some are taken)──▶ Watching
//                                      ▲                  │ AcceptPace wants a pause
//                                      └──(the pause is over)── Pausing
//
// While it pauses the socket is not watched at all: those who connect wake nobody. It is heard
// behind everything else in a turn, when the answers to those who are connected have been sent.
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
#include "daemon/peers/accept_pace.h"
#include "daemon/peers/refusal_log.h"

namespace rayx::daemon {

class Listener {
 public:
  // `taken` is given the socket of a peer of this user that has not said anything wrong so far, and
  // its process. `loop` must outlive the listener.
  Listener(EventLoop* loop, std::function<void(ScopedFd socket, pid_t pid)> taken);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // From now on peers can connect at this path.
  Status Listen(const std::string& path);
  // Takes some of those who wait, if any do. Once a turn, after all else has been sent.
  void OnTurn();
  // One that was taken has gone without a proper hello, or was refused for the one it said.
  void OnRefused(pid_t pid, const Status& why);
  // Nobody can connect any more.
  void Close();

  std::string DebugText() const;

 private:
  void Watch();
  void PauseFor(int64_t ms);
  // Refuses it or hands it over.
  void Judge(ScopedFd socket);
  enum class Glance { kGone, kWrong, kPromising };
  // Looks at what a peer has said, without taking it. `why` is told if that is wrong.
  Glance GlanceAt(int socket, Status* why);
  void Refuse(pid_t pid, const Status& why);

  EventLoop* loop_;
  std::function<void(ScopedFd, pid_t)> taken_;
  ScopedFd socket_;
  // There while it watches, and while it pauses.
  std::unique_ptr<EventLoop::Watcher> watch_;
  std::unique_ptr<EventLoop::Timer> pause_;
  bool due_ = false;
  AcceptPace pace_;
  RefusalLog refusal_log_;
  // What was peeked at; elements of 8 bytes, as a FlatBuffer wants it.
  std::vector<uint64_t> first_bytes_;
  // For DebugText.
  uint64_t taken_count_ = 0;
  uint64_t gone_count_ = 0;
  uint64_t refused_count_ = 0;
};

}  // namespace rayx::daemon
