#include "common/shm/reservation_words.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace rayx {
namespace {

using Reservation = ReservationWords::Reservation;

class ReservationWordsTest : public testing::Test {
 protected:
  // The offset of the reservation that the client takes; nothing if there is none.
  std::optional<uint64_t> Take(uint64_t size_bytes) {
    const std::optional<Reservation> reservation = client_.Take(size_bytes);
    return reservation ? std::optional(reservation->offset) : std::nullopt;
  }
  ReservationWords node_ = ReservationWords::Create().value();
  ReservationWords client_ = ReservationWords::Map(node_.fd()).value();
};

TEST_F(ReservationWordsTest, AnOfferedReservationIsTakenOnce) {
  EXPECT_EQ(Take(128), std::nullopt);
  node_.Offer(0, {64, 128});
  node_.Offer(3, {0, 128});
  EXPECT_EQ(Take(128), 64u);
  EXPECT_EQ(Take(128), 0u) << "at the start of the pool";
  EXPECT_EQ(Take(128), std::nullopt);
}

TEST_F(ReservationWordsTest, OnlyForValuesOfItsSize) {
  node_.Offer(1, {640, 128});
  for (const uint64_t size : {uint64_t{1}, uint64_t{64}, uint64_t{129}, ReservationWords::kBytesEnd,
                              ReservationWords::kBytesEnd + 128, ~uint64_t{0}}) {
    EXPECT_EQ(Take(size), std::nullopt) << size;
  }
  EXPECT_EQ(Take(65), 640u) << "rounded up, as the store does";
}

TEST_F(ReservationWordsTest, FarOffsetsAndLargeSizesFit) {
  const uint64_t far = (uint64_t{1} << 44) - 64;
  const uint64_t large = ReservationWords::kBytesEnd - 64;
  node_.Offer(2, {far, large});
  const std::optional<Reservation> reservation = client_.Take(large);
  ASSERT_TRUE(reservation);
  EXPECT_EQ(reservation->offset, far);
  EXPECT_EQ(reservation->size_bytes, large);
}

TEST_F(ReservationWordsTest, WhatIsTakenBackIsNotTaken) {
  node_.Offer(0, {64, 128});
  EXPECT_TRUE(node_.TakeBack(0, {64, 128}));
  EXPECT_EQ(Take(128), std::nullopt);
  EXPECT_FALSE(node_.TakeBack(0, {64, 128})) << "once";
  node_.Offer(0, {192, 128});
  EXPECT_EQ(Take(128), 192u);
  EXPECT_FALSE(node_.TakeBack(0, {192, 128})) << "the client has it";
}

TEST_F(ReservationWordsTest, NonsenseOfTheClientTakesTheReservation) {
  node_.Offer(0, {64, 128});
  Result<SharedMapping> raw = SharedMapping::Map(node_.fd(), 32, true);
  ASSERT_TRUE(raw.ok());
  std::memset(raw->data(), 0xa5, 32);
  EXPECT_FALSE(node_.TakeBack(0, {64, 128}));
  node_.Offer(0, {64, 128});
  EXPECT_EQ(Take(128), 64u) << "the word is right again";
}

// Each reservation goes to one of them: threads of a client that take, and the node that takes
// back.
TEST_F(ReservationWordsTest, EachReservationHasOneTaker) {
  constexpr uint64_t kOffers = 20000;
  std::vector<std::atomic<int>> takers(kOffers);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        if (const std::optional<uint64_t> offset = Take(64)) ++takers[*offset / 64];
      }
    });
  }
  for (uint64_t offer = 0; offer < kOffers; ++offer) {
    const Reservation reservation{offer * 64, 64};
    node_.Offer(offer % ReservationWords::kReservations, reservation);
    if (offer % 3 == 0) std::this_thread::yield();
    if (node_.TakeBack(offer % ReservationWords::kReservations, reservation)) ++takers[offer];
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (uint64_t offer = 0; offer < kOffers; ++offer) ASSERT_EQ(takers[offer], 1) << offer;
}

TEST(ReservationWordsMapTest, WhatIsNoSharedMemoryIsRefused) {
  EXPECT_FALSE(ReservationWords::Map(-1).ok());
  EXPECT_FALSE(ReservationWords::Map(CreateSharedMemory("short", 8).value().get()).ok());
}

}  // namespace
}  // namespace rayx
