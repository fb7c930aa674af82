#include "node/node_core.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "node/node_recorder.h"

namespace rayx::node {
namespace {

TEST(NodeCore, ADriverThatGoesTakesItsTasksAndWorkersAlong) {
  NodeRecorder node(1);
  Peer& driver = node.Driver(1);
  node.Submit(driver, Task(1));
  node.Submit(driver, Task(2).DependsOn(ResultOf(1)));
  node.Turn();
  node.Started(WorkerNumber(1));
  EXPECT_EQ(node.Turn(), Lines({"t1 to w1 as 0 config"}));
  node.Gone(driver);
  EXPECT_EQ(node.Turn(), Lines({"driver gone", "failed t2", "kill w1"}));
  node.WorkerGone(WorkerNumber(1), 1);
  EXPECT_EQ(node.Turn(), Lines({"failed t1"}));
  EXPECT_EQ(node.core().store().Stats().objects, 0u);
}

TEST(NodeCore, AnEndingDriverWaitsForItsActors) {
  NodeRecorder node(1);
  Peer& driver = node.Driver(1);
  Peer& output = node.Output(1);
  node.Submit(driver, Task(1).Creation());
  node.Turn();
  Peer& worker = node.Started(WorkerNumber(1));
  node.Turn();
  node.Done(worker, 1, 0, "actor");
  node.Turn();
  node.core().endings().OnDrain(output.id, DriverNumber(1));
  EXPECT_EQ(node.Turn(10), Lines({"actor t1 is dead", "stop w1"}));
  EXPECT_EQ(node.core().NextTickMs(), 10 + limits::kDriverEndMs);
  node.WorkerGone(WorkerNumber(1), 1);
  const Lines lines = node.Turn(20);
  EXPECT_NE(std::find(lines.begin(), lines.end(), "drained c2"), lines.end());
}

TEST(NodeCore, AWorkerThatWasToldToEndMayStillSayThatItIsDone) {
  NodeRecorder node(1);
  Peer& driver = node.Driver(1);
  node.Submit(driver, Task(1));
  node.Turn();
  Peer& worker = node.Started(WorkerNumber(1));
  node.Turn();
  node.begun = 1;
  node.core().tasks().OnCancel(driver, TaskNumber(1), /*force=*/true);
  node.Turn();
  EXPECT_TRUE(node.FindWorker(WorkerNumber(1))->stopped);
  node.Done(worker, 1, 0, "too late");
  EXPECT_TRUE(node.status().ok()) << node.status().ToString();
}

}  // namespace
}  // namespace rayx::node
