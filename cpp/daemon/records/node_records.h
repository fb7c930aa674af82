// What the core of the node records, in the control tables. Tasks and objects go through the
// RecordKeeper, which writes late and only what is still alive.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "control/tables.h"
#include "daemon/records/record_keeper.h"
#include "node/node_core.h"
#include "node/shell.h"

namespace rayx::daemon {

// The record of a task that has not ended; nothing if it has.
std::optional<control::TaskRecord> RecordOfTask(const scheduler::LocalScheduler& scheduler,
                                                const TaskId& id, const NodeId& node);
control::ActorRecord RecordOfActor(const scheduler::ActorSummary& actor, const NodeId& node);

class NodeRecords final : public node::Records {
 public:
  // `core` is used from the first call on. All must outlive it.
  NodeRecords(control::Tables* tables, NodeId node, node::NodeCore* core);

  void OnTaskSubmitted(const TaskId& id) override { keeper_.OnTaskSubmitted(id); }
  void OnTaskAssigned(const TaskId& id) override { keeper_.OnTaskAssigned(id); }
  void OnTaskEnded(const TaskId& id, bool failed) override { keeper_.OnTaskEnded(id, failed); }
  void OnObjectSealed(const ObjectId& id) override { keeper_.OnObjectSealed(id); }
  void OnObjectDeleted(const ObjectId& id) override { keeper_.OnObjectDeleted(id); }
  void OnActorChanged(const scheduler::ActorSummary& actor) override;
  void OnActorForgotten(const TaskId& actor) override;
  void OnFunction(const DriverId& driver, const FunctionId& id, std::string_view name,
                  const std::string& pickled) override;
  void OnFunctionGone(const DriverId& driver, const FunctionId& id) override;
  void AskForFunction(ClientId asker, const FunctionId& id) override;
  void OnDriver(const node::Peer& driver) override;
  void OnDriverEnded(const DriverId& driver) override;
  void OnError(node::TaskError error) override;

  RecordKeeper& keeper() { return keeper_; }

 private:
  control::Tables* tables_;
  NodeId node_;
  node::NodeCore* core_;
  RecordKeeper keeper_;
};

}  // namespace rayx::daemon
