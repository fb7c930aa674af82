#include "scheduler/transitions/admission.h"

#include <gtest/gtest.h>

#include "scheduler/scheduler_recorder.h"

namespace rayx::scheduler {
namespace {

SchedulerOptions TwoCpus() {
  SchedulerOptions options;
  options.total = {{"CPU", Amount(2)}};
  return options;
}

TEST(AdmissionTest, ATaskIsReadyOrWaitsAndIsAddedOnce) {
  SchedulerState state(TwoCpus());
  const ObjectId missing[] = {ResultOf(9)};
  AddTask(state, Task(1).Build(), {}, {.depth = 3});
  AddTask(state, Task(1).Build(), missing, {});
  AddTask(state, Task(2).Build(), missing, {});
  EXPECT_EQ(state.tasks.at(TaskNumber(1)).state(), TaskState::kReady);
  EXPECT_EQ(state.tasks.at(TaskNumber(1)).depth, 3u);
  EXPECT_EQ(state.tasks.at(TaskNumber(2)).state(), TaskState::kWaitingArgs);
  EXPECT_EQ(state.queue.size(), 1u);
}

TEST(AdmissionTest, WhatWasPlacedHasAClassOfItsOwn) {
  SchedulerState state(TwoCpus());
  AddTask(state, Task(1).Build(), {}, {});
  AddTask(state, Task(2).Build(), {}, {.placed = true});
  const SchedulingClass* own = state.tasks.at(TaskNumber(1)).scheduling_class;
  const SchedulingClass* placed = state.tasks.at(TaskNumber(2)).scheduling_class;
  EXPECT_NE(own, placed);
  EXPECT_FALSE(own->kind().placed);
  EXPECT_TRUE(placed->kind().placed);
}

}  // namespace
}  // namespace rayx::scheduler
