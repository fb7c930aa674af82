// The sessions of a node with all others: which there are, which number the next one of a pair has,
// and to which one a connection belongs.
//
//   SessionBook book({.self = id});
//   book.Open(peer); book.Send(peer, message);
//   each turn: hear (OnNotice, OnFrame, OnClosed, …); book.OnTurn(now); carry out TakeEffects();
//              write NextFrame(connection) for those of which FramesReady was told
//
// Two nodes have one session at a time. When it has ended, the next one has a higher number, which
// either side may begin; nothing of the old one is heard in it. A node that was declared dead is
// never heard again: it must come back under another id.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cluster/effects.h"
#include "cluster/liveness.h"
#include "cluster/peer_session.h"
#include "cluster/wire_values.h"
#include "common/base/ids.h"
#include "common/base/limits.h"

namespace rayx::cluster {

// How a dial has ended.
struct DialOutcome {
  NodeId peer;
  uint64_t attempt = 0;  // that of Dial
  // If it is up (over TLS: with the handshake done), by whatever number the holder gives it.
  ConnectionId connection = kNoConnection;
  // Else, whether there is no process at the address any more.
  bool is_refused = false;
};

class SessionBook {
 public:
  struct Options {
    NodeId self;
    size_t unacknowledged_bytes_max = limits::kPeerUnacknowledgedBytesMax;
  };
  explicit SessionBook(const Options& options) : options_(options) {}

  // --- what the node says ---
  // Begins a session if there is none, and dials. False if the peer was declared dead.
  // REQUIRES: not the node itself.
  bool Open(const NodeId& peer);
  // As PeerSession::Send. False if there is no session: nobody will hear it.
  bool Send(const NodeId& peer, Message message);
  // Nothing happens if there is no session.
  void End(const NodeId& peer, EndReason reason);
  // Who decides on members says that the peer is dead: a session ends, and there is never another.
  void OnDead(const NodeId& peer);
  bool IsDead(const NodeId& peer) const { return dead_.contains(peer); }
  // Null if there is none. Valid until the next call of another method.
  const PeerSession* Find(const NodeId& peer) const;

  // --- what the holder of the connections says ---
  void OnDialEnded(const DialOutcome& outcome);
  // Of a connection that was dialled, or one that was accepted. `connection` is of no use any more
  // if CloseConnection follows.
  void OnNotice(ConnectionId connection, const Notice& notice);
  // As PeerSession::OnFrame. False for a connection without a session, which is closed.
  [[nodiscard]] bool OnFrame(ConnectionId connection, const FrameNumbers& numbers, size_t bytes);
  void OnBytes(ConnectionId connection);
  void OnClosed(ConnectionId connection);

  // Each turn of the loop, after what has arrived was heard.
  void OnTurn(int64_t now_ms);
  // When OnTurn should be called although nothing happens; nothing if there is no session.
  std::optional<int64_t> NextTickMs() const;
  // As PeerSession::NextFrame.
  std::optional<Frame> NextFrame(ConnectionId connection);
  Effects TakeEffects();

 private:
  struct Entry {
    // The highest number of a session that has ended, here or there.
    uint64_t ended = 0;
    // The last one, which may have ended.
    std::optional<PeerSession> session;
    bool is_dirty = false;
  };

  PeerSession* LiveOf(const NodeId& peer);
  PeerSession* LiveOn(ConnectionId connection);
  PeerSession& Begin(const NodeId& peer, uint64_t session);
  // A hello on a connection that is not known.
  void Greet(ConnectionId connection, const Hello& hello);
  void Refuse(ConnectionId connection, const Refusal& refusal);
  // Takes over what the session wants done. The session must be turned.
  void Collect(const NodeId& peer);

  Options options_;
  int64_t now_ms_ = 0;
  int64_t next_tick_ms_ = 0;
  TurnWatch watch_;
  // In order, so that what a node does is the same each time.
  std::map<NodeId, Entry> entries_;
  std::vector<NodeId> dirty_;
  std::unordered_map<ConnectionId, NodeId> connections_;
  std::unordered_set<NodeId> dead_;
  Effects effects_;
};

}  // namespace rayx::cluster
