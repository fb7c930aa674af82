#include "daemon/listening/listener.h"

#include <unistd.h>

#include <span>
#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/frame.h"
#include "common/io/socket.h"
#include "daemon/listening/first_bytes.h"

namespace rayx::daemon {

Listener::Listener(EventLoop* loop, std::function<void(ScopedFd, pid_t)> taken)
    : loop_(loop),
      taken_(std::move(taken)),
      acceptor_(loop, [this](int socket) { return TakeOne(socket); }),
      first_bytes_(kFirstBytesMax / sizeof(uint64_t)) {}

Status Listener::Listen(const std::string& path) {
  Result<ScopedFd> socket = ListenUnix(path, limits::kListenQueue);
  if (!socket.ok()) return socket.status();
  acceptor_.Open(std::move(*socket));
  return Status::Ok();
}

Result<bool> Listener::TakeOne(int listening) {
  Result<ScopedFd> socket = AcceptUnix(listening);
  if (!socket.ok()) return socket.status();
  if (!socket->valid()) return false;
  Judge(std::move(*socket));
  return true;
}

void Listener::Judge(ScopedFd socket) {
  Status why;
  pid_t pid = 0;
  const Result<PeerCredentials> peer = GetPeerCredentials(socket.get());
  if (peer.ok()) pid = peer->pid;
  if (!peer.ok() || peer->uid != ::geteuid()) why = Status::ProtocolError("another user's process");
  const Glance glance = why.ok() ? GlanceAt(socket.get(), &why) : Glance::kWrong;
  switch (glance) {
    case Glance::kGone:
      ++gone_count_;
      return acceptor_.OnRefused();
    case Glance::kWrong:
      return Refuse(pid, why);
    case Glance::kPromising:
      ++taken_count_;
      return taken_(std::move(socket), pid);
  }
}

Listener::Glance Listener::GlanceAt(int socket, Status* why) {
  const std::span<uint8_t> room(reinterpret_cast<uint8_t*>(first_bytes_.data()), kFirstBytesMax);
  // The header comes first: most junk is refused by it, however long it is.
  PeekOutcome said = PeekAt(socket, room.first(sizeof(FrameHeader)));
  // The peer cannot read an answer any more, so what it said does not matter: a client does nothing
  // before its welcome.
  if (said.gone) return Glance::kGone;
  Result<bool> is_whole = IsWholeHello(room.first(said.bytes));
  if (is_whole.ok() && said.bytes == sizeof(FrameHeader)) {
    said = PeekAt(socket, room);
    is_whole = IsWholeHello(room.first(said.bytes));
  }
  if (!is_whole.ok()) {
    *why = is_whole.status();
    return Glance::kWrong;
  }
  // The peer has sent a part of a hello, or nothing, and will send no more.
  if (said.gone || (said.ends && !*is_whole)) return Glance::kGone;
  return Glance::kPromising;
}

void Listener::OnRefused(pid_t pid, const Status& why) {
  Refuse(pid, why);
  acceptor_.OnRefusedLater();
}

void Listener::Refuse(pid_t pid, const Status& why) {
  ++refused_count_;
  acceptor_.OnRefused();
  // A peer that has left by itself is not worth a line.
  if (why.code() == StatusCode::kDisconnected) return;
  const std::optional<std::string> line =
      refusal_log_.OnRefused("pid " + std::to_string(pid), why.message(), loop_->now_ms());
  if (line) LogWarning(*line);
}

std::string Listener::DebugText() const {
  return "connections: " + std::to_string(taken_count_) +
         " became peers, had gone before: " + std::to_string(gone_count_) +
         ", were refused: " + std::to_string(refused_count_) + "\n";
}

}  // namespace rayx::daemon
