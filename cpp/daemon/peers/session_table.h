// All sessions of a node: who is connected, who has something to be written, who is to be
// destroyed.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "common/io/frame.h"
#include "daemon/peers/session.h"

namespace rayx::daemon {

class SessionTable {
 public:
  struct Handlers {
    // Bytes have been read; the frames that are whole by now follow.
    std::function<void(const Session&)> on_read;
    // A whole frame. A Status that is not OK closes the session.
    std::function<Status(Session&, const Frame&)> on_frame;
    // The session has just been closed; it is destroyed at the end of the turn.
    std::function<void(Session&, const Status& reason)> on_closed;
  };

  SessionTable(EventLoop* loop, Handlers handlers);
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // Takes a connected socket. The peer must say hello in time. `worker` is the number of the worker
  // that was given the other end, 0 for a peer that came through the listener.
  Session& Add(ScopedFd socket, WorkerNumber worker);
  // Null if there is none, or it is closed.
  Session* Find(ClientId id);
  // Closes; on_closed follows from the loop. Harmless if it is closed.
  void Close(ClientId id, Status reason);

  // Writes to every session that has something queued, and goes on reading from those that have
  // caught up. Once a turn.
  void FlushAll();
  // Destroys closed sessions. Once a turn, outside of any handler.
  void DestroyClosed();

  const std::unordered_map<ClientId, std::unique_ptr<Session>>& all() const { return sessions_; }

 private:
  void OnFrames(ClientId id);
  void OnConnectionClosed(ClientId id, const Status& reason);
  // A peer that asks and asks and does not read the answers is not heard until it does.
  static bool MustPause(const Session& session);
  void ResumePaused();

  EventLoop* loop_;
  Handlers handlers_;
  ClientId last_id_;
  std::unordered_map<ClientId, std::unique_ptr<Session>> sessions_;
  std::vector<ClientId> dirty_;
  std::vector<ClientId> closed_;
  std::vector<ClientId> paused_;
};

}  // namespace rayx::daemon
