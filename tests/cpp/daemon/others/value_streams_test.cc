#include "daemon/others/value_streams.h"

#include "daemon/others/value_streams_fixture.h"

namespace rayx::daemon {
namespace {

using ValueStreamsTest = ValueStreamsFixture;

TEST_F(ValueStreamsTest, ValuesComeBesideEachOtherWhole) {
  const auto first = Pattern(2'700'001, 1);
  const auto second = Pattern(64, 2);
  Give(one_, first);
  Give(two_, second);
  Want(one_);
  Want(two_);
  RunUntil([&] { return IsHere(one_) && IsHere(two_); });
  EXPECT_EQ(TakersValueOf(one_), first);
  EXPECT_EQ(TakersValueOf(two_), second);
  EXPECT_EQ(dials_, 1);
  EXPECT_EQ(taker_.remote().copies().DebugText().find("values that are pulled: 0"), 0u);
}

TEST_F(ValueStreamsTest, AStreamThatEndsInTheMiddleIsFollowedByAnother) {
  const auto value = Pattern(5'000'000, 5);
  Give(one_, value);
  Want(one_);
  int turns = 0;
  RunUntil([&] {
    if (++turns % 4 == 0 && turns < 20) taker_.values.OnNodeGone(giver_.id);
    return IsHere(one_);
  });
  EXPECT_EQ(TakersValueOf(one_), value);
  EXPECT_GT(dials_, 1) << "it was dialled again";
}

TEST_F(ValueStreamsTest, WhoCannotBeReachedIsTriedAgain) {
  const auto value = Pattern(100'000, 3);
  Give(one_, value);
  Want(one_);
  is_reachable_ = false;
  RunUntil([&] { return dials_ > 2; });
  is_reachable_ = true;
  RunUntil([&] { return IsHere(one_); });
  EXPECT_EQ(TakersValueOf(one_), value);
}

TEST_F(ValueStreamsTest, WithoutRoomItWaitsForSome) {
  const auto value = Pattern(600'000, 6);
  const ObjectId filler = testing::ResultOf(3);
  ASSERT_TRUE(taker_.store().Create(kAda, filler, kPoolBytes - 300'000).ok());
  Give(one_, value);
  Want(one_);
  RunUntil([&] { return taker_.recorder.core().NextTickMs().has_value(); });
  EXPECT_FALSE(IsHere(one_));
  ASSERT_TRUE(taker_.store().Abort(kAda, filler).ok());
  RunUntil([&] { return IsHere(one_); });
  EXPECT_EQ(TakersValueOf(one_), value);
}

TEST_F(ValueStreamsTest, WhatIsNotNeededAnyMoreIsLeft) {
  Give(one_, Pattern(7'000'000, 7));
  Want(one_);
  RunUntil([&] { return dials_ == 1; });
  ASSERT_TRUE(taker_.store().RemoveClientReference(kAda, one_).ok());
  RunUntil(
      [&] { return taker_.remote().copies().empty() && giver_.store().Stats().pinned_bytes == 0; });
  EXPECT_EQ(taker_.store().Stats().objects, 0u);
  EXPECT_EQ(taker_.store().Stats().pool_used_bytes, 0u);
}

}  // namespace
}  // namespace rayx::daemon
