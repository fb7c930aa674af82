#include "scheduler/queues/pipeline.h"

#include <gtest/gtest.h>

#include <deque>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

class PipelineTest : public ::testing::Test {
 protected:
  WorkerEntry& Runner(size_t tail) {
    WorkerEntry& worker = workers_.emplace_back();
    worker.number = WorkerNumber(workers_.size());
    worker.state = WorkerState::kBusy;
    worker.scheduling_class = &scheduling_class_;
    worker.held.push_back({nullptr, worker.next_sequence++});
    pipeline_.AddRunner(worker);
    SetTail(worker, tail);
    return worker;
  }
  void SetTail(WorkerEntry& worker, size_t tail) {
    const size_t before = worker.tail();
    while (worker.tail() < tail) worker.held.push_back({nullptr, worker.next_sequence++});
    while (worker.tail() > tail) worker.held.pop_front();
    pipeline_.OnTailChanged(worker, before);
    pipeline_.SanityCheck();
  }
  WorkerEntry* Longest(int64_t now_ms) {
    look_ms_.reset();
    return pipeline_.LongestTail(scheduling_class_, now_ms, look_ms_);
  }

  Shape shape_;
  SchedulingClass scheduling_class_{testing::DriverNumber(1), &shape_, nullptr};
  Pipeline pipeline_{limits::kPipelineDepth};
  std::deque<WorkerEntry> workers_;
  std::optional<int64_t> look_ms_;
};

TEST_F(PipelineTest, KeepsTheSumOfTailsAndTheClassesThatHaveAny) {
  WorkerEntry& a = Runner(3);
  WorkerEntry& b = Runner(0);
  EXPECT_EQ(scheduling_class_.tail_total, 3u);
  EXPECT_EQ(pipeline_.tailed(), std::vector<SchedulingClass*>{&scheduling_class_});
  SetTail(b, 2);
  EXPECT_EQ(scheduling_class_.tail_total, 5u);
  pipeline_.RemoveRunner(a);
  pipeline_.RemoveRunner(a);
  EXPECT_EQ(scheduling_class_.tail_total, 2u);
  SetTail(b, 0);
  EXPECT_TRUE(pipeline_.tailed().empty());
}

TEST_F(PipelineTest, FillingIsWorthwhileWhenARunnerHasLittleLeftOrThereIsMuchRoom) {
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_)) << "no runner";
  WorkerEntry& a = Runner(0);
  EXPECT_TRUE(pipeline_.WorthFilling(scheduling_class_));
  SetTail(a, limits::kPipelineDepth);
  scheduling_class_.short_tail = false;
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_)) << "full";
  SetTail(a, limits::kPipelineDepth - 1);
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_)) << "one by one is not worth it";
  SetTail(a, limits::kPipelineDepth * 3 / 4);
  EXPECT_TRUE(pipeline_.WorthFilling(scheduling_class_));
  EXPECT_EQ(pipeline_.Room(a), limits::kPipelineDepth / 4);
  a.revoking = true;
  EXPECT_EQ(pipeline_.Room(a), 0u);
}

TEST_F(PipelineTest, OneRunnerThatIsFastIsEnough) {
  WorkerEntry& a = Runner(limits::kPipelineDepth);
  for (int i = 0; i < 7; ++i) Runner(limits::kPipelineDepth);
  scheduling_class_.short_tail = false;
  SetTail(a, Pipeline::kShortTail + 1);
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_));
  SetTail(a, Pipeline::kShortTail);
  EXPECT_TRUE(pipeline_.WorthFilling(scheduling_class_));
}

TEST_F(PipelineTest, LongTailsAreRevokedAtOnceShortOnesIfNothingMoves) {
  WorkerEntry& a = Runner(Pipeline::kShortTail);
  a.front_since_ms = 100;
  EXPECT_EQ(Longest(100), nullptr);
  EXPECT_EQ(look_ms_, 100 + Pipeline::kNoProgressMs);
  EXPECT_EQ(Longest(100 + Pipeline::kNoProgressMs), &a);
  WorkerEntry& b = Runner(Pipeline::kShortTail + 1);
  EXPECT_EQ(Longest(100), &b);
  b.revoking = true;
  EXPECT_EQ(Longest(100), nullptr);
}

TEST_F(PipelineTest, WhatIsKnownToHaveBegunIsNotRevoked) {
  WorkerEntry& a = Runner(2);
  a.front_since_ms = 0;
  EXPECT_EQ(Longest(10), &a);
  a.begun_below = a.next_sequence;
  EXPECT_EQ(a.revocable(), 0u);
  EXPECT_EQ(Longest(10), nullptr);
  SetTail(a, 3);
  EXPECT_EQ(a.revocable(), 1u);
  EXPECT_EQ(Longest(10), &a);
}

TEST(Pipeline, NothingIsHandedOutAheadWithoutDepth) {
  const Pipeline pipeline(0);
  Shape shape;
  SchedulingClass scheduling_class(testing::DriverNumber(1), &shape, nullptr);
  WorkerEntry worker;
  EXPECT_EQ(pipeline.Room(worker), 0u);
  EXPECT_FALSE(pipeline.WorthFilling(scheduling_class));
}

}  // namespace
}  // namespace rayx::scheduler
