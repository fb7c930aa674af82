#include "scheduler/transitions/elsewhere.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"
#include "scheduler/spreading.h"

namespace rayx::scheduler {
namespace {

// What follows from these changes is tested in actors_elsewhere_test.cc.
class ElsewhereTest : public ::testing::Test {
 protected:
  SchedulerRecorder node_{{.cpus = 2}};
};

TEST_F(ElsewhereTest, ActorsThatAskForNothingLeaveIfThereAreMoreThanProcessors) {
  for (uint64_t actor = 1; actor <= 5; ++actor) node_.Submit(Task(actor).Creation());
  Spreading spreading(&node_.core());
  EXPECT_EQ(spreading.Surplus(), 3u);
  EXPECT_EQ(spreading.SendActors(2), 2u);
  node_.core().SanityCheck();
  EXPECT_EQ(spreading.Surplus(), 1u);
  const Lines lines = node_.Turn();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "t5 to w1 as 0"), lines.end());
  EXPECT_NE(std::find(lines.begin(), lines.end(), "t4 to w2 as 0"), lines.end());
}

TEST_F(ElsewhereTest, ActorsThatWaitForResourcesLeave) {
  node_.Submit(Task(1).Creation().Cpus(2));
  node_.StartNext(WorkerNumber(1));
  ASSERT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  node_.Turn();
  node_.Submit(Task(2).Creation().Cpus(1));
  Spreading spreading(&node_.core());
  EXPECT_EQ(spreading.SendActors(9), 1u);
  EXPECT_EQ(node_.Turn(), Lines({"t2 is pending", "t2 to w2 as 0"}));
  EXPECT_EQ(spreading.SendActors(9), 0u);
}

TEST_F(ElsewhereTest, OneThatIsKilledBeforeItIsGivenToAnybodyIsOver) {
  node_.Submit(Task(1).Creation().Cpus(1));
  node_.Submit(Task(2).Creation().Cpus(1));
  node_.Submit(Task(3).Creation().Cpus(1));
  ASSERT_EQ(Spreading(&node_.core()).SendActors(9), 1u);
  node_.Killed(3);
  const Lines lines = node_.Turn();
  EXPECT_NE(std::find(lines.begin(), lines.end(), "ended t3 by system"), lines.end());
  EXPECT_EQ(std::find(lines.begin(), lines.end(), "t3 to w1 as 0"), lines.end());
}

TEST_F(ElsewhereTest, PlacedActorsAreNoLoad) {
  Spreading spreading(&node_.core());
  spreading.OnPlaced(Task(1).Creation().Cpus(1).Build(), {});
  node_.StartNext(WorkerNumber(1));
  ASSERT_TRUE(node_.Finished(WorkerNumber(1), 1, 0).ok());
  node_.Turn();
  EXPECT_EQ(spreading.Load().Get(kCpu), Amount(0)) << "who has placed it knows";
  EXPECT_EQ(node_.core().available().Get(kCpu), Amount(1));
  node_.Submit(Task(2).CallOf(1));
  node_.Turn();
  ASSERT_TRUE(node_.Blocked(WorkerNumber(1)).ok());
  EXPECT_EQ(spreading.Load().Get(kCpu).units(), -ResourceAmount::kUnitsPerOne)
      << "it has given that back";
}

}  // namespace
}  // namespace rayx::scheduler
