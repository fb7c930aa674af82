// All peers of a node: which are connected, have something to be written, or are to be destroyed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/io/frame.h"
#include "daemon/peers/connected_peer.h"

namespace rayx::daemon {

class PeerTable {
 public:
  struct Handlers {
    // Bytes have been read; the frames that are whole by now follow.
    std::function<void(const ConnectedPeer&)> on_read;
    // A whole frame. A Status that is not OK closes the peer.
    std::function<Status(ConnectedPeer&, const Frame&)> on_frame;
    // The peer has just been closed; it is destroyed at the end of the turn.
    std::function<void(ConnectedPeer&, const Status& reason)> on_closed;
  };

  PeerTable(EventLoop* loop, Handlers handlers);
  ~PeerTable();
  PeerTable(const PeerTable&) = delete;
  PeerTable& operator=(const PeerTable&) = delete;

  // Takes a connected socket. The peer must say hello in time. `worker` is the number of the worker
  // that was given the other end, 0 for a peer that came through the listener.
  ConnectedPeer& Add(ScopedFd socket, WorkerNumber worker);
  // Takes a stream of another node, on which that asks for its clients. It closes the stream when
  // it has its answer; if nobody does so for `patience_ms`, this closes it.
  ConnectedPeer& AddObserver(std::unique_ptr<ByteStream> stream,
                             int64_t patience_ms = 2 * limits::kRemoteAnswerMs);
  // For a client of the core that is no peer: a session with another node.
  ClientId NewId() { return ++last_id_; }
  // Null if there is none, or it is closed.
  ConnectedPeer* Find(ClientId id);
  // Closes the peer; on_closed follows from the loop. Does nothing if it is closed.
  void Close(ClientId id, Status reason);

  // Writes to every peer that has something queued, and goes on reading from peers that have caught
  // up. To be called once a turn.
  void FlushAll();
  // Destroys closed peers. To be called once a turn, outside of any handler.
  void DestroyClosed();

  const std::unordered_map<ClientId, std::unique_ptr<ConnectedPeer>>& all() const { return peers_; }

 private:
  ConnectedPeer& Add(std::unique_ptr<ByteStream> stream);
  void OnFrames(ClientId id);
  void OnConnectionClosed(ClientId id, const Status& reason);
  static bool MustPause(const ConnectedPeer& peer);
  void ResumePaused();

  EventLoop* loop_;
  Handlers handlers_;
  ClientId last_id_ = kNoClient;
  std::unordered_map<ClientId, std::unique_ptr<ConnectedPeer>> peers_;
  std::vector<ClientId> dirty_;
  std::vector<ClientId> closed_;
  std::vector<ClientId> paused_;
};

}  // namespace rayx::daemon
