// What a task costs that is sent to another node: its message, encoded there and decoded here.
#include <benchmark/benchmark.h>
#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "daemon/codecs/example_remote_messages.h"
#include "daemon/codecs/remote_codec.h"

namespace rayx::daemon {
namespace {

namespace remote = node::remote;

constexpr size_t kArgumentBytes = 100;

// What `f.remote(argument)` becomes.
remote::RunTask MakeRunTask() {
  flatbuffers::FlatBufferBuilder builder;
  const TaskId task = NumberedId<TaskId>(1);
  const DriverId driver = NumberedId<DriverId>(2);
  const FunctionId function = NumberedId<FunctionId>(3);
  const auto name = builder.CreateString("module.work");
  const auto args = builder.CreateVector(std::vector<uint8_t>(kArgumentBytes, 7));
  builder.Finish(protocol::CreateTaskSpec(builder, ToWire(task), ToWire(driver), ToWire(function),
                                          name, args));
  return {.spec = ParseTaskSpec({builder.GetBufferPointer(), builder.GetSize()}).value(),
          .attempt = 16};
}

remote::TaskEnded MakeTaskEnded() {
  remote::Value result = ExampleInlineValue();
  result.data.assign(kArgumentBytes, 'x');
  result.contained.clear();
  return {.task = NumberedId<TaskId>(1), .attempt = 16, .results = {result}};
}

// As a frame has it.
class Arrived {
 public:
  explicit Arrived(const cluster::Message& message)
      : type_(message.type), bytes_(message.payload.size()), room_(bytes_ / 8 + 1) {
    std::memcpy(room_.data(), message.payload.span().data(), bytes_);
  }
  Result<remote::Message> Decode() const {
    return DecodeRemoteMessage(type_, {reinterpret_cast<const uint8_t*>(room_.data()), bytes_});
  }

 private:
  uint16_t type_;
  size_t bytes_;
  std::vector<uint64_t> room_;
};

void Say(benchmark::State& state, const remote::Message& message) {
  for (auto _ : state) benchmark::DoNotOptimize(Encode(message).payload.size());
  state.counters["bytes"] = static_cast<double>(Encode(message).payload.size());
}
BENCHMARK_CAPTURE(Say, RunTask, MakeRunTask());
BENCHMARK_CAPTURE(Say, TaskEnded, MakeTaskEnded());

void Hear(benchmark::State& state, const remote::Message& message) {
  const Arrived arrived(Encode(message));
  for (auto _ : state) benchmark::DoNotOptimize(arrived.Decode().ok());
}
BENCHMARK_CAPTURE(Hear, RunTask, MakeRunTask());
BENCHMARK_CAPTURE(Hear, TaskEnded, MakeTaskEnded());

}  // namespace
}  // namespace rayx::daemon
