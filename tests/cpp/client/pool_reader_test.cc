#include "client/pool_reader.h"

#include <gtest/gtest.h>

#include "client/message.h"
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
    const PoolReader reader(std::move(SharedMapping::Map(fd.get(), 4096, false)).value(),
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
  const PoolReader reader(std::move(SharedMapping::Map(fd.get(), 4096, false)).value(),
                          std::make_shared<ReferenceQueue>());
  const ObjectId id;
  EXPECT_TRUE(reader.Pinned(id, 0, 4096).ok());
  EXPECT_FALSE(reader.Pinned(id, 0, 4097).ok());
  EXPECT_FALSE(reader.Pinned(id, 4097, 0).ok());
  EXPECT_FALSE(reader.Pinned(id, 64, UINT64_MAX - 10).ok());
  EXPECT_FALSE(reader.Pinned(id, UINT64_MAX - 10, 64).ok());
}

}  // namespace
}  // namespace rayx
