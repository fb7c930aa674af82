#include "client/memory/pool_reader.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "client/connection/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

struct CountingFlusher : ReferenceQueue::Flusher {
  void TryFlush() override { ++flushes; }
  int flushes = 0;
};

TEST(PoolReaderTest, PinsGoBackWithTheLastViewEvenAfterTheReader) {
  const ScopedFd fd = std::move(CreateSharedMemory("test", 4096)).value();
  const auto references = std::make_shared<ReferenceQueue>();
  const auto flusher = std::make_shared<CountingFlusher>();
  references->set_flusher(flusher);
  const ObjectId id = ObjectId::ForPut(TaskId(), 1);
  ObjectView view;
  {
    const PoolReader reader(std::move(SharedMapping::Map(fd.get(), 4096, false)).value(), {},
                            references);
    EXPECT_EQ(reader.pool_bytes(), 4096u);
    view = *reader.Pinned(id, 64, 128);
  }
  ObjectView copy = view;
  EXPECT_EQ(copy.bytes().size(), 128u);
  EXPECT_EQ(copy.bytes()[0], 0);
  view = ObjectView();
  EXPECT_TRUE(references->empty());
  copy = ObjectView();
  EXPECT_FALSE(references->empty());
  EXPECT_EQ(flusher->flushes, 1);
}

TEST(PoolReaderTest, NothingOutsideThePool) {
  const ScopedFd fd = std::move(CreateSharedMemory("test", 4096)).value();
  const PoolReader reader(std::move(SharedMapping::Map(fd.get(), 4096, false)).value(), {},
                          std::make_shared<ReferenceQueue>());
  const ObjectId id;
  EXPECT_TRUE(reader.Pinned(id, 0, 4096).ok());
  EXPECT_FALSE(reader.Pinned(id, 0, 4097).ok());
  EXPECT_FALSE(reader.Pinned(id, 4097, 0).ok());
  EXPECT_FALSE(reader.Pinned(id, 64, UINT64_MAX - 10).ok());
  EXPECT_FALSE(reader.Pinned(id, UINT64_MAX - 10, 64).ok());
}

constexpr uint64_t kBytes = PoolReader::kMappedBytesMin;
constexpr uint64_t kPool = kBytes + 8192;

class CopyOnWriteTest : public ::testing::Test {
 protected:
  std::span<const uint8_t> At(uint64_t offset, uint64_t size) {
    view_ = std::move(reader_.Pinned(ObjectId(), offset, size)).value();
    return view_.bytes();
  }

  const ScopedFd fd_ = std::move(CreateSharedMemory("test", kPool)).value();
  const SharedMapping writer_ = std::move(SharedMapping::Map(fd_.get(), kPool, true)).value();
  const PoolReader reader_{std::move(SharedMapping::Map(fd_.get(), kPool, false)).value(),
                           std::move(ReopenReadOnly(fd_.get())).value(),
                           std::make_shared<ReferenceQueue>()};
  ObjectView view_;
};

TEST_F(CopyOnWriteTest, WhatIsWrittenIsSeenByNobodyElse) {
  writer_.data()[4096 + 64] = 7;
  const std::span<const uint8_t> object = At(4096 + 64, kBytes);
  const PrivateBytes mine = std::move(reader_.MapCopyOnWrite(object)).value();
  const PrivateBytes other = std::move(reader_.MapCopyOnWrite(object)).value();
  ASSERT_EQ(mine.bytes.size(), kBytes);
  EXPECT_EQ(mine.bytes[0], 7);
  mine.bytes[0] = 8;
  mine.bytes[kBytes - 1] = 9;
  EXPECT_EQ(object[0], 7);
  EXPECT_EQ(object[kBytes - 1], 0);
  EXPECT_EQ(other.bytes[0], 7);
  EXPECT_EQ(mine.bytes[0], 8);
}

TEST_F(CopyOnWriteTest, RefusesWhatIsSmallOrElsewhere) {
  EXPECT_FALSE(reader_.MapCopyOnWrite(At(0, kBytes - 1)).ok());
  const std::vector<uint8_t> elsewhere(kBytes);
  EXPECT_FALSE(reader_.MapCopyOnWrite(elsewhere).ok());
}

TEST_F(CopyOnWriteTest, RefusesWhenTheSessionHasEndedButKeepsWhatThereIs) {
  const std::span<const uint8_t> object = At(0, kBytes);
  const PrivateBytes mine = std::move(reader_.MapCopyOnWrite(object)).value();
  reader_.CloseFile();
  EXPECT_FALSE(reader_.MapCopyOnWrite(object).ok());
  mine.bytes[0] = 1;
  EXPECT_EQ(mine.bytes[0], 1);
}

}  // namespace
}  // namespace rayx
