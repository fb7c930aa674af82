#include "sim/cluster/world.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/overload.h"

namespace rayx::cluster_sim {
namespace {

using cluster::ConnectionId;
using cluster::EndReason;

// What a message says: which one it is, of which session, and about whom.
struct Content {
  uint64_t index = 0;
  uint64_t session = 0;
  NodeId about;
};

cluster::SharedBytes BytesOf(const Content& content, size_t padding) {
  std::vector<uint8_t> bytes(sizeof(uint64_t) * 2 + NodeId::kSize + padding);
  std::memcpy(bytes.data(), &content.index, 8);
  std::memcpy(bytes.data() + 8, &content.session, 8);
  std::memcpy(bytes.data() + 16, content.about.data(), NodeId::kSize);
  return cluster::SharedBytes::Of(std::move(bytes));
}

Content ContentOf(const cluster::SharedBytes& bytes) {
  Content content;
  std::memcpy(&content.index, bytes.span().data(), 8);
  std::memcpy(&content.session, bytes.span().data() + 8, 8);
  content.about = NodeId::FromBytes(bytes.span().data() + 16);
  return content;
}

}  // namespace

World::World(const Options& options, std::optional<Conditions> conditions)
    : dice_(options.seed),
      trace_(options.trace_lines),
      conditions_(conditions ? *conditions : Conditions(dice_)),
      network_(conditions_, &dice_, &trace_,
               [this](size_t place, Arrival arrival) {
                 processes_[place].inbox.push_back(std::move(arrival));
                 Wake(place, now_ms() + static_cast<int64_t>(dice_.Below(3)));
               }),
      processes_(conditions_.nodes) {
  for (size_t place = 0; place < processes_.size(); ++place) Start(place);
}

// ---- processes
// -------------------------------------------------------------------------------------

NodeId World::FreshId() {
  NodeId id;
  for (size_t i = 0; i < NodeId::kSize; ++i) {
    id.mutable_data()[i] = static_cast<uint8_t>(dice_.Below(256));
  }
  return id;
}

void World::Start(size_t place) {
  Process& process = processes_[place];
  const uint64_t wakes = process.wake_number + 1;
  process = Process();
  process.place = place;
  process.wake_number = wakes;
  process.is_running = true;
  process.clock_offset_ms = static_cast<int64_t>(dice_.Below(1000000));
  process.clock_drift = static_cast<int64_t>(dice_.Below(201)) - 100;
  process.messages_left = is_healed_ ? 0 : conditions_.messages;
  process.id = FreshId();
  places_[process.id] = place;
  process.book = std::make_unique<cluster::SessionBook>(
      cluster::SessionBook::Options{process.id, conditions_.unacknowledged_bytes_max});
  if (place == 0) {
    process.membership.emplace();
    for (const NodeId& node : table_) process.membership->Restore(node, FactsOf(node));
    for (const NodeId& node : dead_) {
      process.membership->RestoreDead(node);
      Learn(process, node, true);
    }
  } else {
    process.member.emplace(process.id);
  }
  network_.Start(place);
  Note(process, "starts as " + process.id.Hex().substr(0, 4));
  Wake(place, now_ms() + static_cast<int64_t>(dice_.Below(50)));
}

void World::Kill(size_t place, bool has_reset) {
  Process& process = processes_[place];
  Note(process, has_reset ? "is killed" : "has no power");
  process.is_running = false;
  process.book.reset();
  network_.Kill(place, has_reset);
  if (!has_reset) disturbed_until_ms_ = std::max(disturbed_until_ms_, now_ms() + 6000);
}

void World::Freeze(size_t place, int64_t until_ms) {
  Process& process = processes_[place];
  process.frozen_until_ms = std::max(process.frozen_until_ms, until_ms);
  disturbed_until_ms_ = std::max(disturbed_until_ms_, until_ms);
  Note(process, "is frozen until " + std::to_string(until_ms));
  Wake(place, process.frozen_until_ms);
}

void World::Block(size_t from, size_t to, int64_t until_ms) {
  network_.Block(from, to, until_ms);
  disturbed_until_ms_ = std::max(disturbed_until_ms_, until_ms);
  Note(processes_[from],
       "is not heard by " + std::to_string(to) + " until " + std::to_string(until_ms));
}

void World::Heal() {
  is_healed_ = true;
  network_.Heal();
  for (Process& process : processes_) {
    process.messages_left = 0;
    process.frozen_until_ms = 0;
    if (!process.is_running) Start(process.place);
    Wake(process.place, now_ms());
  }
}

bool World::IsGone(const NodeId& id) const {
  const Process& process = processes_[places_.at(id)];
  return !process.is_running || process.id != id;
}

cluster::MemberFacts World::FactsOf(const NodeId& node) const {
  return {.name = "node", .address = std::to_string(places_.at(node))};
}

int64_t World::LocalMs(const Process& process) const {
  return process.clock_offset_ms + now_ms() * (1000 + process.clock_drift) / 1000;
}

int64_t World::TrueMs(const Process& process, int64_t local_ms) const {
  const int64_t rate = 1000 + process.clock_drift;
  return ((local_ms - process.clock_offset_ms) * 1000 + rate - 1) / rate;
}

void World::Note(const Process& process, const std::string& what) {
  trace_.Note(now_ms(), "node " + std::to_string(process.place) + " " + what);
}

void World::Break(const std::string& rule) {
  if (broken_.empty()) broken_ = rule;
}

// ---- turns
// -------------------------------------------------------------------------------------------

void World::Wake(size_t place, int64_t at_ms) {
  Process& process = processes_[place];
  at_ms = std::max({at_ms, process.frozen_until_ms, now_ms()});
  if (process.wake_ms >= 0 && process.wake_ms <= at_ms &&
      process.wake_ms >= process.frozen_until_ms) {
    return;
  }
  process.wake_ms = at_ms;
  const uint64_t number = ++process.wake_number;
  network_.At(at_ms, [this, place, number] {
    Process& woken = processes_[place];
    if (woken.wake_number != number) return;
    woken.wake_ms = -1;
    if (woken.is_running) Turn(woken);
  });
}

void World::Turn(Process& process) {
  // Not always all that has arrived.
  size_t count = process.inbox.size();
  if (count > 1 && dice_.OneIn(4)) count = 1 + dice_.Below(count);
  for (; count > 0; --count) {
    Arrival arrival = std::move(process.inbox.front());
    process.inbox.pop_front();
    Hear(process, std::move(arrival));
  }
  Act(process);
  process.book->OnTurn(LocalMs(process));
  if (process.membership) process.membership->OnTurn(LocalMs(process));
  CarryOut(process);
  TakeFrames(process);
  for (const NodeId& peer : process.known) {
    const cluster::PeerSession* session = process.book->Find(peer);
    if (session != nullptr &&
        session->summary().unacknowledged_bytes > conditions_.unacknowledged_bytes_max) {
      Break("more is kept than may be");
    }
  }
  std::optional<int64_t> next = process.book->NextTickMs();
  if (process.membership) {
    const std::optional<int64_t> tick = process.membership->NextTickMs();
    if (tick) next = std::min(next.value_or(*tick), *tick);
  }
  if (next) Wake(process.place, std::max(TrueMs(process, *next), now_ms() + 1));
  if (!process.inbox.empty() || !process.ready.empty()) Wake(process.place, now_ms() + 1);
  if (process.messages_left > 0) Wake(process.place, std::max(process.send_ms, now_ms() + 1));
  if (process.register_ms >= 0) Wake(process.place, std::max(process.register_ms, now_ms() + 1));
  if (!conditions_.is_lazy) Wake(process.place, std::max(process.open_ms, now_ms() + 1));
}

void World::Hear(Process& process, Arrival arrival) {
  cluster::SessionBook& book = *process.book;
  if (const auto* outcome = std::get_if<cluster::DialOutcome>(&arrival.what)) {
    if (outcome->connection != cluster::kNoConnection) {
      process.peers[outcome->connection] = outcome->peer;
    }
    return book.OnDialEnded(*outcome);
  }
  if (network_.IsClosed(arrival.connection)) return;
  const Packet& packet = std::get<Packet>(arrival.what);
  if (std::holds_alternative<Closed>(packet)) {
    network_.Close(process.place, arrival.connection);
    return book.OnClosed(arrival.connection);
  }
  if (dice_.OneIn(4)) book.OnBytes(arrival.connection);
  if (const auto* notice = std::get_if<cluster::Notice>(&packet)) {
    book.OnNotice(arrival.connection, *notice);
    const auto* hello = std::get_if<cluster::Hello>(notice);
    if (hello == nullptr) return;
    process.peers[arrival.connection] = hello->node;
    const bool is_welcome = book.Find(hello->node) != nullptr;
    if (is_welcome && process.told_dead.contains(hello->node)) Break("a dead node is welcome");
    return;
  }
  const cluster::Frame& frame = std::get<cluster::Frame>(packet);
  const size_t bytes = frame.message.payload.size();
  if (!book.OnFrame(arrival.connection, frame.numbers, bytes)) return;
  Read(process, process.peers.at(arrival.connection), frame.message);
}

void World::Read(Process& process, const NodeId& peer, const cluster::Message& message) {
  const Content content = ContentOf(message.payload);
  const cluster::PeerSession* session = process.book->Find(peer);
  if (session == nullptr || session->summary().session != content.session) {
    return Break("a frame of another session");
  }
  ledger_.OnReceived(process.id, peer, content.session, content.index);
  switch (message.type) {
    case kRegister:
      if (process.membership) {
        const auto admission = process.membership->OnRegister(peer, FactsOf(peer));
        if (admission == cluster::Admission::kDead) {
          Say(process, peer, kDead, peer);
        } else {
          if (dead_.contains(peer)) Break("a dead node is a member again");
          Say(process, peer, kAdmitted, peer);
          // Everybody of everybody: a head that has just started has told nobody.
          for (const NodeId& other : process.known) {
            Say(process, peer, kJoined, other);
            if (other != peer) Say(process, other, kJoined, peer);
          }
        }
      }
      return;
    case kAdmitted:
      return process.member->OnAdmitted(content.about);
    case kJoined:
      return Learn(process, content.about, false);
    case kDead:
      return Learn(process, content.about, true);
    default:
      return;
  }
}

void World::Learn(Process& process, const NodeId& peer, bool is_dead) {
  if (peer == process.id) {
    if (is_dead) process.member->OnDeclaredDead(peer);
    return;
  }
  if (is_dead) {
    process.known.erase(peer);
    process.told_dead.insert(peer);
    process.book->OnDead(peer);
    // As somebody might who has not heard it.
    if (dice_.OneIn(2)) process.book->End(peer, EndReason::kLeft);
  } else if (!process.told_dead.contains(peer)) {
    process.known.insert(peer);
    Open(process, peer);
  }
}

// ---- programs
// ------------------------------------------------------------------------------------------

void World::Open(Process& process, const NodeId& peer) {
  if (process.book->Find(peer) != nullptr || !process.book->Open(peer)) return;
  ledger_.OnBegun(process.id, peer, process.book->Find(peer)->summary().session);
}

bool World::Say(Process& process, const NodeId& peer, uint16_t type, const NodeId& about) {
  const cluster::PeerSession* session = process.book->Find(peer);
  if (session == nullptr) return false;
  const size_t padding = dice_.Below(type == kWork ? 200 : 1);
  // Programs leave room for what nodes have to tell each other, unless they are rude.
  const bool is_polite = type == kWork && !conditions_.has_rude_senders;
  if (is_polite && session->room() < padding + 5000) return false;
  const uint64_t number = session->summary().session;
  Content content{.index = 0, .session = number, .about = about};
  content.index = ledger_.OnSent(process.id, peer, number);
  process.book->Send(peer, {type, BytesOf(content, padding)});
  return true;
}

void World::Act(Process& process) {
  if (process.register_ms >= 0 && now_ms() >= process.register_ms) {
    process.register_ms = -1;
    process.head = processes_[0].id;
    process.known.insert(process.head);
    Open(process, process.head);
    Say(process, process.head, kRegister, process.id);
  }
  if (now_ms() >= process.open_ms && !conditions_.is_lazy) {
    process.open_ms = now_ms() + 300 + static_cast<int64_t>(dice_.Below(1000));
    for (const NodeId& peer : process.known) {
      if (process.member && peer == process.head) continue;
      if (process.book->Find(peer) == nullptr) Open(process, peer);
    }
  }
  if (process.messages_left == 0 || now_ms() < process.send_ms || process.known.empty()) return;
  process.send_ms = now_ms() + 1 + static_cast<int64_t>(dice_.Below(600));
  const std::vector<NodeId> peers(process.known.begin(), process.known.end());
  const size_t burst = dice_.OneIn(6) ? 20 : 1 + dice_.Below(4);
  for (size_t i = 0; i < burst && process.messages_left > 0; ++i) {
    if (Say(process, dice_.Of(peers), kWork)) --process.messages_left;
  }
}

// ---- effects
// --------------------------------------------------------------------------------------------

void World::CarryOut(Process& process) {
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (const cluster::Effect& effect : process.book->TakeEffects()) {
      goes_on = true;
      CarryOutSession(process, effect);
    }
    if (process.membership) CarryOutMembership(process);
    if (process.member) CarryOutMember(process);
  }
}

void World::CarryOutSession(Process& process, const cluster::Effect& effect) {
  std::visit(Overload{
                 [&](const cluster::Dial& dial) {
                   Note(process, "dials " + std::to_string(places_.at(dial.peer)) + ", attempt " +
                                     std::to_string(dial.attempt));
                   network_.Dial(process.place, dial, places_.at(dial.peer));
                 },
                 [&](const cluster::SendNotice& send) {
                   network_.Send(process.place, send.connection, send.notice);
                 },
                 [&](const cluster::FramesReady& ready) {
                   process.ready.insert_or_assign(ready.peer, ready.connection);
                 },
                 [&](const cluster::CloseConnection& close) {
                   network_.Close(process.place, close.connection);
                 },
                 [&](const cluster::SessionBegun& begun) {
                   ledger_.OnBegun(process.id, begun.peer, begun.session);
                   process.known.insert(begun.peer);
                 },
                 [&](const cluster::SessionEnded& end) { OnEnded(process, end); },
                 [&](const cluster::DeclaredDead&) {
                   if (process.member) process.member->OnDeclaredDead(process.id);
                 },
             },
             effect);
}

void World::OnEnded(Process& process, const cluster::SessionEnded& end) {
  Note(process, "has ended session " + std::to_string(end.session) + " with " +
                    std::to_string(places_.at(end.peer)) + ": " + std::string(TextOf(end.reason)) +
                    " " + end.detail);
  ++ended_[static_cast<size_t>(end.reason)];
  ledger_.OnEnded(process.id, end.peer, end.session, end.is_unheard);
  JudgeEnd(process, end);
  process.ready.erase(end.peer);
  if (end.reason == EndReason::kGone || end.reason == EndReason::kReplaced) {
    process.known.erase(end.peer);
  }
  if (process.membership) {
    process.membership->OnSessionEnded(end.peer, end.reason);
  } else if (end.peer == process.head && end.reason != EndReason::kSelfDead) {
    process.member->OnHeadLost();
  }
}

void World::JudgeEnd(const Process& process, const cluster::SessionEnded& end) {
  const std::string what =
      "a session has ended without reason: " + std::string(TextOf(end.reason)) + " " + end.detail;
  const bool is_gone = IsGone(end.peer);
  if (conditions_.is_gentle() && !is_gone) Break(what + ", in a gentle world");
  const Ledger::Side& other = ledger_.Of(end.peer, process.id, end.session);
  const int64_t disturbed_ms = std::max(disturbed_until_ms_, network_.half_open_ms());
  bool is_right = false;
  switch (end.reason) {
    case EndReason::kBreach:
      break;
    case EndReason::kLeft:
      is_right = !conditions_.is_gentle();
      break;
    case EndReason::kGone:
    case EndReason::kReplaced:
      is_right = is_gone;
      break;
    case EndReason::kBacklog:
      is_right = conditions_.has_rude_senders;
      break;
    case EndReason::kSilent:
      is_right = is_gone || now_ms() < disturbed_ms + 8000;
      break;
    case EndReason::kDeclaredDead:
      is_right = dead_.contains(end.peer);
      break;
    case EndReason::kSelfDead:
      is_right = dead_.contains(process.id);
      break;
    case EndReason::kEndedByPeer:
      is_right = other.has_ended || !other.has_begun || is_gone;
      break;
  }
  if (!is_right) Break(what);
}

void World::CarryOutMembership(Process& process) {
  for (const cluster::MembershipEffect& effect : process.membership->TakeEffects()) {
    const auto* joined = std::get_if<cluster::MemberJoined>(&effect);
    const NodeId node =
        joined != nullptr ? joined->node : std::get<cluster::MemberDead>(effect).node;
    Note(process, (joined != nullptr ? "admits " : "buries ") + node.Hex().substr(0, 4));
    if (joined == nullptr) {
      if (conditions_.is_gentle() && !IsGone(node)) Break("a node is declared dead that lives");
      dead_.insert(node);
      table_.erase(node);
    } else {
      table_.insert(node);
    }
    Learn(process, node, joined == nullptr);
    for (const NodeId& other : std::set<NodeId>(process.known)) {
      if (other != node) Say(process, other, joined != nullptr ? kJoined : kDead, node);
    }
  }
}

void World::CarryOutMember(Process& process) {
  for (const cluster::MemberEffect& effect : process.member->TakeEffects()) {
    if (std::holds_alternative<cluster::RegisterNode>(effect)) {
      process.register_ms = now_ms() + 50 + static_cast<int64_t>(dice_.Below(300));
      continue;
    }
    Note(process, "ends its work");
    for (const NodeId& peer : process.known) process.book->End(peer, EndReason::kSelfDead);
    for (const cluster::Effect& last : process.book->TakeEffects()) CarryOutSession(process, last);
    process.known.clear();
    process.told_dead.clear();
    process.ready.clear();
    process.id = FreshId();
    places_[process.id] = process.place;
    process.book = std::make_unique<cluster::SessionBook>(
        cluster::SessionBook::Options{process.id, conditions_.unacknowledged_bytes_max});
    process.member->OnWorkEnded(process.id);
    Note(process, "is " + process.id.Hex().substr(0, 4) + " now");
  }
}

void World::TakeFrames(Process& process) {
  // As far as what is queued on the connections should go.
  for (auto ready = process.ready.begin(); ready != process.ready.end();) {
    bool has_more = true;
    for (size_t room = 1 + dice_.Below(8); room > 0 && has_more; --room) {
      std::optional<cluster::Frame> frame = process.book->NextFrame(ready->second);
      has_more = frame.has_value();
      if (has_more) network_.Send(process.place, ready->second, std::move(*frame));
    }
    ready = has_more ? std::next(ready) : process.ready.erase(ready);
  }
}

}  // namespace rayx::cluster_sim
