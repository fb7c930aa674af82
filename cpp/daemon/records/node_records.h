// What the core of the node records, in the control tables: drivers, functions, actors and errors
// at once, of tasks how many have ended.
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "control/tables.h"
#include "daemon/records/task_counts.h"
#include "node/node_core.h"
#include "node/shell.h"

namespace rayx::daemon {

// Of a task that has not ended.
control::TaskRecord RecordOfTask(const TaskSpec& spec, const NodeId& node,
                                 control::TaskState state);
control::ActorRecord RecordOfActor(const scheduler::ActorSummary& actor, const NodeId& node);

class NodeRecords final : public node::Records {
 public:
  // `core` is used from the first call on. All must outlive it.
  NodeRecords(control::Tables* tables, NodeId node, node::NodeCore* core);

  // Tasks and objects that stay on this node have no records, so that they cost no commands.
  void OnTaskSubmitted(const TaskId& /*id*/) override {}
  void OnTaskAssigned(const TaskId& /*id*/) override {}
  void OnTaskEnded(const TaskId& /*id*/, bool failed) override { counts_.OnTaskEnded(failed); }
  void OnObjectSealed(const ObjectId& /*id*/) override {}
  void OnObjectDeleted(const ObjectId& /*id*/) override {}
  void OnActorChanged(const scheduler::ActorSummary& actor) override;
  void OnActorForgotten(const TaskId& actor) override;
  void OnFunction(const DriverId& driver, const FunctionId& id, std::string_view name,
                  const std::string& pickled) override;
  void OnFunctionGone(const DriverId& driver, const FunctionId& id) override;
  void AskForFunction(ClientId asker, const FunctionId& id) override;
  void OnDriver(const node::Peer& driver) override;
  void OnDriverEnded(const DriverId& driver) override;
  void OnError(node::TaskError error) override;

  TaskCounts& counts() { return counts_; }

 private:
  control::Tables* tables_;
  NodeId node_;
  node::NodeCore* core_;
  TaskCounts counts_;
};

}  // namespace rayx::daemon
