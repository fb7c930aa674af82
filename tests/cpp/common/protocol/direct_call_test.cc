#include "common/protocol/direct_call.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

namespace rayx {
namespace {

TaskSpec Function() {
  TaskSpec spec;
  spec.resources.Set(kCpu, ResourceAmount::Of(1));
  return spec;
}

TaskSpec Call() {
  TaskSpec spec;
  spec.kind = TaskKind::kActorCall;
  spec.contained = {ObjectId()};  // the actor
  return spec;
}

TEST(DirectCall, AFunctionOnOneCpuAndTheCallOfAnActorAre) {
  EXPECT_TRUE(IsDirect(Function()));
  EXPECT_TRUE(IsDirect(Call()));
  TaskSpec call = Call();
  call.contained.clear();
  EXPECT_TRUE(IsDirect(call));
  call.options.priority = 3;
  EXPECT_TRUE(IsDirect(call)) << "its order among the calls of its caller is that of submission";
}

TEST(DirectCall, WhatTheNodeMustCareForIsNot) {
  const std::vector<std::function<void(TaskSpec&)>> changes = {
      [](TaskSpec& spec) { spec.dependencies = {ObjectId()}; },
      [](TaskSpec& spec) { spec.contained.emplace_back(); },
      [](TaskSpec& spec) { spec.options.timeout_ms = 1; },
      [](TaskSpec& spec) { spec.options.stream_window = 1; },
      [](TaskSpec& spec) { spec.kind = TaskKind::kActorCreation; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    for (TaskSpec spec : {Function(), Call()}) {
      changes[i](spec);
      EXPECT_FALSE(IsDirect(spec)) << i;
    }
  }
}

TEST(DirectCall, AFunctionThatNeedsMoreOrLessThanOneCpuIsNot) {
  const std::vector<std::function<void(TaskSpec&)>> changes = {
      [](TaskSpec& spec) { spec.options.priority = 1; },
      [](TaskSpec& spec) { spec.resources = {}; },
      [](TaskSpec& spec) { spec.resources.Set(kCpu, ResourceAmount::Of(2)); },
      [](TaskSpec& spec) { spec.resources.Set(kCpu, ResourceAmount::FromUnits(5000)); },
      [](TaskSpec& spec) { spec.resources.Set(kGpu, ResourceAmount::Of(1)); },
      [](TaskSpec& spec) {
        spec.resources = {};
        spec.resources.Set("disk", ResourceAmount::Of(1));
      },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    TaskSpec spec = Function();
    changes[i](spec);
    EXPECT_FALSE(IsDirect(spec)) << i;
  }
}

}  // namespace
}  // namespace rayx
