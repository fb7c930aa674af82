#include "scheduler/state/scheduler_state.h"

#include <gtest/gtest.h>

#include "scheduler/state/sanity_check.h"

namespace rayx::scheduler {
namespace {

SchedulerOptions Options(double cpus) {
  SchedulerOptions options;
  options.total.Set(kCpu, ResourceAmount::FromDouble(cpus).value());
  return options;
}

TEST(SchedulerState, PartsAreSizedByTheOptions) {
  SchedulerOptions options = Options(2.5);
  options.prestart_workers = 9;
  options.workers_max = 7;
  options.pipeline = false;
  const SchedulerState state(options);
  EXPECT_EQ(state.pool.PrestartMissing(), 7u) << "no more than there may be";
  EXPECT_EQ(state.pool.roomy(), 7u);
  EXPECT_EQ(state.pipeline.depth(), 0u);
  EXPECT_TRUE(state.changed) << "the first round starts the prestarted workers";
  CheckSanity(state);
}

TEST(SchedulerState, PartOfACpuIsRoomForAWorker) {
  EXPECT_EQ(SchedulerState(Options(2.5)).pool.roomy(), 3u);
  EXPECT_EQ(SchedulerState(Options(0)).pool.roomy(), 1u);
  EXPECT_EQ(SchedulerState(Options(1)).pipeline.depth(), limits::kPipelineDepth);
}

}  // namespace
}  // namespace rayx::scheduler
