#include "daemon/peers/session_table.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/log.h"

namespace rayx::daemon {

SessionTable::SessionTable(EventLoop* loop, Handlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {}

SessionTable::~SessionTable() = default;

Session& SessionTable::Add(ScopedFd socket, WorkerNumber worker) {
  const ClientId id = ++last_id_;
  auto session = std::make_unique<Session>();
  session->id = id;
  session->worker = worker;
  session->connection = std::make_unique<Connection>(
      loop_, std::make_unique<UnixStream>(std::move(socket)), limits::kHelloBytesMax,
      Connection::Handlers{
          .on_frames = [this, id] { OnFrames(id); },
          .on_closed = [this, id](const Status& reason) { OnConnectionClosed(id, reason); },
          .on_dirty = [this, id] { dirty_.push_back(id); },
      });
  // A worker has its own, longer time to start, which the worker service watches.
  if (worker.IsNil()) {
    session->hello_timer = loop_->CallAt(loop_->now_ms() + limits::kHelloTimeoutMs, [this, id] {
      Close(id,
            Status::TimedOut("no hello within " + std::to_string(limits::kHelloTimeoutMs) + " ms"));
    });
  }
  return *sessions_.emplace(id, std::move(session)).first->second;
}

Session* SessionTable::Find(ClientId id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end() || it->second->state == SessionState::kClosed) return nullptr;
  return it->second.get();
}

void SessionTable::Close(ClientId id, Status reason) {
  if (Session* session = Find(id)) session->connection->Close(std::move(reason));
}

void SessionTable::OnFrames(ClientId id) {
  if (const Session* session = Find(id)) handlers_.on_read(*session);
  // Looked up again for each frame: handling one may close the session.
  while (Session* session = Find(id)) {
    if (MustPause(*session)) {
      session->connection->PauseReading(true);
      paused_.push_back(id);
      return;
    }
    const std::optional<Frame> frame = session->connection->NextFrame();
    if (!frame) return;
    Status status = handlers_.on_frame(*session, *frame);
    if (!status.ok()) {
      // Whatever a core calls it, to the peer it is a breach of protocol.
      session->connection->Close(Status::ProtocolError(status.message()));
      return;
    }
  }
}

bool SessionTable::MustPause(const Session& session) {
  // A worker reads when it has nothing to run; what it has done must be heard before. And so must
  // be what a client with a line has given to its worker.
  return session.worker.IsNil() && !session.has_line &&
         session.connection->backlog_bytes() > limits::kPeerBacklogBytesPause;
}

void SessionTable::ResumePaused() {
  for (const ClientId id : std::exchange(paused_, {})) {
    Session* session = Find(id);
    if (session == nullptr) continue;
    if (session->connection->backlog_bytes() > limits::kPeerBacklogBytesSoft) {
      paused_.push_back(id);
    } else {
      session->connection->PauseReading(false);
    }
  }
}

void SessionTable::OnConnectionClosed(ClientId id, const Status& reason) {
  Session* session = Find(id);
  if (session == nullptr) return;
  session->state = SessionState::kClosed;
  session->hello_timer.reset();
  session->pid_watch.reset();
  closed_.push_back(id);
  handlers_.on_closed(*session, reason);
}

void SessionTable::FlushAll() {
  for (const ClientId id : std::exchange(dirty_, {})) {
    if (Session* session = Find(id)) session->connection->Flush();
  }
  ResumePaused();
}

void SessionTable::DestroyClosed() {
  for (const ClientId id : std::exchange(closed_, {})) sessions_.erase(id);
}

}  // namespace rayx::daemon
