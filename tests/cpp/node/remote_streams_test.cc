#include "node/remote_streams.h"

#include <gtest/gtest.h>

#include "node/node_pair.h"

namespace rayx::node {
namespace {

constexpr ClientId kHome{7};
constexpr ClientId kConsumer{8};

TEST(RemoteStreamsTest, ItemsAndCreditsAreTheHomes) {
  RemoteStreams streams;
  streams.Add(TaskNumber(2), kHome);
  EXPECT_EQ(streams.HomeOf(ObjectId::ForStreamItem(TaskNumber(2), 0)), kHome);
  EXPECT_EQ(streams.HomeOf(ObjectId::ForStreamCredit(TaskNumber(2), 5)), kHome);
  EXPECT_TRUE(streams.HomeOf(ResultOf(2)).IsNil()) << "the end is a result as any other";
  EXPECT_TRUE(streams.HomeOf(ObjectId::ForPut(TaskNumber(2), 1)).IsNil());
  EXPECT_TRUE(streams.HomeOf(ObjectId::ForStreamItem(TaskNumber(3), 0)).IsNil());
  streams.OnEndDeleted(TaskNumber(2));
  EXPECT_TRUE(streams.HomeOf(ObjectId::ForStreamItem(TaskNumber(2), 0)).IsNil());
}

TEST(RemoteStreamsTest, WhoTakesItemsHereMayHaveItsTaskHereToo) {
  RemoteStreams streams;
  streams.Add(TaskNumber(2), kHome, kConsumer);
  streams.Add(TaskNumber(2), kHome);
  streams.Add(TaskNumber(3), kHome);
  EXPECT_EQ(streams.Of(kConsumer), std::vector<TaskId>{TaskNumber(2)});
  streams.OnSessionEnded(kHome);
  EXPECT_EQ(streams.size(), 0u);
}

// A stream of the home's driver, with a window of two, that the guest runs.
class RemoteStreamsPairTest : public ::testing::Test {
 protected:
  RemoteStreamsPairTest() {
    nodes_.home().Submit(driver_, Task(2).Stream(2));
    nodes_.home().core().tasks().remote().OnPlace(TaskNumber(2), 1, NodePair::kGuest());
    nodes_.Run();
    worker_ = &nodes_.guest().Started(WorkerNumber(1));
    nodes_.Run();
    nodes_.told();
  }
  void Yield(uint32_t item) {
    const ObjectId id = ObjectId::ForStreamItem(TaskNumber(2), item);
    ASSERT_TRUE(nodes_.guest().core().objects().OnPut(*worker_, id, Bytes("item"), {}).ok());
    const ObjectId released[] = {id};
    ASSERT_TRUE(nodes_.guest().core().objects().OnRelease(*worker_, {}, released).ok());
    nodes_.Run();
  }

  NodePair nodes_;
  Peer& driver_ = nodes_.home().Driver(1);
  Peer* worker_ = nullptr;
};

TEST_F(RemoteStreamsPairTest, ItemsReachWhoTakesThemAndCreditsTheirTask) {
  Yield(0);
  EXPECT_EQ(nodes_.told(), Lines({"objects to c1: t2.1=item"}));
  const ObjectId credit[] = {ObjectId::ForStreamCredit(TaskNumber(2), 0)};
  nodes_.guest().core().objects().OnGet(*worker_, credit, /*pin=*/false, /*fence=*/0);
  EXPECT_EQ(nodes_.Run(), Lines());
  ASSERT_TRUE(nodes_.home().core().objects().OnPut(driver_, credit[0], Bytes("go"), {}).ok());
  const Lines asked = nodes_.Run();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_NE(asked.front().find("=go"), std::string::npos) << asked.front();
}

TEST_F(RemoteStreamsPairTest, WhenNobodyTakesItemsItIsStopped) {
  nodes_.guest().begun = 1;
  nodes_.home().core().tasks().OnConsumerGone(driver_);
  EXPECT_EQ(nodes_.Run(), Lines({"take back from w1", "interrupt w1 as 0"}));
}

TEST_F(RemoteStreamsPairTest, WhatHasYieldedIsNotBegunAgain) {
  Yield(0);
  nodes_.Cut();
  nodes_.home().Turn();
  EXPECT_TRUE(nodes_.home().core().store().IsSealed(ResultOf(2)));
  EXPECT_EQ(nodes_.offers().back(), "withdraw t2");
}

TEST_F(RemoteStreamsPairTest, WhatHasNotYieldedIs) {
  nodes_.Cut();
  nodes_.home().Turn();
  EXPECT_FALSE(nodes_.home().core().store().IsSealed(ResultOf(2)));
  EXPECT_EQ(nodes_.offers().back(), "offer t2 as 2");
}

}  // namespace
}  // namespace rayx::node
