#include "daemon/listening/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/frame.h"
#include "common/io/socket.h"
#include "common/os/clock.h"
#include "common/protocol/generated/messages_generated.h"
#include "daemon/test_process.h"
#include "testing/open_fds.h"

namespace rayx::daemon {
namespace {

constexpr auto kHello = static_cast<uint16_t>(protocol::MessageType::Hello);

std::vector<uint8_t> HelloFrame() {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateHello(builder, limits::kProtocolVersion, protocol::Role::Driver));
  std::vector<uint8_t> frame;
  AppendFrame(kHello, {builder.GetBufferPointer(), builder.GetSize()}, &frame);
  return frame;
}

std::vector<uint8_t> Header(uint32_t payload_bytes, uint16_t type, uint16_t zero) {
  const FrameHeader header{payload_bytes, type, zero};
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  return {bytes, bytes + sizeof(header)};
}

class ListenerTest : public testing::Test {
 protected:
  ListenerTest()
      : listener_(&loop_, [this](ScopedFd socket, pid_t pid) {
          EXPECT_EQ(pid, ::getpid());
          taken_.push_back(std::move(socket));
        }) {
    const Status listens = listener_.Listen(path_);
    RAYX_CHECK_MSG(listens.ok(), listens.message());
  }

  ScopedFd Connect() { return std::move(ConnectUnix(path_)).value(); }
  ScopedFd ConnectAndSay(const std::vector<uint8_t>& bytes, std::span<const int> fds = {}) {
    ScopedFd peer = Connect();
    EXPECT_EQ(WriteWithFds(peer.get(), bytes, fds).value(), bytes.size());
    return peer;
  }
  // Runs turns until `done`; false if it lasts too long.
  bool RunUntil(const std::function<bool()>& done) {
    bool late = false;
    const auto limit = loop_.CallAt(loop_.now_ms() + 10'000, [&] {
      late = true;
      loop_.Stop();
    });
    loop_.Run([&] {
      listener_.OnTurn();
      if (done()) loop_.Stop();
      return false;
    });
    return !late;
  }
  // What the listener has counted.
  bool Counts(int peers, int gone, int refused) {
    return listener_.DebugText() == "connections: " + std::to_string(peers) +
                                        " became peers, had gone before: " + std::to_string(gone) +
                                        ", were refused: " + std::to_string(refused) + "\n";
  }
  static bool IsClosed(const ScopedFd& peer) {
    uint8_t byte = 0;
    const ssize_t got = ::recv(peer.get(), &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }

  ScratchDirectory directory_;
  const std::string path_ = directory_.path() + "/node.sock";
  EventLoop loop_;
  std::vector<ScopedFd> taken_;
  Listener listener_;
};

TEST_F(ListenerTest, HandsOverWhoSaysAHelloAndWhoSaysNothingYet) {
  const std::vector<uint8_t> hello = HelloFrame();
  const ScopedFd honest = ConnectAndSay(hello);
  const ScopedFd silent = Connect();
  const ScopedFd slow = ConnectAndSay({hello.begin(), hello.begin() + 11});
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == 3; }));
  EXPECT_TRUE(Counts(3, 0, 0)) << listener_.DebugText();
  // Nothing of it was taken away.
  std::vector<uint8_t> read(hello.size() + 1);
  Result<ReadOutcome> outcome = ReadWithFds(taken_[0].get(), read);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->bytes, hello.size());
  read.resize(hello.size());
  EXPECT_EQ(read, hello);
}

TEST_F(ListenerTest, DescriptorsThatComeWithAHelloStayWithIt) {
  const ScopedFd null_device(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> fds(3, null_device.get());
  const size_t open_before = OpenFdCount();
  const ScopedFd peer = ConnectAndSay(HelloFrame(), fds);
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == 1; }));
  EXPECT_EQ(OpenFdCount(), open_before + 2) << "the two ends, and none that was peeked at";
  std::vector<uint8_t> read(1000);
  EXPECT_EQ(ReadWithFds(taken_[0].get(), read)->fds.size(), fds.size());
}

TEST_F(ListenerTest, JunkIsClosedAtOnceAndNeverHandedOver) {
  std::vector<uint8_t> junk_behind_header = Header(64, kHello, 0);
  junk_behind_header.resize(sizeof(FrameHeader) + 64, 0xa5);
  const std::vector<std::vector<uint8_t>> kinds = {std::vector<uint8_t>(4000, 0xa5),
                                                   junk_behind_header,
                                                   Header(0xffffffff, kHello, 0),
                                                   Header(0, 0, 0x8000),
                                                   Header(0, kHello, 0),
                                                   Header(64, kHello + 1, 0),
                                                   std::vector<uint8_t>(100'000, 0x5a)};
  std::vector<ScopedFd> peers;
  for (const auto& kind : kinds) peers.push_back(ConnectAndSay(kind));
  const int count = static_cast<int>(kinds.size());
  ASSERT_TRUE(RunUntil([&] { return Counts(0, 0, count); })) << listener_.DebugText();
  for (const ScopedFd& peer : peers) EXPECT_TRUE(IsClosed(peer));
  EXPECT_TRUE(taken_.empty());
}

TEST_F(ListenerTest, WhoHasGoneAgainIsNotHandedOverWhateverItSaid) {
  const std::vector<uint8_t> hello = HelloFrame();
  Connect().Reset();
  ConnectAndSay(hello).Reset();
  ConnectAndSay({hello.begin(), hello.begin() + 5}).Reset();
  ConnectAndSay({hello.begin(), hello.end() - 1}).Reset();
  // These would hear an answer, and say no more.
  const ScopedFd half = ConnectAndSay({hello.begin(), hello.end() - 1});
  ::shutdown(half.get(), SHUT_WR);
  const ScopedFd mute = Connect();
  ::shutdown(mute.get(), SHUT_WR);
  ASSERT_TRUE(RunUntil([this] { return Counts(0, 6, 0); })) << listener_.DebugText();
  const ScopedFd whole = ConnectAndSay(hello);
  ::shutdown(whole.get(), SHUT_WR);
  EXPECT_TRUE(RunUntil([this] { return taken_.size() == 1; })) << "it is owed an answer";
}

TEST_F(ListenerTest, AnHonestPeerIsTakenBehindAFullQueueOfJunk) {
  std::vector<ScopedFd> peers;
  for (int i = 0; i < limits::kListenQueue; ++i) {
    peers.push_back(ConnectAndSay(Header(0xffffffff, kHello, 0)));
  }
  const ScopedFd honest = ConnectAndSay(HelloFrame());
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == 1; }));
  EXPECT_TRUE(Counts(1, 0, limits::kListenQueue)) << listener_.DebugText();
}

TEST_F(ListenerTest, AFullQueueOfThoseWhoMayBeHonestIsHeardBeforeAnyOfThemGivesUp) {
  std::vector<ScopedFd> peers;
  for (int i = 0; i < limits::kListenQueue; ++i) peers.push_back(Connect());
  const int64_t began_ms = loop_.now_ms();
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == limits::kListenQueue; }));
  EXPECT_LT(loop_.now_ms() - began_ms, limits::kHelloTimeoutMs);
}

TEST_F(ListenerTest, WhoConnectsDuringAPauseWakesNobody) {
  constexpr int kSleepMs = 30;
  const auto slept_ms = [this] {
    const int64_t began_ms = MonotonicMs();
    loop_.wake_set().Wait(kSleepMs);
    return MonotonicMs() - began_ms;
  };
  const ScopedFd junk = ConnectAndSay(Header(0, kHello, 0));
  EXPECT_LT(slept_ms(), kSleepMs) << "it is watched before";
  ASSERT_TRUE(RunUntil([this] { return Counts(0, 0, 1); }));
  const ScopedFd next = ConnectAndSay(Header(0, kHello, 0));
  EXPECT_GE(slept_ms(), kSleepMs - 1);
  // But it is heard when the pause is over, and then the socket is watched again.
  ASSERT_TRUE(RunUntil([this] { return Counts(0, 0, 2); }));
  const ScopedFd honest = ConnectAndSay(HelloFrame());
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == 1; }));
  const ScopedFd last = Connect();
  EXPECT_LT(slept_ms(), kSleepMs);
}

TEST_F(ListenerTest, WhatIsFoundOutLaterMakesItPauseToo) {
  const ScopedFd peer = Connect();
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == 1; }));
  listener_.OnRefused(::getpid(), Status::ProtocolError("malformed hello"));
  const ScopedFd next = Connect();
  const int64_t began_ms = loop_.now_ms();
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == 2; }));
  EXPECT_GE(loop_.now_ms(), began_ms + limits::kAcceptPauseMs - 1);
}

TEST_F(ListenerTest, OutOfDescriptorsThoseWhoWaitAreTakenLater) {
  if (!kMemoryTells) GTEST_SKIP() << "a sanitizer needs descriptors of its own";
  const ScopedFd first = Connect();
  auto none = std::make_unique<FewFds>(0);
  const auto enough = loop_.CallAt(loop_.now_ms() + 50, [&] { none.reset(); });
  ASSERT_TRUE(RunUntil([this] { return taken_.size() == 1; }));
  EXPECT_EQ(none, nullptr);
}

TEST_F(ListenerTest, AfterTheEndNobodyCanConnect) {
  listener_.Close();
  EXPECT_FALSE(ConnectUnix(path_).ok());
  listener_.OnTurn();
}

}  // namespace
}  // namespace rayx::daemon
