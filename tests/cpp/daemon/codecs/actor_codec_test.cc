#include "daemon/codecs/actor_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "daemon/codecs/example_remote_messages.h"

namespace rayx::daemon {
namespace {

namespace remote = node::remote;

// What the other side says to it; "" if it takes it.
template <typename Message>
std::string Heard(const Message& message) {
  const cluster::Message said = EncodeAboutActors(message);
  const auto type = static_cast<protocol::PeerMessageType>(said.type);
  EXPECT_TRUE(IsAboutActors(type));
  std::vector<uint64_t> aligned(said.payload.size() / 8 + 1);
  std::memcpy(aligned.data(), said.payload.span().data(), said.payload.size());
  remote::Message heard;
  const Status status = ReadAboutActors(
      type, {reinterpret_cast<const uint8_t*>(aligned.data()), said.payload.size()}, &heard);
  return status.ok() ? "" : std::string(status.message());
}

// That all fields arrive is tested with those of all messages, in remote_codec_test.cc.
TEST(ActorCodec, WhatNamesNothingIsRefused) {
  const DriverId driver = NumberedId<DriverId>(2);
  const TaskId actor = NumberedId<TaskId>(4);
  EXPECT_EQ(Heard(remote::StopActor{.driver = driver, .actor = actor}), "");
  EXPECT_EQ(Heard(remote::StopActor{.driver = driver, .actor = {}}), "a nil actor");
  EXPECT_EQ(Heard(remote::StopActor{.driver = {}, .actor = actor}), "a nil driver");
  EXPECT_EQ(Heard(remote::ActorMade{.actor = {}}), "a nil actor");
  EXPECT_EQ(Heard(remote::CallEnded{.actor = actor, .call = {}}), "a nil call");
  EXPECT_EQ(Heard(remote::MakeActor{
                .spec = ExampleSpec(TaskKind::kActorCreation), .attempt = 16, .state = ObjectId()}),
            "a nil state");
  EXPECT_EQ(Heard(remote::FindActor{.driver = {}, .number = 1, .name = "bob"}), "a nil driver");
}

TEST(ActorCodec, ALargeResultHasAVersion) {
  remote::Value value = ExampleLargeValue();
  value.version = 0;
  const std::string why = "a large value without a version, or without a size";
  EXPECT_EQ(Heard(remote::ActorMade{.actor = NumberedId<TaskId>(4), .result = value}), why);
  EXPECT_EQ(Heard(remote::CallEnded{
                .actor = NumberedId<TaskId>(4), .call = NumberedId<TaskId>(1), .results = {value}}),
            why);
}

TEST(ActorCodec, WhatWasNotMadeHasNoResult) {
  EXPECT_EQ(Heard(remote::ActorEnded{.actor = NumberedId<TaskId>(4),
                                     .outcome = remote::Outcome::kNotRun,
                                     .result = ExampleInlineValue()}),
            "a result of an actor that was not made, or moves");
}

TEST(ActorCodec, OtherMessagesAreNotAboutActors) {
  EXPECT_FALSE(IsAboutActors(protocol::PeerMessageType::RunTask));
  EXPECT_FALSE(IsAboutActors(protocol::PeerMessageType::KillActor));
  EXPECT_FALSE(IsAboutActors(protocol::PeerMessageType::AskSource));
}

}  // namespace
}  // namespace rayx::daemon
