#include "client/tasks/direct_calls.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <string>
#include <utility>

#include "client/connection/frame_stream.h"
#include "client/fake_node_driver.h"
#include "client/memory/object_memory.h"
#include "common/io/socket.h"
#include "common/protocol/task_spec.h"
#include "common/protocol/wire_ids.h"
#include "testing/open_fds.h"

namespace rayx {
namespace {

using protocol::MessageType;

// A driver with a channel whose worker is the test.
class DirectCallsTest : public FakeNodeDriverTest {
 protected:
  void SetUp() override {
    FakeNodeDriverTest::SetUp();
    plain_.name = "f";
    plain_.resources.Set(kCpu, ResourceAmount::Of(1));
  }
  static TaskTemplate CallOfActor() {
    const uint8_t bytes[16] = {7};
    TaskTemplate call;
    call.kind = TaskKind::kActorCall;
    call.name = "C.m";
    call.method = "m";
    call.actor = ObjectId::ForReturn(TaskId::FromBytes(bytes), 0);
    return call;
  }
  // The node says that it has read so many tasks and setups of the driver, which has room for
  // `spare_fds` descriptors then.
  void OpenLease(uint64_t submitted = 0, uint64_t setups = 0, const TaskId* actor = nullptr,
                 size_t spare_fds = 10) {
    std::vector<int> fds;
    std::optional<ScopedFd> client_end;
    const bool connects = worker_ == nullptr;
    if (connects) {
      auto sockets = SocketPair();
      ASSERT_TRUE(sockets.ok());
      client_end = std::move(sockets->first);
      worker_ = std::make_unique<FrameStream>(std::move(sockets->second));
      fds = {client_end->get(), claims_.fd(), doorbell_.get()};
    }
    claims_.Lend();
    const FewFds few(spare_fds);
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(protocol::CreateLeaseGranted(
        builder, connects, actor != nullptr ? ToWire(*actor) : nullptr, submitted, setups));
    node_.Send(MessageType::LeaseGranted, builder, fds);
    // Behind it, so that the client has read both.
    const ObjectId marker = ObjectId::ForPut(TaskId(), next_marker_++);
    client_->AddLocalReference(marker);
    node_.Store(marker, MakeObject("marker"));
    ASSERT_TRUE(client_->Get({&marker, 1}, 10'000).ok());
    while (node_.pending() > 0) (void)node_.Next();
  }
  ObjectId Submit(const TaskTemplate& task, std::span<const ObjectId> dependencies = {}) {
    const auto ids = client_->Submit(task, nullptr, dependencies);
    EXPECT_TRUE(ids.ok());
    return ids.ok() ? ids->front() : ObjectId();
  }
  // What came over the channel; none if nothing does.
  std::optional<Frame> FromChannel(int64_t timeout_ms = 10'000) {
    while (true) {
      const auto frame = worker_->Next();
      if (!frame.ok() || *frame) return frame.ok() ? *frame : std::nullopt;
      const auto ready = worker_->Wait(true, false, timeout_ms);
      if (!ready.ok() || !ready->readable || !worker_->ReadSome().ok()) return std::nullopt;
    }
  }
  // The number that the channel's task has, which begins then.
  uint32_t Begin() {
    const auto frame = FromChannel();
    if (!frame || frame->type != static_cast<uint16_t>(MessageType::RunTask)) {
      ADD_FAILURE() << "no task came over the channel";
      return 0;
    }
    const auto* run = VerifiedMessage<protocol::RunTask>(frame->payload);
    EXPECT_EQ(claims_.Begin(run->sequence()), ClaimWord::Claim::kOurs);
    claims_.OnHandedOut(run->sequence());
    return run->sequence();
  }
  void Finish(const ObjectId& result, const std::string* value) {
    flatbuffers::FlatBufferBuilder builder;
    flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<protocol::ResultValue>>> results;
    if (value != nullptr) {
      const std::string object = MakeObject(*value);
      const auto data =
          builder.CreateVector(reinterpret_cast<const uint8_t*>(object.data()), object.size());
      results = builder.CreateVector(
          std::vector{protocol::CreateResultValue(builder, result.Index(), data)});
    }
    const TaskId task = result.Task();
    builder.Finish(protocol::CreateTaskDone(builder, 0, ToWire(task), results));
    ASSERT_TRUE(
        worker_->SendAll(static_cast<uint16_t>(MessageType::TaskDone), MessageBytes(builder)).ok());
  }
  std::string Get(const ObjectId& id) {
    const auto views = client_->Get({&id, 1}, 10'000);
    if (!views.ok()) return views.status().ToString();
    const auto parts = ParseObject((*views)[0].bytes());
    return std::string(parts->stream.begin(), parts->stream.end());
  }
  bool IsAvailable(const ObjectId& id) {
    const auto available = client_->Wait({&id, 1}, 1, 0);
    return available.ok() && (*available)[0];
  }
  // The node would not begin to sleep now, or would be woken.
  bool WasRung() {
    const uint32_t before = rings_seen_;
    claims_.doorbell().SleepUntilRung(WakeSet(), 1, &rings_seen_);
    return rings_seen_ != before;
  }

  TaskTemplate plain_;
  ClaimWord claims_ = std::move(ClaimWord::Create()).value();
  ScopedFd doorbell_ = std::move(CreateDoorbell()).value();
  std::unique_ptr<FrameStream> worker_;
  uint32_t rings_seen_ = 0;
  uint32_t next_marker_ = 1;
  uint64_t submitted_ = 0;
};

TEST_F(DirectCallsTest, ATaskAndItsResultGoOverTheChannel) {
  OpenLease();
  const std::string values[] = {"one", "two", "three"};
  for (uint32_t i = 0; i < 3; ++i) {
    const ObjectId result = Submit(plain_);
    EXPECT_EQ(Begin(), i);
    const FakeNode::Received told = node_.Next();
    ASSERT_EQ(told.type, MessageType::TaskGiven);
    const auto& run = told.As<protocol::RunTask>();
    EXPECT_EQ(run.sequence(), i);
    const auto spec = ParseTaskSpec(BytesOf(*run.spec()));
    ASSERT_TRUE(spec.ok());
    EXPECT_EQ(spec->ReturnId(0), result);
    Finish(result, &values[i]);
    EXPECT_EQ(Get(result), values[i]);
    EXPECT_EQ(node_.pending(), 0u) << "the node is not asked";
  }
}

TEST_F(DirectCallsTest, WithoutRoomForItsDescriptorsThereIsNoChannel) {
  OpenLease(0, 0, nullptr, /*spare_fds=*/2);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  EXPECT_FALSE(FromChannel().has_value()) << "the worker's end is closed";
  OpenLease(/*submitted=*/1);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask) << "nor is it opened without them";
  worker_.reset();
  OpenLease(/*submitted=*/2);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven);
}

TEST_F(DirectCallsTest, TheNodeIsWokenOnlyIfSomebodyWaitsForIt) {
  OpenLease();
  (void)WasRung();
  const ObjectId result = Submit(plain_);
  EXPECT_FALSE(WasRung());
  ASSERT_TRUE(client_->Cancel(result, false).ok());
  EXPECT_TRUE(WasRung());
}

TEST_F(DirectCallsTest, WhoeverWatchesTheDescriptorSeesTheChannel) {
  OpenLease();
  const ObjectId result = Submit(plain_);
  (void)Begin();
  pollfd entry{client_->fd(), POLLIN, 0};
  ASSERT_EQ(::poll(&entry, 1, 0), 0);
  const std::string value = "there";
  Finish(result, &value);
  ASSERT_EQ(::poll(&entry, 1, 10'000), 1);
  ASSERT_TRUE(client_->Poll().ok());
  ASSERT_EQ(::poll(&entry, 1, 0), 0);
  EXPECT_TRUE(IsAvailable(result));
}

TEST_F(DirectCallsTest, ASecondTaskGoesToTheNodeAndEndsTheUse) {
  OpenLease();
  const ObjectId first = Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  (void)Begin();
  const std::string value = "late";
  Finish(first, &value);
  EXPECT_EQ(Get(first), value);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask) << "until it is opened again";
  OpenLease(/*submitted=*/2);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven);
}

TEST_F(DirectCallsTest, ALineThatWasOpenedBeforeATaskArrivedIsNotUsed) {
  (void)Submit(plain_);
  OpenLease(/*submitted=*/0);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
}

TEST_F(DirectCallsTest, AWorkerThatLacksASetupIsNotUsed) {
  const std::vector<uint8_t> pickled(10, 1);
  ASSERT_TRUE(client_->AddWorkerSetup(pickled).ok());
  OpenLease(0, /*setups=*/0);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  OpenLease(1, /*setups=*/1);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven);
}

TEST_F(DirectCallsTest, WhatALineDoesNotTakeGoesToTheNode) {
  const auto goes_to = [this](const TaskTemplate& task, const ObjectPieces* args,
                              std::span<const ObjectId> dependencies) {
    OpenLease(submitted_);
    EXPECT_TRUE(client_->Submit(task, args, dependencies).ok());
    ++submitted_;
    return node_.Next().type;
  };
  const ObjectId other = ObjectId::ForPut(TaskId(), 900);
  EXPECT_EQ(goes_to(plain_, nullptr, {&other, 1}), MessageType::SubmitTask);
  ObjectPieces holder;
  holder.contained = {other};
  EXPECT_EQ(goes_to(plain_, &holder, {}), MessageType::SubmitTask);
  TaskTemplate task = plain_;
  task.resources.Set(kCpu, ResourceAmount::Of(2));
  EXPECT_EQ(goes_to(task, nullptr, {}), MessageType::SubmitTask);
  task = plain_;
  task.options.priority = 1;
  EXPECT_EQ(goes_to(task, nullptr, {}), MessageType::SubmitTask);
  task = plain_;
  task.options.timeout_ms = 5;
  EXPECT_EQ(goes_to(task, nullptr, {}), MessageType::SubmitTask);
  task = plain_;
  task.options.stream_window = 4;
  EXPECT_EQ(goes_to(task, nullptr, {}), MessageType::SubmitTask);
  task = plain_;
  task.kind = TaskKind::kActorCreation;
  EXPECT_EQ(goes_to(task, nullptr, {}), MessageType::SubmitTask);
  task.kind = TaskKind::kActorCall;
  task.method = "m";
  const uint8_t bytes[16] = {7};
  task.actor = ObjectId::ForReturn(TaskId::FromBytes(bytes), 0);
  EXPECT_EQ(goes_to(task, nullptr, {}), MessageType::SubmitTask);
}

TEST_F(DirectCallsTest, TheLineOfAnActorTakesItsCallsOnly) {
  const TaskTemplate call = CallOfActor();
  const TaskId actor = call.actor.Task();
  OpenLease(0, 0, &actor);
  (void)Submit(call);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven);
  (void)Begin();
  OpenLease(0, 0, &actor);
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
}

TEST_F(DirectCallsTest, ACallAfterAKillGoesTheWayOfTheKill) {
  const TaskTemplate call = CallOfActor();
  const TaskId actor = call.actor.Task();
  OpenLease(0, 0, &actor);
  ASSERT_TRUE(client_->KillActor(call.actor).ok());
  (void)Submit(call);
  EXPECT_EQ(node_.Next().type, MessageType::KillActor);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
  // Opened before the node has read of the end.
  OpenLease(1, 0, &actor);
  (void)Submit(call);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
}

TEST_F(DirectCallsTest, ALineOutlivesTheEndOfAnotherActor) {
  OpenLease();
  const uint8_t bytes[16] = {7};
  ASSERT_TRUE(client_->KillActor(ObjectId::ForReturn(TaskId::FromBytes(bytes), 0)).ok());
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::KillActor);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven);
}

TEST_F(DirectCallsTest, ALargeResultComesFromTheNode) {
  OpenLease();
  const ObjectId result = Submit(plain_);
  (void)Begin();
  Finish(result, nullptr);
  EXPECT_FALSE(IsAvailable(result));
  node_.PushInline(result, MakeObject("from the node"));
  EXPECT_EQ(Get(result), "from the node");
  while (node_.pending() > 0) (void)node_.Next();
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven) << "the channel is free again";
}

TEST_F(DirectCallsTest, WhenTheLineIsLostTheNodeIsAsked) {
  OpenLease();
  const ObjectId result = Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::TaskGiven);
  node_.Store(result, MakeObject("tried again"));
  worker_.reset();
  EXPECT_EQ(Get(result), "tried again");
  const FakeNode::Received asked = node_.Next();
  ASSERT_EQ(asked.type, MessageType::GetObjects);
  EXPECT_EQ(FromWire(asked.As<protocol::GetObjects>().ids()), std::vector<ObjectId>{result});
  (void)Submit(plain_);
  EXPECT_EQ(node_.Next().type, MessageType::SubmitTask);
}

TEST_F(DirectCallsTest, NobodyAsksForWhatNobodyWants) {
  OpenLease();
  const ObjectId result = Submit(plain_);
  client_->RemoveLocalReference(result);
  worker_.reset();
  ASSERT_TRUE(client_->Poll().ok());
  ASSERT_TRUE(client_->Ask("Resources", {}, 10'000).ok());
  while (node_.pending() > 0) EXPECT_NE(node_.Next().type, MessageType::GetObjects);
}

TEST_F(DirectCallsTest, ANewLineReplacesOneInUse) {
  OpenLease();
  const ObjectId result = Submit(plain_);
  const std::unique_ptr<FrameStream> old = std::move(worker_);
  claims_ = std::move(ClaimWord::Create()).value();
  node_.Store(result, MakeObject("asked for"));
  OpenLease();
  EXPECT_EQ(Get(result), "asked for");
  (void)Submit(plain_);
  EXPECT_EQ(Begin(), 0u);
}

TEST_F(DirectCallsTest, NonsenseEndsTheLineAlone) {
  const std::string value = "x";
  for (int kind = 0; kind < 3; ++kind) {
    SCOPED_TRACE(kind);
    worker_.reset();
    claims_ = std::move(ClaimWord::Create()).value();
    OpenLease(submitted_);
    const ObjectId result = Submit(plain_);
    (void)Begin();
    node_.Store(result, MakeObject("right"));
    if (kind == 0) Finish(ObjectId::ForReturn(TaskId(), 0), &value);  // of another task
    if (kind == 1) {
      const std::vector<uint8_t> junk(64, 0xff);
      ASSERT_TRUE(worker_->SendAll(static_cast<uint16_t>(MessageType::TaskDone), junk).ok());
    }
    if (kind == 2) {
      flatbuffers::FlatBufferBuilder builder;
      builder.Finish(protocol::CreateExitWorker(builder));
      ASSERT_TRUE(
          worker_->SendAll(static_cast<uint16_t>(MessageType::ExitWorker), MessageBytes(builder))
              .ok());
    }
    EXPECT_EQ(Get(result), "right");
    EXPECT_FALSE(FromChannel().has_value()) << "it is closed";
  }
}

TEST_F(DirectCallsTest, AResultBeyondThoseOfTheTaskIsIgnored) {
  OpenLease();
  const ObjectId result = Submit(plain_);
  (void)Begin();
  const std::string value = "x";
  Finish(ObjectId::ForReturn(result.Task(), 5), &value);
  ASSERT_TRUE(client_->Poll().ok());
  EXPECT_FALSE(IsAvailable(result));
}

}  // namespace
}  // namespace rayx
