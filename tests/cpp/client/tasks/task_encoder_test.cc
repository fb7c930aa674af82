#include "client/tasks/task_encoder.h"

#include <gtest/gtest.h>

#include "client/connection/message.h"
#include "client/memory/object_memory.h"
#include "common/protocol/task_spec.h"

namespace rayx {
namespace {

TEST(TaskEncoderTest, EncodesWhatTheNodeReads) {
  TaskEncoder encoder;
  TaskTemplate task;
  task.name = "module.f";
  task.resources = {{"CPU", ResourceAmount::Of(2)}, {"GPU", ResourceAmount::FromUnits(5000)}};
  task.return_count = 3;
  task.options.max_retries = -1;
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
  EXPECT_EQ(spec->options.max_retries, -1);
  EXPECT_EQ(spec->dependencies, dependencies);
  EXPECT_EQ(spec->contained, contained);
  const auto args = ParseObject(BytesOf(*VerifiedMessage<protocol::TaskSpec>(bytes)->args()));
  ASSERT_TRUE(args.ok());
  EXPECT_EQ(args->stream.size(), 3u);
}

TEST(TaskEncoderTest, ACallNamesItsActorAndHoldsIt) {
  TaskEncoder encoder;
  uint8_t bytes[16] = {'a'};
  const TaskId creation = TaskId::FromBytes(bytes);
  TaskTemplate task;
  task.kind = TaskKind::kActorCall;
  task.actor = ObjectId::ForReturn(creation, 0);
  task.method = "m";
  task.options.max_retries = 5;
  task.resources = {{"CPU", ResourceAmount::Of(2)}};
  task.options.timeout_ms = 10;
  const std::vector<ObjectId> contained{ObjectId::ForPut(TaskId(), 2)};
  TaskCall call;
  call.task = &task;
  call.contained = contained;
  const auto encoded = encoder.Encode(call);
  const auto spec = ParseTaskSpec(encoded);
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->kind, TaskKind::kActorCall);
  EXPECT_EQ(spec->actor, creation);
  EXPECT_EQ(spec->options.max_retries, 0) << "what has begun is not repeated";
  EXPECT_EQ(spec->contained, (std::vector<ObjectId>{contained[0], task.actor}));
  EXPECT_EQ(spec->options.timeout_ms, 10u);
  EXPECT_EQ(VerifiedMessage<protocol::TaskSpec>(encoded)->resources(), nullptr);
  EXPECT_EQ(VerifiedMessage<protocol::TaskSpec>(encoded)->method()->str(), "m");
}

// The node verifies alignment, which follows from sizes of what stands before and behind.
TEST(TaskEncoderTest, WhateverIsThereTheNodeReadsIt) {
  TaskEncoder encoder;
  const std::vector<uint8_t> stream(70, 1);
  for (const TaskKind kind : {TaskKind::kFunction, TaskKind::kActorCall}) {
    for (size_t size = 0; size < stream.size(); ++size) {
      for (const size_t ids : {0, 1, 2}) {
        TaskTemplate task;
        task.kind = kind;
        task.name = std::string(size % 13, 'n');
        task.method = std::string(1 + size % 7, 'm');
        task.options.timeout_ms = size % 2;
        ObjectPieces pieces;
        pieces.stream = std::span(stream).first(size);
        const ObjectPlan plan = PlanObject(pieces);
        const std::vector<ObjectId> contained(ids);
        TaskCall call;
        call.task = &task;
        call.args = &pieces;
        call.args_plan = &plan;
        call.contained = contained;
        call.dependencies = contained;
        const Result<TaskSpec> spec = ParseTaskSpec(encoder.Encode(call));
        ASSERT_TRUE(spec.ok()) << spec.status().ToString() << " with " << size << " bytes";
        EXPECT_EQ(spec->contained.size(), ids + (kind == TaskKind::kActorCall ? 1 : 0));
      }
    }
  }
}

TEST(TaskEncoderTest, EncodesACreation) {
  TaskEncoder encoder;
  TaskTemplate task;
  task.kind = TaskKind::kActorCreation;
  task.options.max_concurrency = 8;
  task.actor_name = "name";
  task.actor_info = std::string("in\0fo", 5);
  task.options.max_retries = -1;
  task.options.priority = -3;
  TaskCall call;
  call.task = &task;
  const auto encoded = encoder.Encode(call);
  const auto spec = ParseTaskSpec(encoded);
  ASSERT_TRUE(spec.ok()) << spec.status().ToString();
  EXPECT_EQ(spec->kind, TaskKind::kActorCreation);
  EXPECT_EQ(spec->options.max_concurrency, 8u);
  EXPECT_EQ(spec->actor_name, "name");
  EXPECT_EQ(spec->options.max_retries, -1);
  EXPECT_EQ(spec->options.priority, -3);
  EXPECT_TRUE(spec->resources.empty());
  const auto info = BytesOf(*VerifiedMessage<protocol::TaskSpec>(encoded)->actor_info());
  EXPECT_EQ(std::string(info.begin(), info.end()), task.actor_info);
}

TEST(TaskEncoderTest, ACallNamesTheRunThatSubmitsIt) {
  TaskEncoder encoder;
  TaskTemplate task;
  task.kind = TaskKind::kActorCall;
  const uint8_t actor[16] = {'a'};
  task.actor = ObjectId::ForReturn(TaskId::FromBytes(actor), 0);
  task.method = "step";
  TaskCall call;
  call.task = &task;
  call.run = 7;
  EXPECT_EQ(ParseTaskSpec(encoder.Encode(call))->run, 7u);
}

// The node keeps every byte of a task that waits.
TEST(TaskEncoderTest, AFunctionPaysNothingForActors) {
  TaskEncoder encoder;
  TaskTemplate task;
  TaskCall call;
  call.task = &task;
  call.run = 7;
  const auto* spec = VerifiedMessage<protocol::TaskSpec>(encoder.Encode(call));
  EXPECT_EQ(spec->actor_id(), nullptr);
  EXPECT_EQ(spec->method(), nullptr);
  EXPECT_EQ(spec->actor_name(), nullptr);
  EXPECT_EQ(spec->actor_info(), nullptr);
  EXPECT_EQ(spec->contained(), nullptr);
  EXPECT_EQ(spec->run(), 0u);
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
