// Who belongs to the cluster, as its head decides: each node once, and none again that was declared
// dead.
//
//            Expect              OnRegister       the node has ended its session with the head
//   unknown ────────▶ expected ──────────────▶ member ────────────────────────────────▶ missing
//                        │                      │ ▲                OnRegister              │
//                        │                      │ └────────────────────────────────────────┤
//                        ▼                      ▼                                          ▼
//                      dead, for ever ◀──────────────────── limits::kMemberReturnMs have passed
//
// A node is expected that may tell the tables of itself already. If it dies before it registers,
// somebody has to end what the tables say of it.
//
// A member is dead when the head has ended its session with it (the node is silent, its process is
// gone), when another node has its address, and when it leaves. A node that has ended the session
// itself has found the head silent: it lives, and is expected to register again.
//
// The id of a node is good for one life. A node that comes back from the dead (it was stopped, or
// cut off) learns so from whomever it speaks to, ends its work, and registers under a new id
// (member.h). So nobody has to find out which of two lives a message is of.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "cluster/liveness.h"
#include "cluster/wire_values.h"
#include "common/base/ids.h"

namespace rayx::cluster {

// What others need to reach a node.
struct MemberFacts {
  std::string name;
  std::string address;  // "HOST:PORT", unique among those that live
};

// Tell the members, and the table of nodes.
struct MemberJoined {
  NodeId node;
  MemberFacts facts;
};

// The same. Its sessions end on all sides (SessionBook::OnDead).
struct MemberDead {
  NodeId node;
  EndReason reason = EndReason::kSilent;
};

using MembershipEffect = std::variant<MemberJoined, MemberDead>;

// What becomes of a node that registers.
enum class Admission { kNew, kKnown, kDead };

class Membership {
 public:
  // The node may write to the tables from now on, and is to register. A member is none to expect.
  void Expect(const NodeId& node);
  // Tells what the node is from now on. One with the address of another is its successor: that one
  // is dead.
  [[nodiscard]] Admission OnRegister(const NodeId& node, const MemberFacts& facts);
  // A head that starts again knows from the table of nodes who was a member; all of these are
  // missing. Nobody is told.
  void Restore(const NodeId& node, const MemberFacts& facts);
  void RestoreDead(const NodeId& node) { dead_.insert(node); }
  // The head's session with a node has ended. What is no member, and not expected, is ignored.
  void OnSessionEnded(const NodeId& node, EndReason reason);
  // The node ends as it was asked to.
  void OnLeave(const NodeId& node) { Bury(node, EndReason::kLeft); }
  // Each turn of the head's loop, after what has arrived was heard.
  void OnTurn(int64_t now_ms);
  // When OnTurn should be called although nothing happens; nothing if nobody is missing.
  std::optional<int64_t> NextTickMs() const;

  bool IsMember(const NodeId& node) const { return members_.contains(node); }
  bool IsDead(const NodeId& node) const { return dead_.contains(node); }
  const std::unordered_set<NodeId>& dead() const { return dead_; }
  std::vector<MembershipEffect> TakeEffects();

 private:
  void Bury(const NodeId& node, EndReason reason);
  int64_t DeadlineOf(int64_t since_ms) const;

  TurnWatch watch_;
  std::map<NodeId, MemberFacts> members_;
  // The expected, too: since the first turn that saw it so.
  std::map<NodeId, std::optional<int64_t>> missing_;
  // 16 bytes each, kept as long as the cluster lives.
  std::unordered_set<NodeId> dead_;
  std::vector<MembershipEffect> effects_;
};

}  // namespace rayx::cluster
