#include "placement/offer_book.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace rayx::placement {
namespace {

Status Unregistered() { return Status::ProtocolError("the session has not registered a node"); }

bool HasNegative(const ResourceSet& set) {
  return std::any_of(set.items().begin(), set.items().end(),
                     [](const auto& item) { return item.second.units() < 0; });
}

// The bytes of each node that is present, the most first; small inputs travel with the task.
void FindBytes(const OpenOffer& offer,
               const std::unordered_map<NodeId, std::unique_ptr<Member>>& in,
               std::vector<BytesAt>* found) {
  found->clear();
  for (const OfferInput& input : offer.inputs) {
    if (input.bytes <= limits::kInlineObjectBytesMax) continue;
    for (const NodeId& node : input.nodes) {
      const auto member = in.find(node);
      if (member == in.end() || !member->second->slot) continue;
      const NodeSlot slot = *member->second->slot;
      const auto known = std::find_if(found->begin(), found->end(),
                                      [slot](const BytesAt& at) { return at.slot == slot; });
      if (known == found->end()) {
        found->push_back({slot, input.bytes});
      } else {
        known->bytes += input.bytes;
      }
    }
  }
  std::stable_sort(found->begin(), found->end(),
                   [](const BytesAt& a, const BytesAt& b) { return a.bytes > b.bytes; });
}

}  // namespace

OfferBook::OfferBook(Options options, int64_t now_ms)
    : options_(options),
      started_ms_(now_ms),
      period_end_ms_(now_ms + limits::kPlacedAheadMs),
      scheduled_ms_(now_ms),
      judged_ms_(now_ms) {}

OfferBook::~OfferBook() = default;

// ---- nodes --------------------------------------------------------------------------------------

Status OfferBook::OnRegister(SessionNumber session, const NodeFacts& facts, int64_t now_ms) {
  if (sessions_.contains(session)) return Status::ProtocolError("the session registers again");
  if (HasNegative(facts.total)) return Status::ProtocolError("a node has less than nothing");
  Member* const member = MemberOf(facts.node, now_ms);
  if (member->session != kAllSessions) {
    effects_.emplace_back(CloseSession{member->session, "the node has connected again"});
    OnSessionEnded(member->session, now_ms);
  }
  for (const auto& [id, other] : members_) {
    if (other->announced) effects_.emplace_back(NodeJoined{session, id});
  }
  Session& begun = sessions_[session];
  begun.member = member;
  begun.offers.max_load_factor(0.5f);
  begun.heard_ms = now_ms;
  missing_.erase(facts.node);
  member->session = session;
  if (!facts.is_draining) GiveSlot(member, facts.total);
  for (const NodeId& node : facts.known) MemberOf(node, now_ms);
  if (!std::exchange(member->announced, true)) {
    effects_.emplace_back(NodeJoined{kAllSessions, facts.node});
  }
  return Status::Ok();
}

void OfferBook::GiveSlot(Member* member, const ResourceSet& total) {
  member->slot = view_.AddNode(total);
  by_slot_.resize(std::max<size_t>(by_slot_.size(), *member->slot + 1));
  by_slot_[*member->slot] = member;
  for (OpenOffer* offer = member->placed.front(); offer != nullptr; offer = offer->next) {
    view_.Place(*member->slot, *offer->demand);
  }
  Improve(member);
}

Member* OfferBook::MemberOf(const NodeId& node, int64_t now_ms) {
  auto& member = members_[node];
  if (member == nullptr) {
    member = std::make_unique<Member>();
    member->id = node;
    member->missing_since_ms = now_ms;
    missing_[node] = member.get();
  }
  return member.get();
}

Status OfferBook::OnLoad(SessionNumber session, const ResourceSet& local) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return Unregistered();
  Member* const member = found->second.member;
  if (!member->slot) return Status::Ok();
  view_.SetLocal(*member->slot, local);
  Improve(member);
  return Status::Ok();
}

void OfferBook::OnHeard(SessionNumber session) {
  const auto found = sessions_.find(session);
  if (found != sessions_.end()) found->second.heard = true;
}

void OfferBook::OnSessionEnded(SessionNumber session, int64_t now_ms) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  Session& ended = found->second;
  for (auto& [task, offer] : ended.offers) {
    Detach(&offer, false);
    demands_.Drop(offer.demand);
  }
  offers_ -= ended.offers.size();
  Member* const member = ended.member;
  sessions_.erase(found);
  // What others have placed there runs on, for all that is known here.
  if (member->slot) {
    view_.RemoveNode(*member->slot);
    by_slot_[*member->slot] = nullptr;
    member->slot.reset();
  }
  member->overfull = nullptr;
  member->improved = false;
  member->session = kAllSessions;
  member->missing_since_ms = now_ms;
  missing_[member->id] = member;
}

Status OfferBook::OnDead(SessionNumber session, const std::vector<NodeId>& nodes, int64_t now_ms) {
  if (!sessions_.contains(session)) return Unregistered();
  for (const NodeId& node : nodes) {
    const auto member = members_.find(node);
    if (member == members_.end()) continue;
    const SessionNumber ended = member->second->session;
    if (ended != kAllSessions) {
      if (ended == session) return Status::ProtocolError("a node says that it is dead itself");
      effects_.emplace_back(CloseSession{ended, "the head has declared the node dead"});
      OnSessionEnded(ended, now_ms);
    }
    member->second->is_dead = true;
  }
  return Status::Ok();
}

void OfferBook::JudgeMissing(int64_t now_ms) {
  for (auto it = missing_.begin(); it != missing_.end();) {
    Member* const member = it->second;
    if (!member->is_dead && now_ms - member->missing_since_ms < limits::kMemberReturnMs) {
      ++it;
      continue;
    }
    while (OpenOffer* const offer = member->placed.front()) {
      Forget(&sessions_.at(offer->home), offer);
    }
    effects_.emplace_back(NodeDead{member->id});
    it = missing_.erase(it);
    members_.erase(NodeId(member->id));
  }
}

// ---- offers -------------------------------------------------------------------------------------

Status OfferBook::OnOffer(SessionNumber session, Offer offer, int64_t now_ms) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return Unregistered();
  if (HasNegative(offer.demand)) return Status::ProtocolError("a task asks for less than nothing");
  const auto [place, is_new] = found->second.offers.try_emplace(offer.task);
  OpenOffer& open = place->second;
  if (!is_new && offer.attempt < open.name.attempt) return Status::Ok();
  Demand* const demand = demands_.Use(offer.demand);
  if (is_new) {
    open.arrival = ++arrivals_;
    open.home = session;
    ++offers_;
  } else {
    Detach(&open, false);
    open.told &= open.demand == demand;
    demands_.Drop(open.demand);
  }
  open.name = {offer.task, offer.attempt};
  open.demand = demand;
  open.priority = offer.priority;
  open.inputs = std::move(offer.inputs);
  if (offer.placed_on.IsNil()) {
    waiting_.Add(&open);
  } else {
    PutOn(&open, MemberOf(offer.placed_on, now_ms));
  }
  return Status::Ok();
}

Status OfferBook::OnWithdraw(SessionNumber session, const OfferName& offer) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return Unregistered();
  const auto open = found->second.offers.find(offer.task);
  if (open == found->second.offers.end() || open->second.name.attempt > offer.attempt) {
    return Status::Ok();
  }
  Detach(&open->second, true);
  demands_.Drop(open->second.demand);
  found->second.offers.erase(open);
  --offers_;
  return Status::Ok();
}

void OfferBook::Forget(Session* session, OpenOffer* offer) {
  Detach(offer, false);
  demands_.Drop(offer->demand);
  session->offers.erase(TaskId(offer->name.task));
  --offers_;
}

void OfferBook::PutOn(OpenOffer* offer, Member* member) {
  member->placed.Insert(offer);
  offer->member = member;
  if (member->slot) view_.Place(*member->slot, *offer->demand);
}

void OfferBook::Detach(OpenOffer* offer, bool has_ended) {
  if (offer->lane != nullptr) return waiting_.Remove(offer);
  Member* const member = std::exchange(offer->member, nullptr);
  member->placed.Remove(offer);
  if (!member->slot) return;
  if (has_ended) {
    view_.End(*member->slot, *offer->demand);
  } else {
    view_.TakeBack(*member->slot, *offer->demand);
  }
  if (member->overfull == offer) member->overfull = nullptr;
  Improve(member);
}

void OfferBook::Improve(Member* member) {
  if (!std::exchange(member->improved, true)) improved_.push_back(*member->slot);
}

// ---- decisions ----------------------------------------------------------------------------------

void OfferBook::Schedule(int64_t now_ms) {
  // After a stall of this process nobody was silent, since nobody was heard.
  if (now_ms - scheduled_ms_ > limits::kLoopStallMs) {
    for (auto& [number, session] : sessions_) session.heard = true;
    for (auto& [id, member] : missing_) member->missing_since_ms += now_ms - scheduled_ms_;
  }
  scheduled_ms_ = now_ms;
  if (now_ms >= period_end_ms_) {
    view_.NextPeriod();
    if (now_ms >= period_end_ms_ + limits::kPlacedAheadMs) view_.NextPeriod();
    period_end_ms_ = now_ms + limits::kPlacedAheadMs;
  }
  JudgeSessions(now_ms);
  JudgeMissing(now_ms);
  Unblock();
  PlaceOffers();
  PlaceOverdue();
  JudgeBlocked(now_ms);
}

void OfferBook::JudgeSessions(int64_t now_ms) {
  if (now_ms - judged_ms_ < limits::kPeerSignMs) return;
  judged_ms_ = now_ms;
  std::vector<SessionNumber> silent;
  for (auto& [number, session] : sessions_) {
    if (std::exchange(session.heard, false)) session.heard_ms = now_ms;
    if (now_ms - session.heard_ms >= limits::kPeerSilenceMs) silent.push_back(number);
  }
  for (const SessionNumber number : silent) {
    effects_.emplace_back(CloseSession{number, "the node was silent for too long"});
    OnSessionEnded(number, now_ms);
  }
}

// Nodes on which something has ended may have room for what no node had room for.
void OfferBook::Unblock() {
  for (const NodeSlot slot : improved_) {
    Member* const member = by_slot_[slot];
    if (member == nullptr || !std::exchange(member->improved, false)) continue;
    std::vector<Demand*> fitting;
    for (const auto& [number, blocked] : waiting_.blocked()) {
      if (view_.At(slot)->HasRoom(*blocked.demand)) fitting.push_back(blocked.demand);
    }
    for (Demand* const demand : fitting) waiting_.Unblock(demand);
  }
  improved_.clear();
}

void OfferBook::PlaceOffers() {
  while (OpenOffer* const offer = waiting_.Next()) {
    FindBytes(*offer, members_, &bytes_at_);
    const std::optional<NodeSlot> slot = ChooseNode(view_, *offer->demand, bytes_at_);
    if (slot) {
      PlaceOn(offer, *slot);
    } else {
      waiting_.Block(offer->demand, placements_);
    }
  }
}

void OfferBook::PlaceOn(OpenOffer* offer, NodeSlot slot) {
  Member* const member = by_slot_[slot];
  waiting_.Remove(offer);
  PutOn(offer, member);
  ++placements_;
  effects_.emplace_back(Place{offer->home, offer->name, member->id});
}

void OfferBook::PlaceOverdue() {
  std::vector<Demand*> overdue;
  for (const auto& [number, blocked] : waiting_.blocked()) {
    if (placements_ - blocked.since_placed >= limits::kPlacedPastMax) {
      overdue.push_back(blocked.demand);
    }
  }
  if (overdue.empty()) return;
  std::vector<bool> is_overfull(by_slot_.size());
  for (size_t slot = 0; slot < by_slot_.size(); ++slot) {
    is_overfull[slot] = by_slot_[slot] != nullptr && by_slot_[slot]->overfull != nullptr;
  }
  for (Demand* const demand : overdue) {
    waiting_.blocked().at(demand->number).since_placed = placements_;
    const std::optional<NodeSlot> slot = ChooseOverfull(view_, *demand, is_overfull);
    if (!slot) continue;
    OpenOffer* const offer = waiting_.FirstOf(*demand);
    PlaceOn(offer, *slot);
    by_slot_[*slot]->overfull = offer;
    is_overfull[*slot] = true;
  }
}

int64_t OfferBook::SettledMs() const {
  int64_t settled_ms = started_ms_ + limits::kSchedulerSettleMs;
  for (const auto& [id, member] : missing_) {
    settled_ms = std::max(settled_ms, member->missing_since_ms + limits::kMemberReturnMs);
  }
  return settled_ms;
}

// Whoever is expected to come back may have what is asked for.
void OfferBook::JudgeBlocked(int64_t now_ms) {
  if (waiting_.blocked().empty() || now_ms < SettledMs()) return;
  std::vector<WaitingOffers::Blocked> hopeless;
  for (auto& [number, blocked] : waiting_.blocked()) {
    // The version of a view without a node is 0 as well, and then nothing is feasible.
    if (blocked.judged_version != view_.version() || view_.version() == 0) {
      blocked.judged_version = view_.version();
      blocked.feasible = view_.AnyCouldRun(*blocked.demand);
      blocked.has_new |= !blocked.feasible;
    }
    if (!blocked.feasible && blocked.has_new) hopeless.push_back(blocked);
  }
  for (const WaitingOffers::Blocked& blocked : hopeless) TellInfeasible(blocked);
}

void OfferBook::TellInfeasible(const WaitingOffers::Blocked& blocked) {
  const auto untold = waiting_.UntoldOf(*blocked.demand);
  if (untold.empty()) return;
  const std::string reason = view_.WhyNot(*blocked.demand);
  for (const std::vector<OpenOffer*>& offers : untold) {
    const SessionNumber home = offers.front()->home;
    std::vector<OfferName> names;
    for (OpenOffer* const offer : offers) {
      names.push_back(offer->name);
      offer->told = true;
      if (options_.complete) Forget(&sessions_.at(home), offer);
    }
    if (options_.complete) {
      effects_.emplace_back(Infeasible{home, std::move(names), reason});
    } else {
      effects_.emplace_back(Pending{home, std::move(names), reason});
    }
  }
}

std::optional<int64_t> OfferBook::NextTickMs() const {
  std::optional<int64_t> next;
  const auto at = [&next](int64_t when_ms) { next = std::min(next.value_or(when_ms), when_ms); };
  if (!sessions_.empty()) at(judged_ms_ + limits::kPeerSignMs);
  for (const auto& [id, member] : missing_) {
    // No later than the next turn that is not taken for the end of a stall.
    at(std::min(member->missing_since_ms + limits::kMemberReturnMs,
                scheduled_ms_ + limits::kPeerSignMs));
  }
  return next;
}

std::vector<Effect> OfferBook::TakeEffects() { return std::exchange(effects_, {}); }

// ---- what is asked ------------------------------------------------------------------------------

OfferBook::Stats OfferBook::stats() const {
  return {.nodes = view_.node_count(),
          .waiting = waiting_.size(),
          .placed = offers_ - waiting_.size(),
          .placements = placements_};
}

std::optional<bool> OfferBook::IsWaiting(SessionNumber home, const TaskId& task) const {
  const auto session = sessions_.find(home);
  if (session == sessions_.end()) return std::nullopt;
  const auto offer = session->second.offers.find(task);
  if (offer == session->second.offers.end()) return std::nullopt;
  return offer->second.lane != nullptr;
}

}  // namespace rayx::placement
