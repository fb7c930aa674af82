#include "scheduler/queues/pipeline.h"

#include <gtest/gtest.h>

#include <deque>

#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

class PipelineTest : public ::testing::Test {
 protected:
  WorkerEntry& Runner(size_t prefetched) {
    WorkerEntry& worker = workers_.emplace_back();
    worker.number = WorkerNumber(workers_.size());
    worker.state = WorkerState::kBusy;
    worker.scheduling_class = &scheduling_class_;
    worker.held.push_back({nullptr, worker.next_sequence++});
    pipeline_.AddRunner(worker);
    SetPrefetched(worker, prefetched);
    return worker;
  }
  void SetPrefetched(WorkerEntry& worker, size_t prefetched) {
    const size_t before = worker.prefetched();
    while (worker.prefetched() < prefetched)
      worker.held.push_back({nullptr, worker.next_sequence++});
    while (worker.prefetched() > prefetched) worker.held.pop_front();
    pipeline_.OnPrefetchedChanged(worker, before);
    pipeline_.SanityCheck();
  }
  WorkerEntry* Longest(int64_t now_ms) {
    look_ms_.reset();
    return pipeline_.MostPrefetched(scheduling_class_, now_ms, look_ms_);
  }

  Shape shape_;
  SchedulingClass scheduling_class_{testing::DriverNumber(1), &shape_, nullptr};
  Pipeline pipeline_{limits::kPipelineDepth};
  std::deque<WorkerEntry> workers_;
  std::optional<int64_t> look_ms_;
};

TEST_F(PipelineTest, KeepsTheSumOfPrefetchedAndTheClassesThatHaveAny) {
  WorkerEntry& a = Runner(3);
  WorkerEntry& b = Runner(0);
  EXPECT_EQ(scheduling_class_.prefetched_total, 3u);
  EXPECT_EQ(pipeline_.with_prefetched(), std::vector<SchedulingClass*>{&scheduling_class_});
  SetPrefetched(b, 2);
  EXPECT_EQ(scheduling_class_.prefetched_total, 5u);
  pipeline_.RemoveRunner(a);
  pipeline_.RemoveRunner(a);
  EXPECT_EQ(scheduling_class_.prefetched_total, 2u);
  SetPrefetched(b, 0);
  EXPECT_TRUE(pipeline_.with_prefetched().empty());
}

TEST_F(PipelineTest, FillingIsWorthwhileWhenARunnerHasLittleLeftOrThereIsMuchRoom) {
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_)) << "no runner";
  WorkerEntry& a = Runner(0);
  EXPECT_TRUE(pipeline_.WorthFilling(scheduling_class_));
  SetPrefetched(a, limits::kPipelineDepth);
  scheduling_class_.few_prefetched = false;
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_)) << "full";
  SetPrefetched(a, limits::kPipelineDepth - 1);
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_)) << "one by one is not worth it";
  SetPrefetched(a, limits::kPipelineDepth * 3 / 4);
  EXPECT_TRUE(pipeline_.WorthFilling(scheduling_class_));
  EXPECT_EQ(pipeline_.Room(a), limits::kPipelineDepth / 4);
  a.revoking = true;
  EXPECT_EQ(pipeline_.Room(a), 0u);
}

TEST_F(PipelineTest, OneRunnerThatIsFastIsEnough) {
  WorkerEntry& a = Runner(limits::kPipelineDepth);
  for (int i = 0; i < 7; ++i) Runner(limits::kPipelineDepth);
  scheduling_class_.few_prefetched = false;
  SetPrefetched(a, Pipeline::kFewPrefetched + 1);
  EXPECT_FALSE(pipeline_.WorthFilling(scheduling_class_));
  SetPrefetched(a, Pipeline::kFewPrefetched);
  EXPECT_TRUE(pipeline_.WorthFilling(scheduling_class_));
}

TEST_F(PipelineTest, ManyPrefetchedAreRevokedAtOnceFewIfNothingMoves) {
  WorkerEntry& a = Runner(Pipeline::kFewPrefetched);
  a.front_since_ms = 100;
  EXPECT_EQ(Longest(100), nullptr);
  EXPECT_EQ(look_ms_, 100 + Pipeline::kNoProgressMs);
  EXPECT_EQ(Longest(100 + Pipeline::kNoProgressMs), &a);
  WorkerEntry& b = Runner(Pipeline::kFewPrefetched + 1);
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
  SetPrefetched(a, 3);
  EXPECT_EQ(a.revocable(), 1u);
  EXPECT_EQ(Longest(10), &a);
}

TEST(Pipeline, NothingIsPrefetchedWithoutDepth) {
  const Pipeline pipeline(0);
  Shape shape;
  SchedulingClass scheduling_class(testing::DriverNumber(1), &shape, nullptr);
  WorkerEntry worker;
  EXPECT_EQ(pipeline.Room(worker), 0u);
  EXPECT_FALSE(pipeline.WorthFilling(scheduling_class));
}

}  // namespace
}  // namespace rayx::scheduler
