#include "daemon/others/value_fetcher.h"

#include "daemon/others/value_streams_fixture.h"

namespace rayx::daemon {
namespace {

using ValueFetcherTest = ValueStreams;

TEST_F(ValueFetcherTest, ValuesComeOneAfterTheOtherWhole) {
  const auto first = Pattern(700'001, 1);
  const auto second = Pattern(64, 2);
  Give(one_, first);
  Give(two_, second);
  Want(one_, first.size(), {there_});
  Want(two_, second.size(), {there_});
  RunUntil([&] { return taker_.store().IsSealed(one_) && taker_.store().IsSealed(two_); });
  EXPECT_EQ(TakersValueOf(one_), first);
  EXPECT_EQ(TakersValueOf(two_), second);
  EXPECT_EQ(fetcher_.DebugText(),
            "values that are fetched: 0, of which 0 wait for room in the pool\n");
}

TEST_F(ValueFetcherTest, WhoHasItNotIsNotTheLastToBeAsked) {
  const auto value = Pattern(100'000, 3);
  Give(one_, value);
  Want(one_, value.size(), {testing::NumberedId<NodeId>(7), there_});
  RunUntil([&] { return taker_.store().IsSealed(one_); });
  EXPECT_EQ(TakersValueOf(one_), value);
}

TEST_F(ValueFetcherTest, TheCoreIsToldWhatNobodyHas) {
  Want(one_, 1000, {there_});
  // Which wants to have it again: it knows no other place.
  RunUntil([&] { return taker_.pulled.contains(one_); });
}

TEST_F(ValueFetcherTest, AValueOfAnotherSizeIsNotTaken) {
  Give(one_, Pattern(1000, 4));
  Want(one_, 2000, {there_});
  dials_left_ = 1;
  RunUntil([&] { return taker_.pulled.contains(one_); });
  EXPECT_FALSE(taker_.store().IsSealed(one_));
}

TEST_F(ValueFetcherTest, AStreamThatEndsInTheMiddleIsFollowedByAnother) {
  const auto value = Pattern(900'000, 5);
  Give(one_, value);
  Want(one_, value.size(), {there_, there_});
  int turns = 0;
  RunUntil([&] {
    if (++turns == 3) fetcher_.OnNodeGone(there_);
    return taker_.store().IsSealed(one_);
  });
  EXPECT_EQ(TakersValueOf(one_), value);
  EXPECT_LT(dials_left_, 99) << "it was dialled again";
}

TEST_F(ValueFetcherTest, WithoutRoomItWaitsForSome) {
  const auto value = Pattern(600'000, 6);
  const ObjectId filler = testing::ResultOf(3);
  ASSERT_TRUE(taker_.store().Create(kAda, filler, node::NodeRecorder::kPoolBytes - 300'000).ok());
  Give(one_, value);
  Want(one_, value.size(), {there_});
  RunUntil([&] { return fetcher_.NextTickMs().has_value(); });
  EXPECT_FALSE(taker_.store().IsSealed(one_));
  ASSERT_TRUE(taker_.store().Abort(kAda, filler).ok());
  RunUntil([&] { return taker_.store().IsSealed(one_); });
  EXPECT_EQ(TakersValueOf(one_), value);
}

TEST_F(ValueFetcherTest, WhatIsNotNeededAnyMoreIsThrownAway) {
  Give(one_, Pattern(900'000, 7));
  Want(one_, 900'000, {there_});
  taker_.store().RemoveReference(one_);
  RunUntil([&] {
    return fetcher_.DebugText() ==
           "values that are fetched: 0, of which 0 wait for room in the pool\n";
  });
  EXPECT_EQ(taker_.store().Stats().objects, 0u);
}

}  // namespace
}  // namespace rayx::daemon
