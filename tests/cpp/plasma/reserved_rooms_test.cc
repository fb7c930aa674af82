#include "plasma/reserved_rooms.h"

#include <gtest/gtest.h>

namespace rayx::plasma {
namespace {

TEST(ReservedRoomsTest, ARoomIsTakenOnceByItsClient) {
  ReservedRooms rooms;
  rooms.Add(ClientId(1), {64, 128});
  EXPECT_EQ(rooms.bytes(), 128u);
  EXPECT_FALSE(rooms.Take(ClientId(2), 64)) << "of another client";
  EXPECT_FALSE(rooms.Take(ClientId(1), 0)) << "elsewhere";
  const std::optional<Extent> room = rooms.Take(ClientId(1), 64);
  ASSERT_TRUE(room);
  EXPECT_EQ(room->size_bytes, 128u);
  EXPECT_FALSE(rooms.Take(ClientId(1), 64));
  EXPECT_EQ(rooms.size(), 0u);
  EXPECT_EQ(rooms.bytes(), 0u);
}

TEST(ReservedRoomsTest, AllOfOneClientAndNoOthers) {
  ReservedRooms rooms;
  rooms.Add(ClientId(2), {0, 64});
  rooms.Add(ClientId(1), {64, 64});
  rooms.Add(ClientId(2), {192, 128});
  rooms.Add(ClientId(3), {128, 64});
  const std::vector<Extent> taken = rooms.TakeAllOf(ClientId(2));
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].offset, 0u);
  EXPECT_EQ(taken[1].offset, 192u);
  EXPECT_EQ(rooms.size(), 2u);
  EXPECT_EQ(rooms.bytes(), 128u);
  EXPECT_TRUE(rooms.TakeAllOf(ClientId(2)).empty());
}

}  // namespace
}  // namespace rayx::plasma
