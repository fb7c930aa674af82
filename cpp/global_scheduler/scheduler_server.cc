#include "global_scheduler/scheduler_server.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/byte_stream.h"
#include "common/io/socket.h"

namespace rayx::global_scheduler {

using placement::SessionNumber;

SchedulerServer::SchedulerServer(EventLoop* loop, placement::OfferBook::Options options)
    : loop_(loop), book_(options, loop->now_ms()) {}

SchedulerServer::~SchedulerServer() = default;

// ---- connections --------------------------------------------------------------------------------

Status SchedulerServer::Listen(const std::string& path) {
  ::unlink(path.c_str());
  Result<ScopedFd> socket = ListenUnix(path, limits::kListenQueue);
  if (!socket.ok()) return socket.status();
  listening_ = std::move(*socket);
  watcher_ = loop_->Watch(listening_.get(), [this] { Accept(); });
  return Status::Ok();
}

void SchedulerServer::Accept() {
  for (int taken = 0; taken < limits::kAcceptsPerPause; ++taken) {
    Result<ScopedFd> socket = AcceptUnix(listening_.get());
    if (!socket.ok()) return LogWarning("a node cannot be taken: " + socket.status().message());
    if (!socket->valid()) return;
    const Result<PeerCredentials> peer = GetPeerCredentials(socket->get());
    if (peer.ok() && peer->uid == ::geteuid()) {
      Take(std::move(*socket));
    } else {
      LogWarning("another user's process was refused");
    }
  }
}

void SchedulerServer::Take(ScopedFd socket) {
  const SessionNumber session = ++last_session_;
  auto peer = std::make_unique<Peer>();
  Peer* const taken = peer.get();
  taken->connected_ms = taken->said_ms = loop_->now_ms();
  taken->connection = std::make_unique<Connection>(
      loop_, std::make_unique<UnixStream>(std::move(socket)), limits::kHelloBytesMax,
      Connection::Handlers{.on_frames = [this, session] { OnFrames(session); },
                           .on_closed =
                               [taken](const Status& why) {
                                 taken->closed = true;
                                 LogInfo("a node's connection has ended: " + why.message());
                               },
                           .on_dirty = [taken] { taken->dirty = true; }});
  peers_.emplace(session, std::move(peer));
}

void SchedulerServer::OnFrames(SessionNumber session) {
  Peer* const peer = peers_.at(session).get();
  book_.OnHeard(session);
  while (const std::optional<Frame> frame = peer->connection->NextFrame()) {
    Result<FromNode> message = DecodeFromNode(*frame);
    const Status heard = message.ok() ? Hear(session, peer, std::move(*message)) : message.status();
    if (!heard.ok()) return Refuse(peer, heard);
  }
}

Status SchedulerServer::Hear(SessionNumber session, Peer* peer, FromNode message) {
  if (const auto* const facts = std::get_if<placement::NodeFacts>(&message)) {
    return Register(session, peer, *facts);
  }
  if (const auto* const load = std::get_if<Load>(&message)) {
    return book_.OnLoad(session, load->local);
  }
  if (auto* const said = std::get_if<Offers>(&message)) {
    for (placement::Offer& offer : said->offers) {
      RAYX_RETURN_IF_ERROR(book_.OnOffer(session, std::move(offer), loop_->now_ms()));
    }
    return Status::Ok();
  }
  if (const auto* const said = std::get_if<DeadNodes>(&message)) {
    return book_.OnDead(session, said->nodes, loop_->now_ms());
  }
  for (const placement::OfferName& offer : std::get<Withdrawals>(message).offers) {
    RAYX_RETURN_IF_ERROR(book_.OnWithdraw(session, offer));
  }
  return Status::Ok();
}

Status SchedulerServer::Register(SessionNumber session, Peer* peer,
                                 const placement::NodeFacts& facts) {
  RAYX_RETURN_IF_ERROR(book_.OnRegister(session, facts, loop_->now_ms()));
  peer->registered = true;
  peer->connection->set_payload_bytes_max(limits::kFrameBytesMax);
  Say(peer, Registered{});
  LogInfo("node " + facts.node.Hex() + " has registered with " + facts.total.ToString());
  return Status::Ok();
}

void SchedulerServer::Refuse(Peer* peer, const Status& why) {
  LogWarning("a node is refused: " + why.message());
  if (!peer->registered) Say(peer, Refusal{why.message()});
  peer->connection->Close(why);
}

// ---- a turn -------------------------------------------------------------------------------------

bool SchedulerServer::OnTurn() {
  EndSessions();
  book_.Schedule(loop_->now_ms());
  Act();
  SaySigns();
  for (const auto& [session, peer] : peers_) {
    if (std::exchange(peer->dirty, false)) peer->connection->Flush();
  }
  SetTimer();
  return false;
}

void SchedulerServer::EndSessions() {
  for (const auto& [session, peer] : peers_) {
    if (peer->closed) book_.OnSessionEnded(session, loop_->now_ms());
    if (!peer->registered && loop_->now_ms() - peer->connected_ms >= limits::kHelloTimeoutMs) {
      peer->connection->Close(Status::TimedOut("it has not said who it is"));
    }
  }
  std::erase_if(peers_, [](const auto& entry) { return entry.second->closed; });
}

// Says what the book wants said; what goes to one node goes in as few frames as there are kinds.
void SchedulerServer::Act() {
  std::vector<Peer*> homes;
  for (placement::Effect& effect : book_.TakeEffects()) {
    if (const auto* const place = std::get_if<placement::Place>(&effect)) {
      Peer* const home = PeerOf(place->home);
      if (home == nullptr) continue;
      std::vector<Placement>& placements = home->placements.placements;
      if (placements.empty()) homes.push_back(home);
      placements.push_back({place->offer, place->node});
    } else if (auto* const pending = std::get_if<placement::Pending>(&effect)) {
      SayUnplaceable(pending->home, std::move(pending->offers), pending->reason, false);
    } else if (auto* const failed = std::get_if<placement::Infeasible>(&effect)) {
      SayUnplaceable(failed->home, std::move(failed->offers), failed->reason, true);
    } else if (const auto* const close = std::get_if<placement::CloseSession>(&effect)) {
      Peer* const peer = PeerOf(close->session);
      if (peer != nullptr) peer->connection->Close(Status::Disconnected(close->reason));
    } else {
      NoteChange(effect);
    }
  }
  for (Peer* const home : homes) {
    const std::vector<Placement> all = std::exchange(home->placements.placements, {});
    for (size_t at = 0; at < all.size(); at += limits::kIdsPerMessageMax) {
      const size_t count = std::min(all.size() - at, limits::kIdsPerMessageMax);
      const auto begin = all.begin() + static_cast<ptrdiff_t>(at);
      Say(home, Placements{{begin, begin + static_cast<ptrdiff_t>(count)}});
    }
  }
}

void SchedulerServer::SayUnplaceable(SessionNumber home, std::vector<placement::OfferName> offers,
                                     const std::string& reason, bool for_ever) {
  Peer* const peer = PeerOf(home);
  if (peer == nullptr) return;
  for (size_t at = 0; at < offers.size(); at += limits::kIdsPerMessageMax) {
    const size_t count = std::min(offers.size() - at, limits::kIdsPerMessageMax);
    const auto begin = offers.begin() + static_cast<ptrdiff_t>(at);
    Say(peer, Unplaceable{{begin, begin + static_cast<ptrdiff_t>(count)}, reason, for_ever});
  }
}

// Nodes are told by SaySigns.
void SchedulerServer::NoteChange(const placement::Effect& effect) {
  const auto* const joined = std::get_if<placement::NodeJoined>(&effect);
  const auto* const dead = std::get_if<placement::NodeDead>(&effect);
  if (dead != nullptr) LogInfo("node " + dead->node.Hex() + " has not come back");
  for (const auto& [session, peer] : peers_) {
    if (!peer->registered) continue;
    if (dead != nullptr) peer->changes.dead.push_back(dead->node);
    if (joined == nullptr) continue;
    if (joined->to == placement::kAllSessions || joined->to == session) {
      peer->changes.joined.push_back(joined->node);
    }
  }
}

SchedulerServer::Peer* SchedulerServer::PeerOf(SessionNumber session) {
  const auto peer = peers_.find(session);
  return peer == peers_.end() ? nullptr : peer->second.get();
}

// What has changed, and to each node that has heard nothing for a while that there is a scheduler.
void SchedulerServer::SaySigns() {
  for (const auto& [session, peer] : peers_) {
    if (!peer->registered || peer->closed) continue;
    const bool is_quiet = loop_->now_ms() - peer->said_ms >= limits::kPeerSignMs;
    if (peer->changes.joined.empty() && peer->changes.dead.empty() && !is_quiet) continue;
    Say(peer.get(), std::exchange(peer->changes, {}));
  }
}

void SchedulerServer::Say(Peer* peer, const FromScheduler& message) {
  const EncodedFrame frame = Encode(message);
  peer->connection->Send(frame.type, frame.payload);
  peer->said_ms = loop_->now_ms();
}

void SchedulerServer::SetTimer() {
  timer_.reset();
  if (peers_.empty()) return;
  const int64_t sign_ms = loop_->now_ms() + limits::kPeerSignMs;
  const int64_t next_ms = std::min(book_.NextTickMs().value_or(sign_ms), sign_ms);
  // The turn that follows does what is due.
  timer_ = loop_->CallAt(next_ms, [] {});
}

std::string SchedulerServer::DebugText() const {
  const placement::OfferBook::Stats stats = book_.stats();
  return "nodes: " + std::to_string(stats.nodes) +
         ", offers waiting: " + std::to_string(stats.waiting) +
         ", placed: " + std::to_string(stats.placed) +
         ", placements ever: " + std::to_string(stats.placements) + "\n";
}

}  // namespace rayx::global_scheduler
