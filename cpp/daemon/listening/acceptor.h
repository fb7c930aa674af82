// When a listening socket is heard, and how many connections it gives at a time.
//
//   Watching ─(somebody connects)──▶ Due ──(end of turn: some are taken)──▶ Watching
//                                     ▲                  │ AcceptPace wants a pause
//                                     └──(the pause is over)── Pausing
//
// While it pauses, the socket is not watched at all, so processes that connect do not wake the
// node. It is heard behind everything else in a turn, when the answers to the connected peers have
// been sent.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "daemon/listening/accept_pace.h"

namespace rayx::daemon {

class Acceptor {
 public:
  // Accepts one connection of the socket and deals with it; false if nobody waits. It calls
  // OnRefused() if it has refused it. An error, such as of a process without free descriptors: it
  // is called again a little later, and those who wait to connect go on waiting.
  using Take = std::function<Result<bool>(int socket)>;

  // `loop` must outlive it.
  Acceptor(EventLoop* loop, Take take);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Hears this socket, which listens and does not block.
  void Open(ScopedFd socket);
  // Takes some of the connections that wait, if any do. To be called once a turn, after all else
  // has been sent.
  void OnTurn();
  // The connection that is being taken is refused.
  void OnRefused() { pace_.OnRefused(); }
  // One that was taken in an earlier turn is refused. Does not put off the end of a pause that has
  // begun.
  void OnRefusedLater();
  // From now on nobody can connect.
  void Close();

 private:
  void Watch();
  void PauseFor(int64_t ms);

  EventLoop* loop_;
  Take take_;
  ScopedFd socket_;
  // Set while it watches, and while it pauses.
  std::unique_ptr<EventLoop::Watcher> watch_;
  std::unique_ptr<EventLoop::Timer> pause_;
  bool due_ = false;
  AcceptPace pace_;
};

}  // namespace rayx::daemon
