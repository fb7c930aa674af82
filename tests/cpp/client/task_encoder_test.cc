#include "client/task_encoder.h"

#include <gtest/gtest.h>

#include "client/message.h"
#include "client/object_memory.h"
#include "common/protocol/task_spec.h"

namespace rayx {
namespace {

TEST(TaskEncoderTest, EncodesWhatTheNodeReads) {
  TaskEncoder encoder;
  TaskTemplate task;
  task.name = "module.f";
  task.resources = {{"CPU", ResourceAmount::Of(2)}, {"GPU", ResourceAmount::FromUnits(5000)}};
  task.return_count = 3;
  task.max_retries = -1;
  const std::vector<uint8_t> stream{1, 2, 3};
  ObjectPieces pieces;
  pieces.stream = stream;
  const ObjectPlan plan = PlanObject(pieces);
  const std::vector<ObjectId> dependencies{ObjectId::ForPut(TaskId(), 1)};
  const std::vector<ObjectId> contained{ObjectId::ForPut(TaskId(), 2)};
  TaskCall call;
  call.task = &task;
  call.args = &pieces;
  call.args_plan = &plan;
  call.dependencies = dependencies;
  call.contained = contained;
  const std::span<const uint8_t> bytes = encoder.Encode(call);
  const Result<TaskSpec> spec = ParseTaskSpec(bytes);
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->name, "module.f");
  EXPECT_EQ(spec->resources, task.resources);
  EXPECT_EQ(spec->return_count, 3u);
  EXPECT_EQ(spec->max_retries, -1);
  EXPECT_EQ(spec->dependencies, dependencies);
  EXPECT_EQ(spec->contained, contained);
  const auto args = ParseObject(BytesOf(*VerifiedMessage<protocol::TaskSpec>(bytes)->args()));
  ASSERT_TRUE(args.ok());
  EXPECT_EQ(args->stream.size(), 3u);
}

TEST(TaskEncoderTest, OneCpuIsTheDefaultAndNoneIsSaid) {
  TaskEncoder encoder;
  TaskTemplate task;
  TaskCall call;
  call.task = &task;
  EXPECT_TRUE(ParseTaskSpec(encoder.Encode(call))->resources.empty());
  task.resources = {{"CPU", ResourceAmount::Of(1)}};
  const auto bytes = encoder.Encode(call);
  EXPECT_EQ(VerifiedMessage<protocol::TaskSpec>(bytes)->resources(), nullptr);
  EXPECT_EQ(ParseTaskSpec(bytes)->resources, task.resources);
}

}  // namespace
}  // namespace rayx
