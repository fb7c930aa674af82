// Carries the sessions of this node with others (cluster/session_book.h) over connections: dials
// and takes them, turns what arrives into events and effects into frames.
//
//   SessionCarrier carrier(loop, self, reach, handlers);
//   carrier.Open(peer); carrier.Send(peer, message);
//   carrier.Take(stream);                       one that was accepted, behind its greeting
//   each turn of the loop: carrier.OnTurn();
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/session_book.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"
#include "wire/dialled_stream.h"
#include "wire/session_wire.h"

namespace rayx::wire {

class SessionCarrier {
 public:
  // Begins a connection to a peer. NotFound if nobody listens at its address any more.
  using Reach = std::function<Result<std::unique_ptr<ByteStream>>(const NodeId& peer,
                                                                  DialledStream::Events events)>;
  // Called from OnTurn, and on_message also while frames arrive. They may call the carrier, but
  // must not destroy it.
  struct Handlers {
    // Each once, in the order in which the peer has sent them. The payload is valid until the
    // handler returns, and aligned to 8 bytes.
    std::function<void(const NodeId& peer, uint16_t type, std::span<const uint8_t> payload)>
        on_message;
    // A session has begun: from inside Open, or since the other side has.
    std::function<void(const NodeId& peer)> on_begun;
    // No message of it comes any more. Once for each that has begun, and before the next one does.
    std::function<void(const cluster::SessionEnded& ended)> on_ended;
    // A peer says that this node was declared dead.
    std::function<void()> on_declared_dead;
  };

  // `loop` must outlive it.
  SessionCarrier(EventLoop* loop, const NodeId& self, Reach reach, Handlers handlers);
  ~SessionCarrier();
  SessionCarrier(const SessionCarrier&) = delete;
  SessionCarrier& operator=(const SessionCarrier&) = delete;

  // These do what SessionBook says, from the next turn on.

  // Begins a session if there is none. False if the peer was declared dead, and as long as the end
  // of the last one has not been told.
  bool Open(const NodeId& peer);
  // False if the session that was begun last, as the handlers have been told, has ended: what is
  // meant for it is never heard in the next one.
  bool Send(const NodeId& peer, cluster::Message message);
  void End(const NodeId& peer, cluster::EndReason reason) { book_.End(peer, reason); }
  void OnDead(const NodeId& peer) { book_.OnDead(peer); }
  bool IsDead(const NodeId& peer) const { return book_.IsDead(peer); }
  // That session. Null if it has ended, or none has begun.
  const cluster::PeerSession* Find(const NodeId& peer) const;

  // A Control connection of another node, which has been greeted and welcomed. One that says no
  // session's hello in time is closed.
  void Take(std::unique_ptr<ByteStream> stream);

  // To be called in each turn of the loop, and when NextTickMs has come.
  void OnTurn();
  std::optional<int64_t> NextTickMs() const { return book_.NextTickMs(); }
  size_t connection_count() const { return links_.size(); }

 private:
  struct Link {
    std::unique_ptr<Connection> connection;
    // Of one that is dialled and not admitted yet: whom, and by which attempt.
    std::optional<cluster::Dial> dial;
    // Whose it is, as far as it is known. Whether it carries a session, the book knows.
    NodeId peer = {};
    // There are frames for it.
    bool has_frames = false;
    // Of one that was taken: until it has said hello.
    std::unique_ptr<EventLoop::Timer> hello_timer;
  };

  void Begin(const NodeId& peer, uint64_t session);
  void End(const cluster::SessionEnded& ended);
  void StartDial(const cluster::Dial& dial);
  cluster::ConnectionId Add(std::unique_ptr<ByteStream> stream, std::optional<cluster::Dial> dial);
  void GiveUpDial(const NodeId& peer);
  void OnAdmitted(cluster::ConnectionId id);
  void OnFrames(cluster::ConnectionId id);
  // False if the connection was closed for it.
  bool OnFrame(cluster::ConnectionId id, const Frame& frame);
  void OnClosed(cluster::ConnectionId id, const Status& reason);
  void CarryOut(const cluster::Effect& effect);
  void WriteFrames();
  void Close(cluster::ConnectionId id, Status reason);
  Link* FindLink(cluster::ConnectionId id);

  EventLoop* const loop_;
  const Reach reach_;
  const Handlers handlers_;
  cluster::SessionBook book_;
  // The numbers of the sessions that have begun and have not ended, as the handlers have been told.
  std::unordered_map<NodeId, uint64_t> told_;
  uint64_t last_id_ = 0;
  std::unordered_map<cluster::ConnectionId, Link> links_;
  // To be flushed, to be destroyed: at the end of the turn.
  std::vector<cluster::ConnectionId> dirty_;
  std::vector<cluster::ConnectionId> closed_;
};

}  // namespace rayx::wire
