// The nodes of tasks_simulation.h, and what is between them.
#pragma once

#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/nodes/bulk_streams.h"
#include "sim/nodes/nodes_report.h"
#include "sim/world.h"

namespace rayx::sim {

class TasksWorld final : private BulkStreams::Ends {
 public:
  explicit TasksWorld(const NodesOptions& options);
  ~TasksWorld();

  // Until nothing happens any more. `with_harm`: nodes may crash, sessions may end.
  void ComeToRest(bool with_harm);
  void CheckRest(bool is_over);
  void CloseDrivers();

  NodesReport& report() {
    report_.copies = bulk_.chunks();
    return report_;
  }
  Common& common() { return common_; }

 private:
  class Link;
  struct Node {
    std::unique_ptr<Link> link;
    std::unique_ptr<World> world;
    bool is_alive = true;
    bool is_draining = false;
    // It was drained, and nothing of others was left.
    bool has_left = false;
  };
  struct Side {
    ClientId session = kNoClient;
    uint64_t number = 0;
    bool is_open = false;
    std::deque<node::remote::Message> messages;
    size_t heard = 0;  // of them, by the other node
  };
  struct Offer {
    size_t home = 0;
    TaskId task;
    uint32_t attempt = 0;
    ResourceSet demand;
  };

  // --- BulkStreams::Ends ---
  node::NodeCore& CoreOf(size_t node) override;
  std::map<uint64_t, std::string>& PoolOf(size_t node) override;
  NodeId IdOf(size_t node) const override;
  bool IsAlive(size_t node) const override { return nodes_[node].is_alive; }
  void Break(const std::string& rule) override;

  // No worker of the node is on its way out, nor what stands for one elsewhere.
  void CheckNothingEnds(World& world);
  void Connect(size_t a, size_t b);
  void Gather(std::vector<World::Chance>* chances);
  void GatherBetween(size_t node, size_t other, std::vector<World::Chance>* chances);
  void GatherHarm(std::vector<World::Chance>* chances);
  bool Pass();
  void Place(size_t index);
  void Hear(size_t node, size_t from);
  void GiveAway(size_t node);
  void Crash(size_t node);
  // What it has for others goes to others; then it leaves, and nobody is to notice.
  void Drain(size_t node);
  bool IsDrained(size_t node);
  void Leave(size_t node);
  // The home has done what it can for a node that is drained.
  void CheckTakesOver(node::NodeCore& home, size_t drained);
  // A node that is drained and does not leave has a reason.
  void CheckDrain(size_t node);
  void EndSession(size_t node, size_t other);
  Side& SideOf(size_t node, size_t other) { return sides_[{node, other}]; }

  Common common_;
  // How many messages a session takes beyond which it says that it has no room.
  size_t room_ = std::numeric_limits<size_t>::max();
  NodesReport report_;
  std::vector<Node> nodes_;
  std::map<std::pair<size_t, size_t>, Side> sides_;
  BulkStreams bulk_{this};
  // Offers that wait to be placed.
  std::deque<Offer> offers_;
  uint64_t last_session_ = 0;
  size_t crashes_left_ = 0;
  size_t cuts_left_ = 0;
  size_t stream_cuts_left_ = 0;
  size_t drains_left_ = 0;
  size_t harm_in_ = 0;
};

}  // namespace rayx::sim
