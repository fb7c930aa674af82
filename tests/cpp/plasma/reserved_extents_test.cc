#include "plasma/reserved_extents.h"

#include <gtest/gtest.h>

namespace rayx::plasma {
namespace {

TEST(ReservedExtentsTest, AReservationIsTakenOnceByItsClient) {
  ReservedExtents reservations;
  reservations.Add(ClientId(1), {64, 128});
  EXPECT_EQ(reservations.bytes(), 128u);
  EXPECT_FALSE(reservations.Take(ClientId(2), 64)) << "of another client";
  EXPECT_FALSE(reservations.Take(ClientId(1), 0)) << "elsewhere";
  const std::optional<Extent> extent = reservations.Take(ClientId(1), 64);
  ASSERT_TRUE(extent);
  EXPECT_EQ(extent->size_bytes, 128u);
  EXPECT_FALSE(reservations.Take(ClientId(1), 64));
  EXPECT_EQ(reservations.size(), 0u);
  EXPECT_EQ(reservations.bytes(), 0u);
}

TEST(ReservedExtentsTest, AllOfOneClientAndNoOthers) {
  ReservedExtents reservations;
  reservations.Add(ClientId(2), {0, 64});
  reservations.Add(ClientId(1), {64, 64});
  reservations.Add(ClientId(2), {192, 128});
  reservations.Add(ClientId(3), {128, 64});
  const std::vector<Extent> taken = reservations.TakeAllOf(ClientId(2));
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].offset, 0u);
  EXPECT_EQ(taken[1].offset, 192u);
  EXPECT_EQ(reservations.size(), 2u);
  EXPECT_EQ(reservations.bytes(), 128u);
  EXPECT_TRUE(reservations.TakeAllOf(ClientId(2)).empty());
}

}  // namespace
}  // namespace rayx::plasma
