#include "daemon/codecs/remote_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/generated/remote_generated.h"
#include "daemon/codecs/example_remote_messages.h"
#include "daemon/codecs/message_fields.h"

namespace rayx::daemon {
namespace {

namespace remote = node::remote;
namespace said = protocol::remote;
using Type = protocol::PeerMessageType;

// In memory that is aligned as a frame's is.
Result<remote::Message> Arrived(uint16_t type, std::span<const uint8_t> bytes) {
  std::vector<uint64_t> room(bytes.size() / 8 + 1);
  if (!bytes.empty()) std::memcpy(room.data(), bytes.data(), bytes.size());
  return DecodeRemoteMessage(type, {reinterpret_cast<const uint8_t*>(room.data()), bytes.size()});
}
Result<remote::Message> Arrived(const cluster::Message& message) {
  return Arrived(message.type, message.payload.span());
}
// What the other side says to it; "" if it takes it.
std::string Said(const remote::Message& message) {
  const Result<remote::Message> arrived = Arrived(Encode(message));
  if (arrived.ok()) return "";
  EXPECT_EQ(arrived.status().code(), StatusCode::kProtocolError);
  return std::string(arrived.status().message());
}

// ---- all fields ---------------------------------------------------------------------------------

struct Seen {
  std::set<size_t> said;
  std::vector<std::vector<bool>> messages =
      std::vector<std::vector<bool>>(std::variant_size_v<remote::Message>);
  std::vector<bool> values;
  std::vector<bool> functions;
  std::vector<bool> specs;

  void Note(const remote::Value& value) {
    NoteFields(value, &values);
    if (value.function) NoteFields(*value.function, &functions);
  }
  void Note(const remote::Message& message) {
    std::visit([&](const auto& one) { NoteFields(one, &messages[message.index()]); }, message);
    said.insert(message.index());
    if (const auto* run = std::get_if<remote::RunTask>(&message)) NoteFields(run->spec, &specs);
    if (const auto* ready = std::get_if<remote::ObjectsReady>(&message)) {
      for (const remote::Value& value : ready->values) Note(value);
    }
  }
};

TEST(RemoteCodec, TheExamplesHaveAllFields) {
  Seen seen;
  for (const remote::Message& message : ExampleRemoteMessages()) seen.Note(message);
  const auto expect_all = [](const std::vector<bool>& fields, const std::string& what) {
    for (size_t i = 0; i < fields.size(); ++i) {
      EXPECT_TRUE(fields[i]) << "field " << i << " of " << what << " is in no example";
    }
  };
  for (size_t i = 0; i < seen.messages.size(); ++i) {
    EXPECT_TRUE(seen.said.contains(i)) << "message " << i;
    expect_all(seen.messages[i], "message " + std::to_string(i));
  }
  EXPECT_FALSE(seen.values.empty() || seen.functions.empty());
  expect_all(seen.values, "a value");
  expect_all(seen.functions, "a function");
  expect_all(seen.specs, "a TaskSpec");
}

TEST(RemoteCodec, MessagesArriveAsTheyWereSaid) {
  for (const remote::Message& message : ExampleRemoteMessages()) {
    const cluster::Message encoded = Encode(message);
    const Result<remote::Message> arrived = Arrived(encoded);
    ASSERT_TRUE(arrived.ok()) << arrived.status().message();
    ASSERT_EQ(arrived->index(), message.index());
    std::visit(
        [&](const auto& one) {
          using One = std::decay_t<decltype(one)>;
          EXPECT_TRUE(IsSame(one, std::get<One>(*arrived))) << "message " << encoded.type;
        },
        message);
  }
}

TEST(RemoteCodec, TheTypesAreThoseOfNoOtherMessage) {
  for (const remote::Message& message : ExampleRemoteMessages()) {
    EXPECT_GE(Encode(message).type, 20);
    EXPECT_STRNE(protocol::EnumNamePeerMessageType(static_cast<Type>(Encode(message).type)), "");
  }
}

TEST(RemoteCodec, OptionsAreTheHomesAndAllElseIsTheClients) {
  remote::RunTask run{.spec = ExampleSpec(TaskKind::kFunction), .attempt = 16};
  run.spec.options.max_retries = 2;
  run.spec.options.priority = 9;
  const auto arrived = Arrived(Encode(run));
  ASSERT_TRUE(arrived.ok());
  const TaskSpec& spec = std::get<remote::RunTask>(*arrived).spec;
  EXPECT_EQ(spec.options.max_retries, 2);
  EXPECT_EQ(spec.options.priority, 9);
  EXPECT_EQ(spec.encoded, run.spec.encoded);
  EXPECT_NE(ParseTaskSpec(BytesOf(spec.encoded))->options.max_retries, 2);
  // Also where that is the default.
  run.spec.options = CallOptions();
  EXPECT_EQ(std::get<remote::RunTask>(*Arrived(Encode(run))).spec.options, CallOptions());
}

TEST(RemoteCodec, EmptyListsAndTextsArrive) {
  EXPECT_EQ(Said(remote::AddReferences{}), "");
  EXPECT_EQ(Said(remote::ObjectsReady{}), "");
  EXPECT_EQ(Said(remote::DriverInfo{.driver = NumberedId<DriverId>(1)}), "");
  EXPECT_EQ(Said(remote::Printed{.driver = NumberedId<DriverId>(1)}), "");
  EXPECT_EQ(Said(remote::TaskFailed{.driver = NumberedId<DriverId>(1)}), "");
  // All of a driver.
  EXPECT_EQ(Said(remote::CancelTask{.driver = NumberedId<DriverId>(1), .task = {}}), "");
  // An inline value of no bytes is inline.
  const auto empty =
      Arrived(Encode(remote::ObjectsReady{{{.id = ObjectNumber(1), .is_inline = true}}}));
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(std::get<remote::ObjectsReady>(*empty).values[0].is_inline);
}

// ---- what is refused ----------------------------------------------------------------------------

TEST(RemoteCodec, NonsenseIsNamed) {
  EXPECT_EQ(Arrived(0, {}).status().message(),
            "message 0 None: no message about objects, copies or tasks");
  EXPECT_NE(Arrived(999, {}).status().message().find("999"), std::string::npos);
  for (const remote::Message& message : ExampleRemoteMessages()) {
    const cluster::Message encoded = Encode(message);
    const std::span<const uint8_t> bytes = encoded.payload.span();
    // Wherever it is cut, it is refused, or what is left is read within its bounds.
    for (size_t size = 0; size < bytes.size(); ++size) {
      const auto arrived = Arrived(encoded.type, bytes.first(size));
      if (size >= 8) continue;
      EXPECT_EQ(arrived.status().code(), StatusCode::kProtocolError) << size;
    }
    const Status nothing = Arrived(encoded.type, {}).status();
    EXPECT_NE(nothing.message().find(": malformed"), std::string::npos) << nothing.message();
  }
}

TEST(RemoteCodec, NilIdsAreRefused) {
  const DriverId driver = NumberedId<DriverId>(1);
  const TaskId task = NumberedId<TaskId>(1);
  const ObjectId object = ObjectNumber(1);
  const TaskSpec spec = ExampleSpec(TaskKind::kFunction);
  const auto refuses = [](const remote::Message& message, const std::string& what) {
    EXPECT_NE(Said(message).find(": a nil " + what), std::string::npos)
        << "message " << Encode(message).type << ": " << Said(message);
  };
  refuses(remote::AddReferences{{object, ObjectId()}}, "object");
  refuses(remote::RemoveReferences{{ObjectId()}}, "object");
  refuses(remote::DropCopies{{ObjectId()}}, "object");
  refuses(remote::GetObjects{{ObjectId()}}, "object");
  refuses(remote::Announce{.is_pending = true, .value = {}}, "object");
  refuses(remote::ObjectsReady{{{.id = object}, {.id = ObjectId()}}}, "object");
  refuses(remote::ObjectsReady{{{.id = object, .places = {NodeId()}}}}, "node");
  refuses(remote::ObjectsReady{{{.id = object, .contained = {ObjectId()}}}}, "object in a value");
  remote::Value function = ExampleFunctionValue();
  function.function->driver = DriverId();
  refuses(remote::ObjectsReady{{function}}, "driver");
  refuses(remote::DriverInfo{.driver = {}}, "driver");
  refuses(remote::DrainDriver{.driver = {}}, "driver");
  refuses(remote::DriverDrained{.driver = {}}, "driver");
  refuses(remote::DriverGone{.driver = {}}, "driver");
  refuses(remote::TaskEnded{.task = {}}, "task");
  refuses(remote::CancelTask{.driver = {}, .task = task}, "driver");
  refuses(remote::KillActor{.driver = {}, .actor = task}, "driver");
  refuses(remote::KillActor{.driver = driver, .actor = {}}, "actor");
  refuses(remote::MoveActor{.driver = {}, .actor = task}, "driver");
  refuses(remote::MoveActor{.driver = driver, .actor = {}}, "actor");
  refuses(remote::TakeOver{{ObjectId()}}, "object");
  refuses(remote::Printed{.driver = {}}, "driver");
  refuses(remote::TaskFailed{.driver = {}}, "driver");
  TaskSpec nameless = spec;
  nameless.encoded = EncodedSpec({.task = TaskId(), .driver = driver});
  refuses(remote::RunTask{.spec = nameless}, "task");
  nameless.encoded = EncodedSpec({.task = task, .driver = DriverId()});
  refuses(remote::SubmitTask{.spec = nameless}, "driver");
}

// Each limit: as much is taken, and one more is not.
class RemoteCodecLimits : public ::testing::Test {
 protected:
  template <typename Make>
  void Expect(size_t most, Make make, const std::string& words) {
    EXPECT_EQ(Said(make(most)), "") << words;
    const std::string said = Said(make(most + 1));
    EXPECT_NE(said.find(words), std::string::npos) << said;
  }
  static std::string Text(size_t size) { return std::string(size, 'x'); }

  const DriverId driver_ = NumberedId<DriverId>(1);
  const ObjectId object_ = ObjectNumber(1);
};

TEST_F(RemoteCodecLimits, OfValues) {
  const auto ready = [](remote::Value value) { return remote::ObjectsReady{{std::move(value)}}; };
  Expect(
      limits::kInlineObjectBytesMax,
      [&](size_t size) { return ready({.id = object_, .is_inline = true, .data = Text(size)}); },
      "too large: the inline value");
  Expect(
      limits::kIdsPerMessageMax,
      [&](size_t count) {
        return ready({.id = object_, .contained = std::vector<ObjectId>(count, object_)});
      },
      "too many ids");
  Expect(
      size_t{1} << 48, [&](size_t size) { return ready({.id = object_, .size_bytes = size}); },
      "a size that no value has");
  Expect(
      limits::kFunctionBytesMax,
      [&](size_t size) {
        remote::Value value = ExampleFunctionValue();
        value.function->pickled = Text(size);
        return ready(value);
      },
      "too large: the function");
  Expect(
      limits::kNameBytesMax,
      [&](size_t size) {
        remote::Value value = ExampleFunctionValue();
        value.function->name = Text(size);
        return ready(value);
      },
      "too large: the name");
  Expect(
      limits::kIdsPerMessageMax,
      [&](size_t count) {
        return remote::ObjectsReady{std::vector<remote::Value>(count, {.id = object_})};
      },
      "too many values");
}

TEST_F(RemoteCodecLimits, OfDrivers) {
  Expect(
      limits::kHelloBytesMax,
      [&](size_t size) { return remote::DriverInfo{.driver = driver_, .config = Text(size)}; },
      "too large: the configuration");
  Expect(
      limits::kWorkerSetupsMax,
      [&](size_t count) {
        return remote::DriverInfo{.driver = driver_,
                                  .setups = std::vector<std::string>(count, "run")};
      },
      "too many setups");
  Expect(
      limits::kFunctionBytesMax,
      [&](size_t size) { return remote::DriverInfo{.driver = driver_, .setups = {Text(size)}}; },
      "too large: the setup");
  Expect(
      limits::kNameBytesMax,
      [&](size_t size) { return remote::Printed{.driver = driver_, .function = Text(size)}; },
      "too large: the name");
  Expect(
      limits::kNameBytesMax,
      [&](size_t size) { return remote::TaskFailed{.driver = driver_, .name = Text(size)}; },
      "too large: the name");
  Expect(
      limits::kNameBytesMax,
      [&](size_t size) { return remote::TaskFailed{.driver = driver_, .kind = Text(size)}; },
      "too large: the name");
  Expect(
      limits::kErrorBytesMax,
      [&](size_t size) { return remote::TaskFailed{.driver = driver_, .text = Text(size)}; },
      "too large: the text");
}

TEST_F(RemoteCodecLimits, OfTasks) {
  Expect(
      limits::kReturnsMax,
      [&](size_t count) {
        remote::TaskEnded ended{.task = NumberedId<TaskId>(1)};
        ended.results.assign(count, {.id = object_, .is_inline = true});
        return ended;
      },
      "too many values");
  TaskSpec spec = ExampleSpec(TaskKind::kFunction);
  spec.encoded = EncodedSpec({.args = limits::kTaskSpecBytesMax});
  EXPECT_NE(Said(remote::RunTask{.spec = spec}).find("TaskSpec that is too large"),
            std::string::npos);
  spec.encoded = EncodedSpec({.args = limits::kTaskSpecBytesMax - 4096});
  EXPECT_EQ(Said(remote::SubmitTask{.spec = spec}), "");
  // What the client is held to as well.
  spec.encoded = EncodedSpec({.name = Text(limits::kNameBytesMax + 1)});
  EXPECT_NE(Said(remote::RunTask{.spec = spec}).find("TaskSpec beyond a limit"), std::string::npos);
  spec = ExampleSpec(TaskKind::kFunction);
  spec.options.max_retries = -2;
  EXPECT_NE(Said(remote::RunTask{.spec = spec}).find("max_retries"), std::string::npos);
  spec.encoded = "no TaskSpec";
  EXPECT_NE(Said(remote::RunTask{.spec = spec}).find("malformed TaskSpec"), std::string::npos);
}

TEST(RemoteCodec, WhatDoesNotFitTogetherIsRefused) {
  const ObjectId object = ObjectNumber(1);
  const auto refuses = [](const remote::Message& message, const std::string& words) {
    EXPECT_NE(Said(message).find(words), std::string::npos) << Said(message);
  };
  refuses(remote::Announce{.is_pending = true, .value = {.id = object, .size_bytes = 1}},
          "not there yet");
  refuses(remote::Announce{.is_pending = true, .value = {.id = object, .is_inline = true}},
          "not there yet");
  refuses(remote::ObjectsReady{{{.id = object, .is_inline = true, .places = {ExampleNode()}}}},
          "elsewhere, too");
  refuses(remote::ObjectsReady{{{.id = object, .is_inline = true, .version = 1}}},
          "elsewhere, too");
  refuses(remote::Announce{.is_pending = true, .value = {.id = object, .version = 1}},
          "not there yet");
  refuses(remote::Announce{.value = {.id = object, .size_bytes = 1}}, "without a version");
  refuses(remote::Announce{.value = {.id = object, .version = 1}}, "without a size");
  refuses(remote::TaskEnded{.task = NumberedId<TaskId>(1),
                            .results = {{.id = object, .size_bytes = 1}}},
          "without a version");
  remote::Value function = ExampleFunctionValue();
  function.id = object;
  refuses(remote::ObjectsReady{{function}}, "stands for none");
  const TaskId task = NumberedId<TaskId>(1);
  refuses(remote::TaskEnded{.task = task,
                            .outcome = remote::Outcome::kNotRun,
                            .results = {{.id = object, .is_inline = true}}},
          "has not run");
  refuses(remote::TaskEnded{.task = task, .outcome = static_cast<remote::Outcome>(3)},
          "unknown outcome");
}

TEST(RemoteCodec, ASmallMessageDoesNotSayMuch) {
  // A thousand values, all at the same place in it.
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<uint8_t> bytes(60'000, 'x');
  const ObjectId object = ObjectNumber(1);
  const auto data = builder.CreateVector(bytes);
  const auto value = said::CreateValue(builder, ToWire(object), data);
  const std::vector<flatbuffers::Offset<said::Value>> values(1000, value);
  builder.Finish(said::CreateObjectsReady(builder, builder.CreateVector(values)));
  const Status status = Arrived(static_cast<uint16_t>(Type::ObjectsReady),
                                {builder.GetBufferPointer(), builder.GetSize()})
                            .status();
  EXPECT_NE(status.message().find("more than once"), std::string::npos) << status.message();
}

TEST(RemoteCodec, ATaskSpecThatIsNotAlignedIsRefused) {
  const std::string spec = ExampleSpec(TaskKind::kFunction).encoded;
  size_t refused = 0;
  // With an attempt, all behind it is 4 bytes further on.
  for (const uint32_t attempt : {0, 1}) {
    flatbuffers::FlatBufferBuilder builder;
    const auto bytes =
        builder.CreateVector(reinterpret_cast<const uint8_t*>(spec.data()), spec.size());
    builder.Finish(said::CreateRunTask(builder, bytes, attempt));
    const Status status = Arrived(static_cast<uint16_t>(Type::RunTask),
                                  {builder.GetBufferPointer(), builder.GetSize()})
                              .status();
    if (status.ok()) continue;
    ++refused;
    EXPECT_NE(status.message().find("not aligned"), std::string::npos) << status.message();
  }
  EXPECT_EQ(refused, 1u);
}

TEST(RemoteCodec, ABufferIsNotLargerThanItsMessage) {
  // One allocation that does not grow, and little of it for nothing.
  remote::RunTask run{.spec = ExampleSpec(TaskKind::kFunction), .attempt = 16};
  run.spec.encoded = EncodedSpec({.args = 100});
  EXPECT_LE(Encode(run).payload.size(), run.spec.encoded.size() + 128);
  remote::ObjectsReady ready;
  ready.values.assign(100,
                      {.id = ObjectNumber(1), .is_inline = true, .data = std::string(100, 'x')});
  EXPECT_LE(Encode(ready).payload.size(), 100 * (100 + 96) + 128u);
}

}  // namespace
}  // namespace rayx::daemon
