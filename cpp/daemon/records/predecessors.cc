#include "daemon/records/predecessors.h"

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/base/log.h"

namespace rayx::daemon {
namespace {

using DeadNodes = std::unordered_set<NodeId>;

void EndDriversOf(control::Tables* tables, const DeadNodes& dead, double now) {
  tables->drivers().List([tables, dead, now](const auto& drivers) {
    if (!drivers.ok()) return;
    for (const control::DriverRecord& driver : *drivers) {
      if (driver.ended_at != 0 || !dead.contains(driver.node)) continue;
      tables->drivers().MarkEnded(driver.id, now);
      tables->functions().RemoveDriver(driver.id);
    }
  });
}

void RemoveActorsOf(control::Tables* tables, const DeadNodes& dead) {
  tables->actors().List([tables, dead](const auto& actors) {
    if (!actors.ok()) return;
    for (const control::ActorRecord& actor : *actors) {
      if (dead.contains(actor.node)) tables->actors().Remove(actor.id);
    }
  });
}

}  // namespace

void EndNodes(control::Tables* tables, const DeadNodes& dead, double now) {
  for (const NodeId& node : dead) tables->nodes().MarkDead(node, now);
  EndDriversOf(tables, dead, now);
  RemoveActorsOf(tables, dead);
}

void EndPredecessors(control::Tables* tables, const control::NodeRecord& self,
                     std::function<bool(pid_t)> is_alive, double now) {
  tables->nodes().List([tables, self, is_alive = std::move(is_alive), now](const auto& nodes) {
    if (!nodes.ok()) return;
    DeadNodes dead;
    for (const control::NodeRecord& node : *nodes) {
      const bool is_other = node.id != self.id && node.host == self.host;
      if (!is_other || !node.alive || is_alive(static_cast<pid_t>(node.pid))) continue;
      LogInfo("node " + node.id.Hex() + " (pid " + std::to_string(node.pid) + ") was killed");
      dead.insert(node.id);
    }
    if (!dead.empty()) EndNodes(tables, dead, now);
  });
}

}  // namespace rayx::daemon
