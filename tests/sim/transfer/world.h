// Some nodes around the real transfer cores, and what lies between them: sessions with the home,
// which is the first of them, and streams that can be cut.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/dice.h"
#include "sim/trace.h"
#include "sim/transfer/modelled_pool.h"
#include "sim/transfer/modelled_streams.h"
#include "transfer/directory.h"
#include "transfer/node_transfers.h"

namespace rayx::transfer_sim {

// What needs some values, and runs for a while when all are there.
struct Task {
  std::vector<ObjectId> inputs;
  // It is about to begin, if nothing is evicted before.
  bool is_due = false;
  bool is_running = false;
};

struct Node {
  NodeId id;
  bool is_alive = true;
  std::unique_ptr<ModelledPool> pool;
  std::unique_ptr<transfer::NodeTransfers> transfers;
  std::map<transfer::BundleId, Task> tasks;
  bool has_tick = false;
};

// What a node tells its home of a value that it has made.
struct Made {
  ObjectId id;
  transfer::Version version = 0;
  uint64_t size_bytes = 0;
};

class World final : private StreamEnds {
 public:
  static constexpr uint64_t kCapacityBytes = 300;

  World(uint64_t seed, size_t trace_lines);

  sim::Dice& dice() { return dice_; }
  int64_t now_ms() const { return now_ms_; }
  std::vector<Node>& nodes() { return nodes_; }
  ModelledStreams& streams() { return streams_; }
  transfer::Directory& directory() { return directory_; }
  sim::Trace& trace() { return trace_; }

  void Note(const std::string& what) override { trace_.Note(now_ms_, what); }
  // The first rule that is broken counts.
  void Break(const std::string& what) {
    if (broken_.empty()) broken_ = what;
  }
  const std::string& broken() const { return broken_; }

  // In `delay_ms`, in the order in which they were told.
  void Later(int64_t delay_ms, std::function<void()> what);
  // False: nothing is to come.
  bool Step();

  // --- what nodes do ---
  void MakeValue(size_t node, const ObjectId& id, transfer::Version version, uint64_t size_bytes);
  // It needs these, of which it knows the sizes.
  void Begin(size_t node, transfer::BundleId bundle, transfer::Rank rank,
             const std::vector<ObjectId>& inputs);
  void Cancel(size_t node, transfer::BundleId bundle);
  void EvictIdle(size_t node, const ObjectId& id);
  void Kill(size_t node);
  // Whatever the node's cores want done.
  void Settle(size_t node);

  // What was made last, as the home knows it.
  const std::map<ObjectId, Made>& made() const { return made_; }
  bool IsNeededAt(size_t node, const ObjectId& id) const;
  // All faults are over.
  void BeCalm();

  // --- what has happened ---
  uint64_t events = 0;
  uint64_t ended = 0;
  uint64_t failed = 0;
  uint64_t chunks = 0;
  uint64_t from_parts = 0;

 private:
  // --- StreamEnds ---
  int64_t Now() const override { return now_ms_; }
  void After(int64_t delay_ms, std::function<void()> what) override {
    Later(delay_ms, std::move(what));
  }
  bool IsAlive(size_t node) const override { return nodes_[node].is_alive; }
  transfer::NodeTransfers& Transfers(size_t node) override { return *nodes_[node].transfers; }
  ModelledPool& Pool(size_t node) override { return *nodes_[node].pool; }
  const NodeId& IdOf(size_t node) const override { return nodes_[node].id; }
  void Broken(const std::string& what) override { Break(what); }
  void OnChunkSent(size_t source, const transfer::ChunkName& name) override;
  void Changed(size_t node) override { Settle(node); }

  // The home has a value already, so that this one is of no use.
  void Refuse(size_t node, const Made& made);
  size_t IndexOf(const NodeId& id) const;
  void AddNode(size_t index);
  void SayToHome(size_t node, std::function<void()> what);
  void TellNode(size_t node, const transfer::FromHome& message);
  void OnHome(size_t node, const transfer::ToHome& message);
  void AnswerAll();
  void CheckNoSource(size_t node, const ObjectId& id);
  void CheckPace(const NodeId& to, const transfer::UseSource& message);
  void Carry(size_t node, const transfer::PullQueue::Effect& effect);
  void OnLost(size_t node, const ObjectId& id);
  void OnDropped(size_t node, const ObjectId& id);
  // Who has all it needs begins a moment later.
  void LookAtTasks(size_t node);
  bool HasAll(size_t node, const Task& task) const;
  void Run(size_t node, transfer::BundleId bundle);
  void End(size_t node, transfer::BundleId bundle);
  void TickHome();

  sim::Dice dice_;
  sim::Trace trace_;
  std::string broken_;
  int64_t now_ms_ = 0;
  uint64_t next_event_ = 0;
  std::map<std::pair<int64_t, uint64_t>, std::function<void()>> events_;
  std::vector<Node> nodes_;
  transfer::Directory directory_;
  ModelledStreams streams_;
  // When the last message arrives: to the home, and from it.
  std::vector<int64_t> to_home_ms_;
  std::vector<int64_t> from_home_ms_;
  // Nodes whose session with the home has ended.
  std::set<size_t> parted_;
  std::map<ObjectId, Made> made_;
  // Failures of a node's sources since it got something, and when the last was told.
  std::map<std::pair<NodeId, ObjectId>, uint32_t> failures_;
  std::map<std::pair<NodeId, ObjectId>, std::pair<NodeId, int64_t>> failed_at_;
  bool home_has_tick_ = false;
};

}  // namespace rayx::transfer_sim
