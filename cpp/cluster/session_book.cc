#include "cluster/session_book.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "cluster/mutation.h"
#include "common/base/check.h"

namespace rayx::cluster {
namespace {

// No two nodes come that far; a number that could not be counted on from is a mistake.
constexpr uint64_t kSessionMax = uint64_t{1} << 40;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

}  // namespace

// ---- what the node says
// ----------------------------------------------------------------------------

bool SessionBook::Open(const NodeId& peer) {
  RAYX_CHECK(peer != options_.self);
  if (IsDead(peer)) return false;
  if (LiveOf(peer) == nullptr) {
    Begin(peer, entries_[peer].ended + 1);
    Collect(peer);
  }
  return true;
}

bool SessionBook::Send(const NodeId& peer, Message message) {
  PeerSession* session = LiveOf(peer);
  if (session == nullptr) return false;
  session->Send(std::move(message));
  Collect(peer);
  return true;
}

void SessionBook::End(const NodeId& peer, EndReason reason) {
  const auto found = entries_.find(peer);
  if (found == entries_.end() || !found->second.session) return;
  found->second.session->End(reason);
  Collect(peer);
}

void SessionBook::OnDead(const NodeId& peer) {
  if (!dead_.insert(peer).second) return;
  End(peer, EndReason::kDeclaredDead);
  entries_.erase(peer);
}

const PeerSession* SessionBook::Find(const NodeId& peer) const {
  const auto found = entries_.find(peer);
  if (found == entries_.end() || !found->second.session) return nullptr;
  const PeerSession& session = *found->second.session;
  return session.summary().is_ended ? nullptr : &session;
}

// ---- what the holder of the connections says
// -----------------------------------------------------------

void SessionBook::OnDialEnded(const DialOutcome& outcome) {
  PeerSession* session = LiveOf(outcome.peer);
  const bool is_up = outcome.connection != kNoConnection;
  if (session == nullptr) {
    if (is_up) effects_.emplace_back(CloseConnection{outcome.connection});
    return;
  }
  if (is_up) {
    connections_[outcome.connection] = outcome.peer;
    session->OnDialled(outcome.attempt, outcome.connection);
  } else {
    session->OnDialFailed(outcome.attempt, outcome.is_refused);
  }
  Collect(outcome.peer);
}

void SessionBook::OnNotice(ConnectionId connection, const Notice& notice) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) {
    if (const Hello* hello = std::get_if<Hello>(&notice)) return Greet(connection, *hello);
    effects_.emplace_back(CloseConnection{connection});
    return;
  }
  const NodeId peer = found->second;
  Entry& entry = entries_.at(peer);
  entry.session->OnNotice(connection, notice);
  if (const Refusal* refusal = std::get_if<Refusal>(&notice)) {
    // The next one must be one that the other side takes.
    const uint64_t ended = std::min(refusal->session_ended, kSessionMax);
    if (entry.session->summary().is_ended) entry.ended = std::max(entry.ended, ended);
  }
  Collect(peer);
}

void SessionBook::Greet(ConnectionId connection, const Hello& hello) {
  if (hello.target != options_.self || hello.node == options_.self) {
    return Refuse(connection, {RefusalReason::kAnotherNode});
  }
  if (IsDead(hello.node) && !RAYX_CLUSTER_MUTATION(kAcceptDeadNode)) {
    return Refuse(connection, {RefusalReason::kDeclaredDead});
  }
  Entry& entry = entries_[hello.node];
  PeerSession* session = LiveOf(hello.node);
  uint64_t ended = session != nullptr ? session->summary().session - 1 : entry.ended;
  if (RAYX_CLUSTER_MUTATION(kAcceptEndedSession)) ended = 0;
  if (hello.session <= ended || hello.session > kSessionMax) {
    return Refuse(connection, {RefusalReason::kSessionEnded, ended});
  }
  if (session != nullptr && hello.session > session->summary().session) {
    // It would not begin another one if it had not ended this one.
    session->End(EndReason::kEndedByPeer, "it has begun another one");
    Collect(hello.node);
    session = nullptr;
  }
  if (session == nullptr) {
    session = &Begin(hello.node, hello.session);
    effects_.emplace_back(SessionBegun{hello.node, hello.session});
  }
  connections_[connection] = hello.node;
  session->OnNotice(connection, hello);
  Collect(hello.node);
}

void SessionBook::Refuse(ConnectionId connection, const Refusal& refusal) {
  effects_.emplace_back(SendNotice{connection, refusal});
  effects_.emplace_back(CloseConnection{connection});
}

bool SessionBook::OnFrame(ConnectionId connection, const FrameNumbers& numbers, size_t bytes) {
  PeerSession* session = LiveOn(connection);
  if (session == nullptr) {
    effects_.emplace_back(CloseConnection{connection});
    return false;
  }
  const bool is_next = session->OnFrame(connection, numbers, bytes);
  Collect(connections_.at(connection));
  return is_next;
}

void SessionBook::OnBytes(ConnectionId connection) {
  PeerSession* session = LiveOn(connection);
  if (session == nullptr) return;
  session->OnBytes(connection);
  Collect(connections_.at(connection));
}

void SessionBook::OnClosed(ConnectionId connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  const NodeId peer = found->second;
  connections_.erase(found);
  if (PeerSession* session = LiveOf(peer)) {
    session->OnClosed(connection);
    Collect(peer);
  }
}

// ---- turns
// -----------------------------------------------------------------------------------------------

void SessionBook::OnTurn(int64_t now_ms) {
  now_ms_ = now_ms;
  watch_.OnTurn(now_ms);
  const auto turn = [this](const NodeId& peer, Entry& entry) {
    if (!entry.session) return;
    entry.session->OnTurn(now_ms_, watch_.awake_since_ms());
    entry.is_dirty = true;  // it need not be turned for what comes of this turn
    Collect(peer);
    entry.is_dirty = false;
    const std::optional<int64_t> next = entry.session->NextTickMs();
    if (next) next_tick_ms_ = std::min(next_tick_ms_, *next);
  };
  if (now_ms >= next_tick_ms_) {
    next_tick_ms_ = kNever;
    for (auto& [peer, entry] : entries_) turn(peer, entry);
  } else {
    for (const NodeId& peer : dirty_) {
      const auto found = entries_.find(peer);
      if (found != entries_.end()) turn(peer, found->second);
    }
  }
  dirty_.clear();
}

std::optional<int64_t> SessionBook::NextTickMs() const {
  if (!dirty_.empty()) return now_ms_;
  if (next_tick_ms_ == kNever) return std::nullopt;
  return std::min(next_tick_ms_, watch_.NextTurnMs());
}

std::optional<Frame> SessionBook::NextFrame(ConnectionId connection) {
  PeerSession* session = LiveOn(connection);
  if (session == nullptr) return std::nullopt;
  return session->NextFrame(connection);
}

Effects SessionBook::TakeEffects() { return std::exchange(effects_, {}); }

// ---- the rest
// ----------------------------------------------------------------------------------------------

PeerSession* SessionBook::LiveOf(const NodeId& peer) {
  const auto found = entries_.find(peer);
  if (found == entries_.end() || !found->second.session) return nullptr;
  PeerSession& session = *found->second.session;
  return session.summary().is_ended ? nullptr : &session;
}

PeerSession* SessionBook::LiveOn(ConnectionId connection) {
  const auto found = connections_.find(connection);
  return found == connections_.end() ? nullptr : LiveOf(found->second);
}

PeerSession& SessionBook::Begin(const NodeId& peer, uint64_t session) {
  return entries_[peer].session.emplace(PeerSession::Names{options_.self, peer, session},
                                        options_.unacknowledged_bytes_max, now_ms_);
}

void SessionBook::Collect(const NodeId& peer) {
  Entry& entry = entries_.at(peer);
  for (Effect& effect : entry.session->TakeEffects()) {
    if (const auto* close = std::get_if<CloseConnection>(&effect)) {
      if (!RAYX_CLUSTER_MUTATION(kHearOldConnection)) connections_.erase(close->connection);
    }
    if (const auto* end = std::get_if<SessionEnded>(&effect)) {
      entry.ended = std::max(entry.ended, end->session);
    }
    effects_.push_back(std::move(effect));
  }
  if (entry.is_dirty) return;
  entry.is_dirty = true;
  dirty_.push_back(peer);
}

}  // namespace rayx::cluster
