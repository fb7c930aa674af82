#include "client/connection/frame_stream.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "common/io/socket.h"
#include "common/shm/shared_memory.h"
#include "testing/open_fds.h"

namespace rayx {
namespace {

class FrameStreamTest : public ::testing::Test {
 protected:
  FrameStreamTest() : pair_(std::move(SocketPair()).value()), stream_(std::move(pair_.first)) {}
  std::pair<ScopedFd, ScopedFd> pair_;
  FrameStream stream_;
};

TEST_F(FrameStreamTest, ReadsFramesAndDescriptors) {
  const ScopedFd memory = std::move(CreateSharedMemory("test", 64)).value();
  std::vector<uint8_t> bytes;
  AppendFrame(5, std::vector<uint8_t>{1, 2, 3}, &bytes);
  AppendFrame(6, {}, &bytes);
  const int fds[] = {memory.get()};
  ASSERT_TRUE(WriteWithFds(pair_.second.get(), bytes, fds).ok());
  EXPECT_TRUE(stream_.Wait(true, false, 1000)->readable);
  ASSERT_TRUE(stream_.ReadSome().ok());
  const auto first = stream_.Next();
  EXPECT_EQ((*first)->type, 5);
  EXPECT_EQ((*first)->payload.size(), 3u);
  EXPECT_EQ((*stream_.Next())->type, 6);
  EXPECT_FALSE(stream_.Next()->has_value());
  EXPECT_EQ(stream_.TakeFds(1)->size(), 1u);
  EXPECT_EQ(stream_.TakeFds(1).status().code(), StatusCode::kProtocolError);
}

TEST_F(FrameStreamTest, DescriptorsThatFindNoRoomAreMissingInTheirFrameOnly) {
  std::vector<uint8_t> bytes;
  AppendFrame(5, {}, &bytes);
  const int fds[] = {0, 0, 0};
  const auto arrive = [&] {
    EXPECT_TRUE(WriteWithFds(pair_.second.get(), bytes, fds).ok());
    EXPECT_TRUE(stream_.ReadSome().ok());
    EXPECT_TRUE(stream_.Next()->has_value());
  };
  const size_t before = OpenFdCount();
  {
    const FewFds few(2);
    arrive();
  }
  EXPECT_EQ(OpenFdCount(), before) << "those that came are closed";
  arrive();
  const auto lost = stream_.TakeFds(3);
  EXPECT_EQ(lost.status().code(), StatusCode::kIoError);
  EXPECT_NE(lost.status().message().find("ulimit -n"), std::string::npos);
  EXPECT_EQ(stream_.TakeFds(3)->size(), 3u);
}

TEST_F(FrameStreamTest, AFrameHasAsManyDescriptorsAsItShall) {
  std::vector<uint8_t> bytes;
  AppendFrame(5, {}, &bytes);
  const int fds[] = {0, 0};
  ASSERT_TRUE(WriteWithFds(pair_.second.get(), bytes, fds).ok());
  ASSERT_TRUE(stream_.ReadSome().ok());
  EXPECT_EQ(stream_.TakeFds(3).status().code(), StatusCode::kProtocolError);
}

TEST_F(FrameStreamTest, KeepsWhatTheSocketDoesNotTake) {
  std::vector<uint8_t> payload(4u << 20);
  std::iota(payload.begin(), payload.end(), uint8_t{0});
  stream_.Queue(9, payload);
  ASSERT_TRUE(stream_.Flush().ok());
  EXPECT_GT(stream_.unsent_bytes(), 0u);
  std::thread writer([&] { EXPECT_TRUE(stream_.SendAll(10, {}).ok()); });
  FrameStream reader(std::move(pair_.second));
  std::vector<uint16_t> types;
  while (types.size() < 2) {
    ASSERT_TRUE(reader.Wait(true, false, 10000)->readable);
    ASSERT_TRUE(reader.ReadSome().ok());
    for (auto frame = reader.Next(); *frame; frame = reader.Next()) {
      if (types.empty()) {
        EXPECT_TRUE(std::equal(payload.begin(), payload.end(), (*frame)->payload.begin()));
      }
      types.push_back((*frame)->type);
    }
  }
  writer.join();
  EXPECT_EQ(types, (std::vector<uint16_t>{9, 10}));
  EXPECT_EQ(stream_.unsent_bytes(), 0u);
}

TEST_F(FrameStreamTest, AClosedPeerIsDisconnected) {
  pair_.second.Reset();
  EXPECT_TRUE(stream_.Wait(true, false, -1)->readable);
  EXPECT_EQ(stream_.ReadSome().code(), StatusCode::kDisconnected);
  EXPECT_EQ(stream_.SendAll(1, {}).code(), StatusCode::kDisconnected);
}

TEST_F(FrameStreamTest, ShutdownWakesTheReaderAndCloseEndsAll) {
  std::thread reader([&] {
    EXPECT_TRUE(stream_.Wait(true, false, -1)->readable);
    EXPECT_EQ(stream_.ReadSome().code(), StatusCode::kDisconnected);
  });
  stream_.Shutdown();
  reader.join();
  stream_.Close();
  EXPECT_EQ(stream_.fd(), -1);
}

TEST_F(FrameStreamTest, NothingArrivesInTime) {
  const auto ready = stream_.Wait(true, true, 0);
  EXPECT_FALSE(ready->readable);
  EXPECT_TRUE(ready->writable);
  EXPECT_TRUE(stream_.ReadSome().ok());
  EXPECT_FALSE(stream_.Next()->has_value());
}

}  // namespace
}  // namespace rayx
