#include "daemon/records/predecessors.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <string>

#include "control/memory_tables.h"

namespace rayx::daemon {
namespace {

template <typename IdType>
IdType MakeId(uint8_t number) {
  std::array<uint8_t, IdType::kSize> bytes{};
  bytes[0] = number;
  return IdType::FromBytes(bytes.data());
}

constexpr pid_t kDeadPid = 10;
constexpr pid_t kLivePid = 11;

class PredecessorsTest : public ::testing::Test {
 protected:
  control::NodeRecord Register(uint8_t number, pid_t pid, const std::string& host = "here") {
    control::NodeRecord node;
    node.id = MakeId<NodeId>(number);
    node.host = host;
    node.pid = pid;
    tables_->nodes().Register(node);
    return node;
  }
  // A driver, an actor and a function of the node.
  void Fill(const NodeId& node, uint8_t number) {
    const auto driver = MakeId<DriverId>(number);
    tables_->drivers().Register({.id = driver, .node = node, .pid = 1, .started_at = 1});
    control::ActorRecord actor;
    actor.id = MakeId<TaskId>(number);
    actor.node = node;
    tables_->actors().Put(actor);
    tables_->functions().Put(driver, {MakeId<FunctionId>(number), "f", "pickled"});
  }
  void End(const control::NodeRecord& self) {
    EndPredecessors(
        tables_.get(), self, [](pid_t pid) { return pid == kLivePid; }, 99);
  }

  // By the number of the node, driver and actor.
  std::map<int, bool> NodesAlive() {
    std::map<int, bool> alive;
    tables_->nodes().List([&](const auto& nodes) {
      for (const auto& node : *nodes) alive[node.id.data()[0]] = node.alive;
    });
    return alive;
  }
  std::map<int, double> DriversEnded() {
    std::map<int, double> ended;
    tables_->drivers().List([&](const auto& drivers) {
      for (const auto& driver : *drivers) ended[driver.id.data()[0]] = driver.ended_at;
    });
    return ended;
  }
  size_t ActorCount() {
    size_t count = 0;
    tables_->actors().List([&](const auto& actors) { count = actors->size(); });
    return count;
  }
  bool HasFunction(uint8_t number) {
    bool has = false;
    tables_->functions().Get(MakeId<FunctionId>(number),
                             [&](const auto& found) { has = found->has_value(); });
    return has;
  }

  std::unique_ptr<control::Tables> tables_ = control::MakeMemoryTables();
};

TEST_F(PredecessorsTest, WhatAKilledNodeHadEndsAndNothingElse) {
  const auto killed = Register(1, kDeadPid);
  const auto living = Register(2, kLivePid);
  const auto elsewhere = Register(3, kDeadPid, "there");
  const auto self = Register(4, kDeadPid);
  uint8_t number = 0;
  for (const auto& node : {killed, living, elsewhere, self}) Fill(node.id, ++number);
  End(self);
  EXPECT_EQ(NodesAlive(), (std::map<int, bool>{{1, false}, {2, true}, {3, true}, {4, true}}));
  EXPECT_EQ(DriversEnded(), (std::map<int, double>{{1, 99}, {2, 0}, {3, 0}, {4, 0}}));
  EXPECT_EQ(ActorCount(), 3u);
  EXPECT_FALSE(HasFunction(1));
  EXPECT_TRUE(HasFunction(2));
}

TEST_F(PredecessorsTest, WhatHasEndedBeforeKeepsItsTime) {
  const auto killed = Register(1, kDeadPid);
  Fill(killed.id, 1);
  tables_->drivers().MarkEnded(MakeId<DriverId>(1), 7);
  End(Register(2, kLivePid));
  EXPECT_EQ(DriversEnded(), (std::map<int, double>{{1, 7}}));
}

TEST_F(PredecessorsTest, AFirstNodeHasNone) {
  End(Register(1, kLivePid));
  EXPECT_EQ(NodesAlive(), (std::map<int, bool>{{1, true}}));
}

}  // namespace
}  // namespace rayx::daemon
