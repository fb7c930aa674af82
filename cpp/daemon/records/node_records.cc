#include "daemon/records/node_records.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/os/clock.h"
#include "daemon/peers/connected_peer.h"

namespace rayx::daemon {

control::TaskRecord RecordOfTask(const TaskSpec& spec, const NodeId& node,
                                 control::TaskState state) {
  return {.id = spec.id,
          .driver = spec.driver,
          .function = spec.function,
          .node = node,
          .name = spec.name,
          .state = state,
          .attempt = 0,
          .spec = spec.encoded};
}

control::ActorRecord RecordOfActor(const scheduler::ActorSummary& actor, const NodeId& node) {
  return {.id = actor.id,
          .driver = actor.driver,
          .node = node,
          .class_name = actor.class_name,
          .name = actor.name,
          .state = actor.state,
          .restarts = actor.restarts,
          .cause = actor.cause};
}

NodeRecords::NodeRecords(control::Tables* tables, NodeId node, node::NodeCore* core)
    : tables_(tables), node_(node), core_(core), counts_(tables) {
  tables_->functions().SetSource(
      [this](const FunctionId& id) -> std::optional<control::FunctionRecord> {
        const auto found = core_->functions().Find(id);
        if (!found) return std::nullopt;
        return control::FunctionRecord{
            .id = id, .name = std::string(found->name), .pickled = *found->pickled};
      });
}

void NodeRecords::OnActorChanged(const scheduler::ActorSummary& actor) {
  const NodeId elsewhere = core_->tasks().remote().given_actors().PlaceOf(actor.id).node;
  tables_->actors().Put(RecordOfActor(actor, elsewhere.IsNil() ? node_ : elsewhere));
}

void NodeRecords::OnActorForgotten(const TaskId& actor) { tables_->actors().Remove(actor); }

void NodeRecords::OnFunction(const DriverId& driver, const FunctionId& id, std::string_view name,
                             const std::string& pickled) {
  tables_->functions().Put(driver, {.id = id, .name = std::string(name), .pickled = pickled});
}

void NodeRecords::OnFunctionGone(const DriverId& driver, const FunctionId& id) {
  tables_->functions().Remove(driver, id);
}

void NodeRecords::AskForFunction(ClientId asker, const FunctionId& id) {
  tables_->functions().Get(id, [this, id, asker](auto found) {
    const bool known = found.ok() && found->has_value();
    core_->functions().OnFound(asker, id, known ? &found.value()->pickled : nullptr);
  });
}

void NodeRecords::OnDriver(const node::Peer& driver) {
  const pid_t pid = static_cast<const ConnectedPeer&>(driver).pid;
  tables_->drivers().Register(
      {.id = driver.driver, .node = node_, .pid = pid, .started_at = WallSeconds(), .ended_at = 0});
  LogInfo("driver " + driver.driver.Hex() + " pid " + std::to_string(pid) + " connected");
}

void NodeRecords::OnDriverEnded(const DriverId& driver) {
  tables_->drivers().MarkEnded(driver, WallSeconds());
  tables_->functions().RemoveDriver(driver);
  LogInfo("driver " + driver.Hex() + " has ended");
}

void NodeRecords::OnError(node::TaskError error) {
  tables_->errors().Append({.driver = error.driver,
                            .task = error.task,
                            .name = std::move(error.name),
                            .kind = std::move(error.kind),
                            .text = std::move(error.text),
                            .time = WallSeconds()});
}

}  // namespace rayx::daemon
