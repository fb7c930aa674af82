#include "scheduler/explanations/explain.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

void ExpectSays(SchedulerRecorder& node, uint64_t task, const std::string& part) {
  const std::string text = node.core().reports().Explain(TaskNumber(task));
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Explain, AnUnknownTask) {
  SchedulerRecorder node;
  ExpectSays(node, 1, "not known to node node-a");
}

TEST(Explain, ATaskThatWaitsForObjects) {
  SchedulerRecorder node;
  node.Submit(Task(1).DependsOn(ResultOf(8)).DependsOn(ResultOf(9)), {ResultOf(9)});
  ExpectSays(node, 1, "waits for 1 object that is not available yet: " + ResultOf(9).Hex() + ".");
  Task many(2);
  std::vector<ObjectId> missing;
  for (uint64_t i = 0; i < 9; ++i) missing.push_back(ResultOf(10 + i));
  for (const ObjectId& id : missing) std::move(many).DependsOn(id);
  node.Submit(std::move(many), missing);
  ExpectSays(node, 2, "waits for 9 objects that are not available yet");
  ExpectSays(node, 2, ", ….");
}

TEST(Explain, AReadyTask) {
  SchedulerRecorder node({.cpus = 2, .workers_max = 1});
  node.Submit(Task(1));
  ExpectSays(node, 1, "one is started in the next round");
  node.Turn();
  ExpectSays(node, 1, "1 worker of this node being started");
  node.Started(WorkerNumber(1));
  node.Submit(Task(2).Driver(2));
  node.Submit(Task(3).Cpus(2));
  node.Turn();
  ExpectSays(node, 2, "all 1 that this node may have are in use, 0 of them blocked");
  ExpectSays(node, 3, "needs 2 CPU, 1 of 2 free: held by task f1 (worker 1). 2 tasks");
}

TEST(Explain, AReadyTaskWhenStartsFail) {
  SchedulerRecorder node;
  node.Submit(Task(1));
  node.Turn();
  node.StartFailed(WorkerNumber(1), "no such file");
  node.Turn();
  ExpectSays(node, 1,
             "starting one failed and is tried again later. The last attempt: no such file");
}

TEST(Explain, AnAssignedTask) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(1, 3);
  node.Turn();
  ExpectSays(node, 1, "runs on worker 1.");
  ExpectSays(node, 3, "was handed to worker 1 ahead of time and stands behind 2 tasks there");
  EXPECT_TRUE(node.Blocked(WorkerNumber(1)).ok());
  ExpectSays(node, 1, "blocked in get or wait and has given its CPUs back");
  node.DriverGone(1);
  ExpectSays(node, 1, "being ended");
}

TEST(Explain, ATaskThatHasLostWorkers) {
  SchedulerRecorder node({.cpus = 1, .prestart = 1});
  node.StartAll();
  node.Submit(Task(1));
  node.Turn();
  node.Gone(WorkerNumber(1), 1);
  ExpectSays(node, 1, "1 worker died while running it");
}

TEST(Explain, TheDumpHasALineForEachWorkerAndClassUpToALimit) {
  SchedulerRecorder node({.cpus = 1, .prestart = 3});
  node.StartAll();
  node.Submit(1, 40);
  node.Submit(Task(50).Needs("CPU", Amount(0.5)));
  node.Turn();
  const std::string text = node.core().reports().DebugText(10);
  for (const char* part :
       {"available {} of {CPU: 1}", "worker 1 Idle", "worker 3 Busy", "runs f1",
        "32 more behind it", "7 tasks of driver", "next f34", "asking for {CPU: 0.5}"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  const std::string brief = node.core().reports().DebugText(1);
  EXPECT_NE(brief.find("… 2 more workers"), std::string::npos) << brief;
  EXPECT_NE(brief.find("… 1 more kind of ready tasks"), std::string::npos) << brief;
}

TEST(ExplainActors, ACallSaysWhatItsActorIsAndWhatItWaitsFor) {
  SchedulerRecorder node({.cpus = 1});
  node.Submit(Task(1).Creation(1, "hal"));
  node.Submit(Task(2).CallOf(1).DependsOn(ResultOf(9)), {ResultOf(9)});
  node.Submit(Task(3).CallOf(1));
  const std::string waits = node.core().reports().Explain(TaskNumber(2));
  EXPECT_NE(waits.find("is a call of actor f1"), std::string::npos) << waits;
  EXPECT_NE(waits.find("which is pending"), std::string::npos) << waits;
  EXPECT_NE(waits.find(ResultOf(9).Hex()), std::string::npos) << waits;
  const std::string behind = node.core().reports().Explain(TaskNumber(3));
  EXPECT_NE(behind.find("stands behind 1 call of its caller"), std::string::npos) << behind;
  EXPECT_NE(behind.find("not there yet: f1 (task " + TaskNumber(1).Hex()), std::string::npos)
      << behind;
  node.StartNext(WorkerNumber(1));
  EXPECT_TRUE(node.Finished(WorkerNumber(1), 1, 0).ok());
  node.Available(ResultOf(9));
  node.Turn();
  const std::string lives = node.core().reports().Explain(TaskNumber(1));
  EXPECT_NE(lives.find("lives on worker 1 and has been given 2 calls"), std::string::npos) << lives;
  const std::string given = node.core().reports().Explain(TaskNumber(3));
  EXPECT_NE(given.find("on worker 1, where it stands behind 1 call"), std::string::npos) << given;
  const std::string lines = node.core().reports().DebugText(10);
  EXPECT_NE(lines.find("named hal"), std::string::npos) << lines;
}

}  // namespace
}  // namespace rayx::scheduler
