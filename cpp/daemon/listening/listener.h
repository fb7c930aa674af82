// A node's socket for the processes of its machine: which connections it takes, and which it
// refuses at a glance. When it hears them, and how many at a time, is the Acceptor's part.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/os/scoped_fd.h"
#include "daemon/listening/acceptor.h"
#include "daemon/listening/refusal_log.h"

namespace rayx::daemon {

class Listener {
 public:
  // `taken` is given the socket of a peer of this user that has not said anything wrong so far, and
  // its pid. `loop` must outlive the listener.
  Listener(EventLoop* loop, std::function<void(ScopedFd socket, pid_t pid)> taken);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // From now on peers can connect at this path.
  Status Listen(const std::string& path);
  // Takes some of the connections that wait, if any do. To be called once a turn, after all else
  // has been sent.
  void OnTurn() { acceptor_.OnTurn(); }
  // A peer that was taken has gone without a proper hello, or was refused for its hello.
  void OnRefused(pid_t pid, const Status& why);
  // From now on no process can connect.
  void Close() { acceptor_.Close(); }

  std::string DebugText() const;

 private:
  Result<bool> TakeOne(int socket);
  // Refuses the connection or hands it to `taken_`.
  void Judge(ScopedFd socket);
  enum class Glance { kGone, kWrong, kPromising };
  // Looks at the first bytes of a peer, which stay in its socket. `*why` is set if they are wrong.
  Glance GlanceAt(int socket, Status* why);
  void Refuse(pid_t pid, const Status& why);

  EventLoop* loop_;
  std::function<void(ScopedFd, pid_t)> taken_;
  Acceptor acceptor_;
  RefusalLog refusal_log_;
  // The bytes that were looked at, in elements of 8 bytes, since a FlatBuffer must be aligned.
  std::vector<uint64_t> first_bytes_;
  // For DebugText.
  uint64_t taken_count_ = 0;
  uint64_t gone_count_ = 0;
  uint64_t refused_count_ = 0;
};

}  // namespace rayx::daemon
