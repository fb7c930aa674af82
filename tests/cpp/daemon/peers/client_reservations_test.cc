#include "daemon/peers/client_reservations.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <optional>
#include <vector>

#include "common/base/limits.h"

namespace rayx::daemon {
namespace {

constexpr uint64_t kMiB = 1u << 20;
constexpr ClientId kAda(1);

// The client's side is what maps the memory that TakeMemory gives.
class ClientReservationsTest : public testing::Test {
 protected:
  void TearDown() override { store_.SanityCheck(); }
  void Begin(uint64_t size_bytes) {
    ready_.OnCreate(size_bytes);
    ready_.OnCreate(size_bytes);
    Result<ScopedFd> memory = ready_.TakeMemory();
    ASSERT_TRUE(memory.ok() && memory->valid());
    client_ = ReservationWords::Map(memory->get()).value();
  }
  std::vector<uint64_t> TakeAll(uint64_t size_bytes) {
    std::vector<uint64_t> offsets;
    while (const auto reservation = client_->Take(size_bytes))
      offsets.push_back(reservation->offset);
    return offsets;
  }
  Status Put(uint64_t offset, uint64_t size_bytes) {
    const ObjectId id = ObjectId::ForReturn(TaskId(), next_++);
    const Status status = store_.PutReserved(kAda, id, {offset, size_bytes}, {}, true);
    ready_.OnPut(offset);
    return status;
  }

  plasma::ObjectStore store_{256 * kMiB};
  ClientReservations ready_{kAda, &store_};
  std::optional<ReservationWords> client_;
  uint32_t next_ = 0;
};

TEST_F(ClientReservationsTest, TheSecondValueOfASizeBeginsIt) {
  ready_.OnCreate(kMiB);
  EXPECT_FALSE(ready_.TakeMemory()->valid());
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, 0u);
  ready_.OnCreate(kMiB);
  EXPECT_TRUE(ready_.TakeMemory()->valid());
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, 4 * kMiB);
  EXPECT_FALSE(ready_.TakeMemory()->valid()) << "it is passed once";
}

TEST_F(ClientReservationsTest, MemoryThatCouldNotBePassedIsPassedLater) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "UBSan looks at objects through a pipe, for which no descriptor would be left";
#endif
  ready_.OnCreate(kMiB);
  ready_.OnCreate(kMiB);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool passed = ready_.TakeMemory().ok();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(passed) << "no descriptor was left";
  EXPECT_TRUE(ready_.TakeMemory()->valid());
}

TEST_F(ClientReservationsTest, WhatWasFilledIsReplaced) {
  Begin(kMiB);
  for (int i = 0; i < 20; ++i) {
    const auto reservation = client_->Take(kMiB);
    ASSERT_TRUE(reservation);
    ASSERT_TRUE(Put(reservation->offset, kMiB).ok());
  }
  EXPECT_EQ(store_.Stats().sealed_objects, 20u);
  EXPECT_EQ(TakeAll(kMiB).size(), ReservationWords::kReservations);
  EXPECT_TRUE(TakeAll(kMiB).empty()) << "no more until the node knows of those";
}

TEST_F(ClientReservationsTest, AnotherSizeEndsIt) {
  Begin(kMiB);
  ready_.OnCreate(kMiB / 2);
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, 0u);
  EXPECT_TRUE(TakeAll(kMiB).empty());
  ready_.OnCreate(kMiB / 2);
  EXPECT_EQ(TakeAll(kMiB / 2).size(), ReservationWords::kReservations) << "and begins the other";
}

TEST_F(ClientReservationsTest, WhatWasTakenBeforeTheSizeChangedIsStillFilled) {
  Begin(kMiB);
  const auto reservation = client_->Take(kMiB);
  ASSERT_TRUE(reservation);
  ready_.OnCreate(kMiB / 2);
  ready_.OnCreate(kMiB / 2);
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, kMiB + 3 * kMiB / 2);
  ASSERT_TRUE(Put(reservation->offset, kMiB).ok());
  EXPECT_EQ(TakeAll(kMiB / 2).size(), ReservationWords::kReservations);
}

TEST_F(ClientReservationsTest, WhatIsNotTakenGoesBack) {
  Begin(kMiB);
  const auto reservation = client_->Take(kMiB);
  ASSERT_TRUE(reservation);
  EXPECT_TRUE(ready_.TakeBack());
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, kMiB) << "that which the client has";
  EXPECT_TRUE(TakeAll(kMiB).empty());
  EXPECT_FALSE(ready_.TakeBack()) << "there is nothing more";
  ASSERT_TRUE(Put(reservation->offset, kMiB).ok());
  EXPECT_EQ(TakeAll(kMiB).size(), ReservationWords::kReservations)
      << "and there are reservations again";
}

TEST_F(ClientReservationsTest, NothingIsTakenBackFromAClientThatIsGone) {
  Begin(kMiB);
  store_.OnClientGone(kAda);
  (void)ready_.TakeBack();
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, 0u);
}

TEST_F(ClientReservationsTest, FewForLargeValuesAndNoneForVeryLargeOnes) {
  ready_.OnCreate(limits::kReservationBytesMax);
  ready_.OnCreate(limits::kReservationBytesMax);
  EXPECT_EQ(store_.Stats().pool_reserved_bytes, limits::kReadyBytesMax);
  for (const uint64_t size : {limits::kReservationBytesMax + 1, uint64_t{1} << 40, ~uint64_t{0}}) {
    ready_.OnCreate(size);
    ready_.OnCreate(size);
    EXPECT_EQ(store_.Stats().pool_reserved_bytes, 0u) << size;
  }
}

TEST_F(ClientReservationsTest, AShareOfASmallPool) {
  plasma::ObjectStore store(16 * kMiB);
  ClientReservations ready(kAda, &store);
  ready.OnCreate(kMiB / 2);
  ready.OnCreate(kMiB / 2);
  EXPECT_EQ(store.Stats().pool_reserved_bytes, kMiB);
  ready.OnCreate(2 * kMiB);
  ready.OnCreate(2 * kMiB);
  EXPECT_EQ(store.Stats().pool_reserved_bytes, 0u);
}

TEST_F(ClientReservationsTest, AFullPoolHoldsNothingReady) {
  plasma::ObjectStore store(64 * kMiB);
  const ObjectId id = ObjectId::ForReturn(TaskId(), 0);
  ASSERT_TRUE(store.Create(kAda, id, 62 * kMiB + kMiB / 2).ok());
  ClientReservations ready(kAda, &store);
  ready.OnCreate(kMiB);
  ready.OnCreate(kMiB);
  EXPECT_EQ(store.Stats().pool_reserved_bytes, kMiB) << "as much as there is";
}

}  // namespace
}  // namespace rayx::daemon
