// Some nodes and the network between them, simulated: real session books, membership and members;
// modelled connections, clocks, machines, and programs that send each other numbered messages.
//
// The first node is the head. The others register with it, it tells everybody of everybody, and
// each two have a session.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/member.h"
#include "cluster/membership.h"
#include "cluster/session_book.h"
#include "sim/cluster/conditions.h"
#include "sim/cluster/ledger.h"
#include "sim/cluster/network.h"
#include "sim/dice.h"
#include "sim/trace.h"

namespace rayx::cluster_sim {

// A process at a place, from its start until it is killed; it may change its id.
struct Process {
  size_t place = 0;
  bool is_running = false;
  int64_t frozen_until_ms = 0;
  // Its clock: how far it is ahead, and by how many thousandths it is faster.
  int64_t clock_offset_ms = 0;
  int64_t clock_drift = 0;

  NodeId id;
  std::unique_ptr<cluster::SessionBook> book;
  std::optional<cluster::Member> member;          // but for the head
  std::optional<cluster::Membership> membership;  // of the head
  NodeId head;                                    // which it has registered with last
  std::set<NodeId> known;                         // others that it should have a session with
  std::set<NodeId> told_dead;                     // others that it knows to be dead

  std::deque<Arrival> inbox;
  std::map<cluster::ConnectionId, NodeId> peers;  // of connections
  std::map<NodeId, cluster::ConnectionId> ready;  // frames to be taken
  size_t messages_left = 0;
  int64_t send_ms = 0;       // true time
  int64_t register_ms = -1;  // the same; -1: not to be
  int64_t open_ms = 0;       // the same
  int64_t wake_ms = -1;      // when it turns next, if nothing happens
  uint64_t wake_number = 0;
};

class World {
 public:
  explicit World(const Options& options) : World(options, std::nullopt) {}
  // Under those conditions, if there are any, instead of the seed's.
  World(const Options& options, std::optional<Conditions> conditions);

  Network& network() { return network_; }
  sim::Dice& dice() { return dice_; }
  sim::Trace& trace() { return trace_; }
  const Conditions& conditions() const { return conditions_; }
  Ledger& ledger() { return ledger_; }
  std::vector<Process>& processes() { return processes_; }
  int64_t now_ms() const { return network_.now_ms(); }
  // The first rule that was broken; empty if none was.
  std::string broken() const { return broken_.empty() ? ledger_.broken() : broken_; }
  void Break(const std::string& rule);

  void Start(size_t place);
  void Kill(size_t place, bool has_reset);
  // The process does not turn until then.
  void Freeze(size_t place, int64_t until_ms);
  void Block(size_t from, size_t to, int64_t until_ms);
  // Turns soon.
  void Wake(size_t place, int64_t at_ms);
  // Sends a message if there is a session; false if there is none, or no room.
  bool Say(Process& process, const NodeId& peer, uint16_t type, const NodeId& about = NodeId());
  // Programs send no more, everybody runs and is heard, and nothing befalls anybody any more.
  void Heal();
  bool is_healed() const { return is_healed_; }
  // No running process has the id any more.
  bool IsGone(const NodeId& id) const;
  uint64_t ended(cluster::EndReason reason) const { return ended_[static_cast<size_t>(reason)]; }

 private:
  void Turn(Process& process);
  void Hear(Process& process, Arrival arrival);
  void Read(Process& process, const NodeId& peer, const cluster::Message& message);
  void Act(Process& process);
  void CarryOut(Process& process);
  void CarryOutSession(Process& process, const cluster::Effect& effect);
  void OnEnded(Process& process, const cluster::SessionEnded& end);
  void JudgeEnd(const Process& process, const cluster::SessionEnded& end);
  void CarryOutMembership(Process& process);
  void CarryOutMember(Process& process);
  void TakeFrames(Process& process);
  void Open(Process& process, const NodeId& peer);
  void Learn(Process& process, const NodeId& peer, bool is_dead);
  NodeId FreshId();
  cluster::MemberFacts FactsOf(const NodeId& node) const;
  int64_t LocalMs(const Process& process) const;
  int64_t TrueMs(const Process& process, int64_t local_ms) const;
  void Note(const Process& process, const std::string& what);

  sim::Dice dice_;
  sim::Trace trace_;
  const Conditions conditions_;
  Network network_;
  Ledger ledger_;
  std::vector<Process> processes_;
  std::map<NodeId, size_t> places_;  // of all ids that there ever were
  // The table of nodes: the members, and who was declared dead.
  std::set<NodeId> table_;
  std::set<NodeId> dead_;
  int64_t disturbed_until_ms_ = 0;
  bool is_healed_ = false;
  uint64_t ended_[cluster::kEndReasons] = {};
  std::string broken_;
};

// Types of messages.
inline constexpr uint16_t kWork = 1;
inline constexpr uint16_t kRegister = 2;
inline constexpr uint16_t kAdmitted = 3;
inline constexpr uint16_t kJoined = 4;
inline constexpr uint16_t kDead = 5;

}  // namespace rayx::cluster_sim
