#include "scheduler/resources/gpu_slots.h"

#include <gtest/gtest.h>

namespace rayx::scheduler {
namespace {

using Gpus = std::vector<uint32_t>;

TEST(GpuSlots, SharesGoToTheFullestThatHasRoom) {
  GpuSlots slots(ResourceAmount::Of(2));
  EXPECT_EQ(slots.Take(4000), Gpus({0}));
  EXPECT_EQ(slots.Take(7000), Gpus({1}));
  EXPECT_EQ(slots.Take(3000), Gpus({1}));
  EXPECT_EQ(slots.Take(3000), Gpus({0}));
  EXPECT_EQ(slots.Usable(5000), 3000);
  EXPECT_FALSE(slots.HasRoom(5000));
  EXPECT_TRUE(slots.HasRoom(3000));
}

TEST(GpuSlots, WhatIsFreeInSumMayBeInPieces) {
  GpuSlots slots(ResourceAmount::Of(2));
  slots.Take(6000);
  slots.Take(6000);
  EXPECT_FALSE(slots.HasRoom(5000));
  slots.Return({0}, 6000);
  EXPECT_TRUE(slots.HasRoom(10000));
  EXPECT_FALSE(slots.HasRoom(20000));
}

TEST(GpuSlots, WholeOnesAreOnesOwn) {
  GpuSlots slots(ResourceAmount::Of(4));
  EXPECT_EQ(slots.Take(2500), Gpus({0}));
  EXPECT_EQ(slots.Take(20000), Gpus({1, 2}));
  EXPECT_FALSE(slots.HasRoom(20000));
  EXPECT_EQ(slots.Take(10000), Gpus({3}));
  slots.Return({1, 2}, 20000);
  EXPECT_EQ(slots.free(), (std::vector<int64_t>{7500, 10000, 10000, 0}));
  EXPECT_TRUE(slots.Take(0).empty());
}

TEST(GpuSlots, MoreThanOneMustBeWhole) {
  EXPECT_TRUE(GpuSlots::IsServable(2500));
  EXPECT_TRUE(GpuSlots::IsServable(10000));
  EXPECT_FALSE(GpuSlots::IsServable(15000));
  EXPECT_TRUE(GpuSlots::IsServable(30000));
}

TEST(GpuSlots, ANodeWithoutGpusHasRoomForNone) {
  GpuSlots slots{ResourceAmount()};
  EXPECT_TRUE(slots.HasRoom(0));
  EXPECT_FALSE(slots.HasRoom(1));
}

}  // namespace
}  // namespace rayx::scheduler
