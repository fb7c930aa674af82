// The global scheduler: open offers of all homes, the nodes, and who is placed where.
//
//              Offer                    Schedule: Place
//   (unknown) ───────▶ waiting ◀──────────────────────────▶ placed on a node
//       ▲                 │         Offer again: the home         │
//       │    Withdraw,    │         could not have it run there   │ Withdraw: it has ended
//       └─────────────────┴───────────────────────────────────────┘
//
// It keeps no truth: the home of a task decides what becomes of it. What is here is what sessions
// have said; a home says it again to a scheduler that was started again, and a home that loses
// its session is forgotten with all its offers. So nothing can be lost or doubled here: a home
// heeds a Place only for what it has open, and counts its attempts.
//
//   node:  (unknown) ──Register──▶ present ──session ends──▶ missing ──5 s──▶ dead: told, forgotten
//                                     ▲───────Register────────┘ └─the head says so─▲
//
// What is placed on a missing node stays so. When the node is dead its home, which has found that
// out by its own session with the node, offers the task again or gives it up.
//
// A core: the holder of the connections calls one method for each message, then Schedule once a
// turn, and does what TakeEffects says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "placement/cluster_view.h"
#include "placement/demand_table.h"
#include "placement/offer.h"
#include "placement/placement.h"
#include "placement/waiting_offers.h"

namespace rayx::placement {

// A node that was heard of.
struct Member {
  NodeId id;
  // Present, and takes what is placed there.
  std::optional<NodeSlot> slot;
  // Present.
  SessionNumber session = kAllSessions;
  // Not present, since then.
  int64_t missing_since_ms = 0;
  // And will not come back.
  bool is_dead = false;
  // Of all homes.
  OfferList placed;
  // Placed there without room.
  OpenOffer* overfull = nullptr;
  // Others know of it.
  bool announced = false;
  // There is more room than when blocked demands were last looked at.
  bool improved = false;
};

class OfferBook {
 public:
  struct Options {
    // No further nodes will join: what none of them could run fails.
    bool complete = false;
  };
  OfferBook(Options options, int64_t now_ms);
  ~OfferBook();
  OfferBook(const OfferBook&) = delete;
  OfferBook& operator=(const OfferBook&) = delete;

  // First message of a session. Another session of that node ends. ProtocolError if the session has
  // registered already, or an amount is negative; the same for all below.
  Status OnRegister(SessionNumber session, const NodeFacts& facts, int64_t now_ms);
  // What tasks hold and wait for on the node that were not placed there, less what tasks have given
  // back that were, while they are blocked: may be negative.
  Status OnLoad(SessionNumber session, const ResourceSet& local);
  // REQUIRES for this and the next: the session has registered, else ProtocolError.
  Status OnOffer(SessionNumber session, Offer offer, int64_t now_ms);
  // The task has ended, or shall not be placed any more. Nothing if it is not known, or a later
  // attempt is.
  Status OnWithdraw(SessionNumber session, const OfferName& offer);
  // Anything was heard from the session.
  void OnHeard(SessionNumber session);
  void OnSessionEnded(SessionNumber session, int64_t now_ms);
  // The head, whose session it is, has declared these dead: nobody waits for them.
  Status OnDead(SessionNumber session, const std::vector<NodeId>& nodes, int64_t now_ms);

  // Places what can be placed, and judges who is silent. Once a turn, after what was heard.
  void Schedule(int64_t now_ms);
  // When Schedule should be called although nothing is heard; nothing: not before something is.
  std::optional<int64_t> NextTickMs() const;
  std::vector<Effect> TakeEffects();

  struct Stats {
    size_t nodes = 0;
    size_t waiting = 0;
    size_t placed = 0;
    // Ever.
    uint64_t placements = 0;
  };
  Stats stats() const;
  // Whether the offer waits; nothing if it is not open.
  std::optional<bool> IsWaiting(SessionNumber home, const TaskId& task) const;
  const ClusterView& view() const { return view_; }

 private:
  struct Session {
    Member* member = nullptr;
    std::unordered_map<TaskId, OpenOffer> offers;
    bool heard = true;
    int64_t heard_ms = 0;
  };
  Member* MemberOf(const NodeId& node, int64_t now_ms);
  void GiveSlot(Member* member, const ResourceSet& total);
  // What is placed nowhere and waits for nothing.
  void Detach(OpenOffer* offer, bool has_ended);
  void PutOn(OpenOffer* offer, Member* member);
  void Forget(Session* session, OpenOffer* offer);
  void Improve(Member* member);

  void PlaceOffers();
  void PlaceOn(OpenOffer* offer, NodeSlot slot);
  void Unblock();
  void PlaceOverdue();
  void JudgeBlocked(int64_t now_ms);
  void TellInfeasible(const WaitingOffers::Blocked& blocked);
  void JudgeSessions(int64_t now_ms);
  void JudgeMissing(int64_t now_ms);
  int64_t SettledMs() const;

  const Options options_;
  const int64_t started_ms_;
  ResourceNames names_;
  DemandTable demands_{&names_};
  ClusterView view_{&names_};
  WaitingOffers waiting_;
  std::map<SessionNumber, Session> sessions_;
  std::unordered_map<NodeId, std::unique_ptr<Member>> members_;
  std::vector<Member*> by_slot_;
  // Not present, and not yet dead.
  std::map<NodeId, Member*> missing_;
  std::vector<NodeSlot> improved_;
  size_t offers_ = 0;
  uint64_t arrivals_ = 0;
  uint64_t placements_ = 0;
  int64_t period_end_ms_;
  int64_t scheduled_ms_;
  int64_t judged_ms_;
  std::vector<BytesAt> bytes_at_;
  std::vector<Effect> effects_;
};

}  // namespace rayx::placement
