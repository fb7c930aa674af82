#include "node/task_book.h"

#include <gtest/gtest.h>

#include "node/node_recorder.h"

namespace rayx::node {
namespace {

class TaskBookTest : public ::testing::Test {
 protected:
  // One worker that serves the driver; it has been given the tasks that were submitted.
  Peer& StartWorker() {
    EXPECT_EQ(node_.Turn().back(), "start w1");
    return node_.Started(WorkerNumber(1));
  }
  Lines Release(Peer& peer, std::vector<ObjectId> ids) {
    EXPECT_TRUE(node_.core().objects().OnRelease(peer, {}, ids).ok());
    return node_.Turn();
  }

  NodeRecorder node_{1};
  Peer& driver_ = node_.Driver(1);
};

TEST_F(TaskBookTest, ATaskRunsAndItsResultIsPushed) {
  node_.Submit(driver_, Task(1));
  Peer& worker = StartWorker();
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0 config"}));
  node_.Done(worker, 1, 0, "value");
  EXPECT_EQ(node_.Turn(), Lines({"ended t1", "objects to c1: t1.0=value"}));
  EXPECT_EQ(Release(driver_, {ResultOf(1)}), Lines({"deleted t1.0"}));
  EXPECT_TRUE(node_.status().ok()) << node_.status().ToString();
}

TEST_F(TaskBookTest, ADependencyIsKeptUntilTheTaskHasEnded) {
  node_.Submit(driver_, Task(1));
  node_.Submit(driver_, Task(2).DependsOn(ResultOf(1)));
  Peer& worker = StartWorker();
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0 config"}));
  EXPECT_EQ(Release(driver_, {ResultOf(1)}), Lines());
  node_.Done(worker, 1, 0, "value");
  EXPECT_EQ(node_.Turn(), Lines({"ended t1", "t2 to w1 as 1 t1.0=value"}));
  node_.Done(worker, 2, 1, "other");
  EXPECT_EQ(node_.Turn(), Lines({"ended t2", "deleted t1.0", "objects to c1: t2.0=other"}));
}

TEST_F(TaskBookTest, WhatItsArgumentsContainIsKeptAndSoIsItsFunction) {
  const ObjectId inside = ObjectId::ForPut(TaskNumber(9), 0);
  const ObjectId function = ObjectId::ForFunction(FunctionNumber(1));
  ASSERT_TRUE(node_.core().objects().OnPut(driver_, inside, Bytes("x"), {}).ok());
  ASSERT_TRUE(
      node_.core().functions().OnExport(driver_, FunctionNumber(1), "f", Bytes("code"), {}).ok());
  TaskSpec spec = Task(1).Build();
  spec.contained.push_back(inside);
  ASSERT_TRUE(node_.core().tasks().OnSubmit(driver_, spec).ok());
  Peer& worker = StartWorker();
  EXPECT_EQ(Release(driver_, {inside, function}), Lines({"t1 to w1 as 0 config"}));
  node_.Done(worker, 1, 0, "value");
  EXPECT_EQ(node_.Turn(), Lines({"ended t1", "deleted t9.put0", "record that f1 is gone",
                                 "objects to c1: t1.0=value"}));
}

TEST_F(TaskBookTest, WhoMaySubmitWhat) {
  TaskBook& tasks = node_.core().tasks();
  EXPECT_FALSE(tasks.OnSubmit(node_.Connect(WorkerNumber(7)), Task(1).Build()).ok()) << "no driver";
  EXPECT_FALSE(tasks.OnSubmit(driver_, Task(1).Driver(2).Build()).ok());
  EXPECT_TRUE(tasks.OnSubmit(driver_, Task(1).Build()).ok());
  EXPECT_FALSE(tasks.OnSubmit(driver_, Task(1).Build()).ok()) << "the id is in use";
  EXPECT_FALSE(tasks.OnGiven(driver_, Task(2).Timeout(1).Build(), 0).ok());
}

TEST_F(TaskBookTest, AWorkerGivesResultsOnlyToWhatItRuns) {
  node_.Submit(driver_, Task(1));
  Peer& worker = StartWorker();
  node_.Turn();
  node_.Done(worker, 2, 0, "value");
  EXPECT_EQ(node_.status().code(), StatusCode::kProtocolError);
  const TaskResult beyond{.index = 1, .data = Bytes("x"), .contained = {}};
  EXPECT_FALSE(node_.core()
                   .tasks()
                   .OnTaskDone(worker, {.task = TaskNumber(1), .results = {&beyond, 1}})
                   .ok());
}

TEST_F(TaskBookTest, AResultThatIsMissingIsAnError) {
  node_.Submit(driver_, Task(1).Returns(2));
  Peer& worker = StartWorker();
  node_.Turn();
  node_.Done(worker, 1, 0, "value");
  const Lines lines = node_.Turn();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[1].find("return value 1 of f1 was not stored"), std::string::npos) << lines[1];
}

TEST_F(TaskBookTest, ADeadWorkerIsTriedAgainAndThenReported) {
  node_.Submit(driver_, Task(1).Retries(1));
  StartWorker();
  node_.Turn();
  node_.WorkerGone(WorkerNumber(1), 1);
  EXPECT_EQ(node_.Turn(), Lines({"start w2"}));
  node_.Started(WorkerNumber(2));
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w2 as 0 config"}));
  node_.WorkerGone(WorkerNumber(2), 1);
  const Lines lines = node_.Turn();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "record WorkerCrashedError of f1");
  EXPECT_EQ(lines[1], "failed t1");
  EXPECT_EQ(lines[2].substr(0, 20), "objects to c1: t1.0=");
}

TEST_F(TaskBookTest, AStreamIsCancelledWithItsConsumer) {
  Peer& consumer = node_.Connect(WorkerNumber(0));
  consumer.driver = DriverNumber(1);
  node_.Submit(consumer, Task(1).Stream(2));
  StartWorker();
  node_.Turn();
  EXPECT_TRUE(node_.core().tasks().streams().Contains(TaskNumber(1)));
  node_.begun = 1;
  node_.Gone(consumer);
  EXPECT_EQ(node_.Turn(), Lines({"take back from w1", "interrupt w1 as 0"}));
}

TEST_F(TaskBookTest, OnlyItsOwnDriverCancelsATask) {
  Peer& other = node_.Driver(2);
  node_.Submit(driver_, Task(1));
  node_.Turn();
  node_.core().tasks().OnCancel(other, TaskNumber(1), true);
  EXPECT_EQ(node_.Turn(), Lines());
  node_.core().tasks().OnCancel(driver_, TaskNumber(1), false);
  EXPECT_EQ(node_.Turn().front(), "failed t1");
}

TEST_F(TaskBookTest, OutputIsNamedAfterTheTaskThatRuns) {
  Peer& output = node_.Output(1);
  node_.Submit(driver_, Task(1));
  Peer& worker = StartWorker();
  node_.Turn();
  node_.core().tasks().OnWorkerOutput(*node_.FindWorker(worker.worker), 7, false, "hello");
  EXPECT_EQ(node_.Take(), Lines({"print at c" + output.id.ToString() + " f1: hello"}));
}

TEST_F(TaskBookTest, SetupsAreToldOnce) {
  ASSERT_TRUE(node_.core().drivers().OnSetup(driver_, Bytes("one")).ok());
  node_.Submit(driver_, Task(1));
  Peer& worker = StartWorker();
  EXPECT_EQ(node_.Turn(), Lines({"t1 to w1 as 0 config setup one"}));
  ASSERT_TRUE(node_.core().drivers().OnSetup(driver_, Bytes("two")).ok());
  node_.Done(worker, 1, 0, "value");
  node_.Submit(driver_, Task(2));
  const Lines lines = node_.Turn();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "t2 to w1 as 1 setup two"), lines.end());
}

}  // namespace
}  // namespace rayx::node
