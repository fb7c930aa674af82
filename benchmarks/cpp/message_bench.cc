// Encoding and verifying the messages that a task costs.
#include <benchmark/benchmark.h>
#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <span>
#include <vector>

#include "common/protocol/generated/messages_generated.h"
#include "common/protocol/task_spec.h"
#include "common/protocol/wire_ids.h"
#include "testing/example_messages.h"

namespace rayx {
namespace {

using protocol::MessageType;

constexpr size_t kArgumentBytes = 64;

// What `f.remote(1, other_id)` sends.
std::span<const uint8_t> EncodeTaskSpec(flatbuffers::FlatBufferBuilder& builder) {
  static const std::vector<uint8_t> kArguments(kArgumentBytes, 7);
  builder.Clear();
  const ObjectId dependency = ExampleId<ObjectId>(4);
  const auto name = builder.CreateString("module.work");
  const auto args = builder.CreateVector(kArguments);
  const auto dependencies = ToWire(builder, {&dependency, 1});
  const TaskId task = ExampleId<TaskId>(1);
  const DriverId driver = ExampleId<DriverId>(2);
  const FunctionId function = ExampleId<FunctionId>(3);
  builder.Finish(protocol::CreateTaskSpec(builder, ToWire(task), ToWire(driver), ToWire(function),
                                          name, args, false, dependencies));
  return {builder.GetBufferPointer(), builder.GetSize()};
}

std::span<const uint8_t> EncodeRunTask(flatbuffers::FlatBufferBuilder& builder,
                                       std::span<const uint8_t> spec) {
  builder.Clear();
  builder.ForceVectorAlignment(spec.size(), 1, 8);
  const auto nested = builder.CreateVector(spec.data(), spec.size());
  builder.Finish(protocol::CreateRunTask(builder, 1, 0, nested));
  return {builder.GetBufferPointer(), builder.GetSize()};
}

std::span<const uint8_t> EncodeTaskDone(flatbuffers::FlatBufferBuilder& builder) {
  static const std::vector<uint8_t> kResult(kArgumentBytes, 7);
  builder.Clear();
  const auto data = builder.CreateVector(kResult);
  const auto result = protocol::CreateResultValue(builder, 0, data);
  const auto results = builder.CreateVector(&result, 1);
  const TaskId task = ExampleId<TaskId>(1);
  builder.Finish(protocol::CreateTaskDone(builder, 1, ToWire(task), results));
  return {builder.GetBufferPointer(), builder.GetSize()};
}

std::span<const uint8_t> EncodeObjectsReady(flatbuffers::FlatBufferBuilder& builder, size_t count) {
  static const std::vector<uint8_t> kValue(kArgumentBytes, 7);
  builder.Clear();
  std::vector<flatbuffers::Offset<protocol::ObjectValue>> values;
  for (size_t i = 0; i < count; ++i) {
    const ObjectId id = ExampleId<ObjectId>(static_cast<uint8_t>(i));
    values.push_back(
        protocol::CreateObjectValue(builder, ToWire(id), builder.CreateVector(kValue)));
  }
  builder.Finish(protocol::CreateObjectsReady(builder, builder.CreateVector(values)));
  return {builder.GetBufferPointer(), builder.GetSize()};
}

template <typename Message>
bool Verify(std::span<const uint8_t> bytes) {
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  return verifier.VerifyBuffer<Message>(nullptr);
}

void TaskSpecEncode(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder builder;
  for (auto _ : state) benchmark::DoNotOptimize(EncodeTaskSpec(builder).data());
}
BENCHMARK(TaskSpecEncode);

void TaskSpecVerify(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder builder;
  const auto bytes = EncodeTaskSpec(builder);
  for (auto _ : state) benchmark::DoNotOptimize(Verify<protocol::TaskSpec>(bytes));
}
BENCHMARK(TaskSpecVerify);

// Verifying and making the value that the cores use.
void TaskSpecParse(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder builder;
  const auto bytes = EncodeTaskSpec(builder);
  for (auto _ : state) benchmark::DoNotOptimize(ParseTaskSpec(bytes).ok());
}
BENCHMARK(TaskSpecParse);

void RunTaskEncode(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder spec_builder;
  flatbuffers::FlatBufferBuilder builder;
  const auto spec = EncodeTaskSpec(spec_builder);
  for (auto _ : state) benchmark::DoNotOptimize(EncodeRunTask(builder, spec).data());
}
BENCHMARK(RunTaskEncode);

void RunTaskVerify(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder spec_builder;
  flatbuffers::FlatBufferBuilder builder;
  const auto bytes = EncodeRunTask(builder, EncodeTaskSpec(spec_builder));
  for (auto _ : state) benchmark::DoNotOptimize(Verify<protocol::RunTask>(bytes));
}
BENCHMARK(RunTaskVerify);

void TaskDoneEncode(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder builder;
  for (auto _ : state) benchmark::DoNotOptimize(EncodeTaskDone(builder).data());
}
BENCHMARK(TaskDoneEncode);

void TaskDoneVerify(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder builder;
  const auto bytes = EncodeTaskDone(builder);
  for (auto _ : state) benchmark::DoNotOptimize(Verify<protocol::TaskDone>(bytes));
}
BENCHMARK(TaskDoneVerify);

void ObjectsReadyEncode(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder builder;
  const auto count = static_cast<size_t>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(EncodeObjectsReady(builder, count).data());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ObjectsReadyEncode)->Arg(1)->Arg(100);

void ObjectsReadyVerify(benchmark::State& state) {
  flatbuffers::FlatBufferBuilder builder;
  const auto bytes = EncodeObjectsReady(builder, static_cast<size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(Verify<protocol::ObjectsReady>(bytes));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ObjectsReadyVerify)->Arg(1)->Arg(100);

}  // namespace
}  // namespace rayx
