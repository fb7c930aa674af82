// Messages between nodes, each with all fields set to values that are not their defaults and differ
// from each other.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/generated/task_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/task_spec.h"
#include "common/protocol/wire_ids.h"
#include "node/remote_messages.h"
#include "testing/task_builder.h"

namespace rayx::daemon {

using testing::NumberedId;

inline ObjectId ObjectNumber(uint64_t number) {
  return ObjectId::ForPut(NumberedId<TaskId>(number), 7);
}
inline NodeId ExampleNode() { return NumberedId<NodeId>(31); }

// What of a TaskSpec a test decides.
struct SpecParts {
  TaskId task = NumberedId<TaskId>(1);
  DriverId driver = NumberedId<DriverId>(2);
  TaskKind kind = TaskKind::kFunction;
  std::string name = "module.work";
  size_t args = 4;
};

inline std::string EncodedSpec(const SpecParts& parts) {
  flatbuffers::FlatBufferBuilder builder;
  const FunctionId function = NumberedId<FunctionId>(3);
  const TaskId actor = NumberedId<TaskId>(4);
  const std::vector<ObjectId> waited = {ObjectNumber(5), ObjectNumber(6)};
  const std::vector<ObjectId> inside = {ObjectNumber(7)};
  const auto name = builder.CreateString(parts.name);
  const auto args = builder.CreateVector(std::vector<uint8_t>(parts.args, 1));
  const auto dependencies = ToWire(builder, waited);
  const auto contained = ToWire(builder, inside);
  const auto gpu = protocol::CreateResourceItem(builder, builder.CreateString("GPU"), 5000);
  const auto resources = builder.CreateVector(&gpu, 1);
  const auto method = builder.CreateString("add");
  const auto actor_name = builder.CreateString("counter");
  const bool is_creation = parts.kind == TaskKind::kActorCreation;
  const auto options = protocol::CreateCallOptions(builder, 5, 3, -4, 1500, 0);
  builder.Finish(protocol::CreateTaskSpec(builder, ToWire(parts.task), ToWire(parts.driver),
                                          ToWire(function), name, args, false, dependencies,
                                          contained, is_creation ? 1 : 2, resources,
                                          static_cast<protocol::TaskKind>(parts.kind),
                                          ToWire(actor), method, actor_name, 0, options, 6));
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}
inline TaskSpec ExampleSpec(TaskKind kind) {
  const std::string encoded = EncodedSpec({.kind = kind});
  return ParseTaskSpec(BytesOf(encoded)).value();
}

inline node::remote::Value ExampleInlineValue() {
  node::remote::Value value;
  value.id = ObjectNumber(11);
  value.is_inline = true;
  value.data = "some bytes";
  value.size_bytes = value.data.size();
  value.contained = {ObjectNumber(12), ObjectNumber(13)};
  return value;
}
inline node::remote::Value ExampleLargeValue() {
  node::remote::Value value;
  value.id = ObjectNumber(14);
  value.size_bytes = uint64_t{1} << 33;
  value.version = 77;
  value.places = {ExampleNode(), NumberedId<NodeId>(32)};
  value.contained = {ObjectNumber(15)};
  return value;
}
inline node::remote::Value ExampleFunctionValue() {
  node::remote::Value value = ExampleInlineValue();
  value.id = ObjectId::ForFunction(NumberedId<FunctionId>(16));
  value.function = node::remote::Function{.driver = NumberedId<DriverId>(2),
                                          .name = "module.other",
                                          .pickled = "\x80\x05 pickled",
                                          .is_recursive = true};
  return value;
}

inline std::vector<node::remote::Message> ExamplesAboutActors() {
  namespace remote = node::remote;
  const DriverId driver = NumberedId<DriverId>(2);
  const TaskId task = NumberedId<TaskId>(1);
  return {
      remote::MakeActor{.spec = ExampleSpec(TaskKind::kActorCreation), .attempt = 96},
      remote::CallActor{.spec = ExampleSpec(TaskKind::kActorCall),
                        .caller = {.node = ExampleNode(), .client = ClientId(22), .run = 6}},
      remote::CallActor{.spec = ExampleSpec(TaskKind::kActorCall),
                        .caller = {.node = {}, .client = ClientId(23), .run = 6}},
      remote::StopActor{
          .driver = driver, .actor = NumberedId<TaskId>(4), .kill = true, .reason = "it was ended"},
      remote::ActorMade{.actor = NumberedId<TaskId>(4),
                        .attempt = 80,
                        .restarts = 2,
                        .result = ExampleInlineValue()},
      remote::ActorMade{.actor = NumberedId<TaskId>(4), .attempt = 80, .restarts = 3},
      remote::ActorEnded{.actor = NumberedId<TaskId>(4),
                         .attempt = 80,
                         .outcome = remote::Outcome::kCrashed,
                         .restarts = 4,
                         .cause = "its worker died",
                         .result = ExampleLargeValue()},
      remote::ActorEnded{
          .actor = NumberedId<TaskId>(4), .attempt = 96, .outcome = remote::Outcome::kNotRun},
      remote::CallEnded{.actor = NumberedId<TaskId>(4),
                        .call = task,
                        .failed = true,
                        .results = {ExampleLargeValue(), ExampleInlineValue()}},
      remote::CallEnded{.actor = NumberedId<TaskId>(4), .call = task},
      remote::ActorSaved{.actor = NumberedId<TaskId>(4), .attempt = 80, .state = ObjectNumber(20)},
      remote::FindActor{.driver = driver, .number = 9, .name = "counter"},
      remote::ActorFound{
          .driver = driver, .number = 9, .creation = ExampleSpec(TaskKind::kActorCreation)},
      remote::ActorFound{.driver = driver, .number = 10}};
}

// At least one of each kind.
inline std::vector<node::remote::Message> ExampleRemoteMessages() {
  namespace remote = node::remote;
  const DriverId driver = NumberedId<DriverId>(2);
  const TaskId task = NumberedId<TaskId>(1);
  std::vector<remote::Message> messages = {
      remote::AddReferences{{ObjectNumber(1), ObjectNumber(2)}},
      remote::RemoveReferences{{ObjectNumber(3)}},
      remote::Announce{.is_pending = true, .value = {.id = ObjectNumber(4)}},
      remote::Announce{.is_pending = false, .value = ExampleInlineValue()},
      remote::Announce{.is_pending = false, .value = ExampleLargeValue()},
      remote::DropCopies{{ObjectNumber(8)}},
      remote::GetObjects{{ObjectNumber(9)}},
      remote::ObjectsReady{{ExampleInlineValue(), ExampleLargeValue(), ExampleFunctionValue()}},
      transfer::AskSource{
          .id = ObjectNumber(17), .number = 5, .failed = ExampleNode(), .has_progressed = true},
      transfer::CopyWhole{.id = ObjectNumber(17), .version = 77},
      transfer::CopyDropped{.id = ObjectNumber(17), .was_whole = true},
      remote::UseSource{.source = {.id = ObjectNumber(17),
                                   .number = 5,
                                   .version = 77,
                                   .size_bytes = uint64_t{1} << 33,
                                   .source = ExampleNode()},
                        .contained = {ObjectNumber(18)}},
      transfer::LeaveSource{.id = ObjectNumber(17), .number = 6},
      transfer::NoSource{.id = ObjectNumber(17), .number = 7},
      remote::DriverInfo{.driver = driver, .config = "sys.path", .setups = {"one", "two"}},
      remote::DrainDriver{driver},
      remote::DriverDrained{driver},
      remote::DriverGone{driver},
      remote::TaskEnded{.task = task,
                        .attempt = 48,
                        .outcome = remote::Outcome::kCrashed,
                        .failed = true,
                        .results = {ExampleInlineValue(), ExampleLargeValue()}},
      remote::TaskEnded{.task = task, .attempt = 64, .outcome = remote::Outcome::kNotRun},
      remote::MakeActor{
          .spec = ExampleSpec(TaskKind::kActorCreation), .attempt = 80, .state = ObjectNumber(19)},
      remote::CancelTask{.driver = driver, .task = task, .force = true},
      remote::KillActor{.driver = driver, .actor = NumberedId<TaskId>(4)},
      remote::MoveActor{.driver = driver, .actor = NumberedId<TaskId>(4)},
      remote::NodeDrains{},
      remote::DrainHeard{},
      remote::TakeOver{{ObjectNumber(17), ObjectNumber(18)}},
      remote::Printed{.driver = driver,
                      .pid = int64_t{1} << 40,
                      .function = "module.work",
                      .is_stderr = true,
                      .text = "a line\nand another one"},
      remote::TaskFailed{.driver = driver,
                         .task = task,
                         .name = "module.work",
                         .kind = "ValueError",
                         .text = "Traceback"}};
  for (remote::Message& message : ExamplesAboutActors()) messages.push_back(std::move(message));
  for (const TaskKind kind :
       {TaskKind::kFunction, TaskKind::kActorCreation, TaskKind::kActorCall}) {
    messages.emplace_back(remote::RunTask{.spec = ExampleSpec(kind), .attempt = 32});
    messages.emplace_back(remote::SubmitTask{.spec = ExampleSpec(kind), .client = ClientId(21)});
  }
  return messages;
}

}  // namespace rayx::daemon
