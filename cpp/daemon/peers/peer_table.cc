#include "daemon/peers/peer_table.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/overload.h"

namespace rayx::daemon {

PeerTable::PeerTable(EventLoop* loop, Handlers handlers)
    : loop_(loop), handlers_(std::move(handlers)) {}

PeerTable::~PeerTable() = default;

ConnectedPeer& PeerTable::Add(std::unique_ptr<ByteStream> stream) {
  const ClientId id = ++last_id_;
  auto peer = std::make_unique<ConnectedPeer>();
  peer->id = id;
  peer->connection = std::make_unique<Connection>(
      loop_, std::move(stream), limits::kHelloBytesMax,
      Connection::Handlers{
          .on_frames = [this, id] { OnFrames(id); },
          .on_closed = [this, id](const Status& reason) { OnConnectionClosed(id, reason); },
          .on_dirty = [this, id] { dirty_.push_back(id); },
      });
  return *peers_.emplace(id, std::move(peer)).first->second;
}

ConnectedPeer& PeerTable::Add(ScopedFd socket, WorkerNumber worker) {
  ConnectedPeer& peer = Add(std::make_unique<UnixStream>(std::move(socket)));
  peer.worker = worker;
  if (worker.IsNil()) {
    auto& stranger = peer.kind.emplace<Stranger>();
    stranger.hello_timer =
        loop_->CallAt(loop_->now_ms() + limits::kHelloTimeoutMs, [this, id = peer.id] {
          Close(id, Status::TimedOut("no hello within " + std::to_string(limits::kHelloTimeoutMs) +
                                     " ms"));
        });
  } else {
    peer.kind = StartingWorker();
  }
  return peer;
}

ConnectedPeer& PeerTable::AddObserver(std::unique_ptr<ByteStream> stream, int64_t patience_ms) {
  ConnectedPeer& peer = Add(std::move(stream));
  auto& observer = peer.kind.emplace<ObserverPeer>();
  observer.patience = loop_->CallAt(loop_->now_ms() + patience_ms, [this, id = peer.id] {
    Close(id, Status::TimedOut("whoever asks has not gone"));
  });
  // What has come with the greeting.
  peer.connection->ReadNow();
  return peer;
}

ConnectedPeer* PeerTable::Find(ClientId id) {
  const auto it = peers_.find(id);
  if (it == peers_.end() || it->second->closed) return nullptr;
  return it->second.get();
}

void PeerTable::Close(ClientId id, Status reason) {
  if (ConnectedPeer* peer = Find(id)) peer->connection->Close(std::move(reason));
}

void PeerTable::OnFrames(ClientId id) {
  if (const ConnectedPeer* peer = Find(id)) handlers_.on_read(*peer);
  // The peer is looked up again for each frame, since handling one may close it.
  while (ConnectedPeer* peer = Find(id)) {
    if (MustPause(*peer)) {
      peer->connection->PauseReading(true);
      paused_.push_back(id);
      return;
    }
    const std::optional<Frame> frame = peer->connection->NextFrame();
    if (!frame) return;
    Status status = handlers_.on_frame(*peer, *frame);
    if (!status.ok()) {
      // Whatever the core calls the failure, to the peer it is a breach of protocol.
      peer->connection->Close(Status::ProtocolError(status.message()));
      return;
    }
  }
}

bool PeerTable::MustPause(const ConnectedPeer& peer) {
  return peer.connection->backlog_bytes() > limits::kPeerBacklogBytesPause && MayBePaused(peer);
}

void PeerTable::ResumePaused() {
  for (const ClientId id : std::exchange(paused_, {})) {
    ConnectedPeer* peer = Find(id);
    if (peer == nullptr) continue;
    if (peer->connection->backlog_bytes() > limits::kPeerBacklogBytesSoft) {
      paused_.push_back(id);
    } else {
      peer->connection->PauseReading(false);
    }
  }
}

void PeerTable::OnConnectionClosed(ClientId id, const Status& reason) {
  ConnectedPeer* peer = Find(id);
  if (peer == nullptr) return;
  peer->closed = true;
  // What watches the peer is of no use any more, and a timer may be due before the peer is
  // destroyed.
  std::visit(Overload{[](Stranger& stranger) { stranger.hello_timer.reset(); },
                      [](StartingWorker&) {}, [](DriverPeer& driver) { driver.pid_watch.reset(); },
                      [](OutputPeer&) {}, [](ObserverPeer&) {}, [](WorkerPeer&) {}},
             peer->kind);
  closed_.push_back(id);
  handlers_.on_closed(*peer, reason);
}

void PeerTable::FlushAll() {
  for (const ClientId id : std::exchange(dirty_, {})) {
    if (ConnectedPeer* peer = Find(id)) peer->connection->Flush();
  }
  ResumePaused();
}

void PeerTable::DestroyClosed() {
  for (const ClientId id : std::exchange(closed_, {})) peers_.erase(id);
}

}  // namespace rayx::daemon
