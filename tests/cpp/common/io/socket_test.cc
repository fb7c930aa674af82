#include "common/io/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "testing/open_fds.h"

namespace rayx {
namespace {

class SocketTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/rayx_socket_test_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string directory_;
};

bool IsCloseOnExec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }
bool IsNonBlocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

// Connects, accepts, and sends one byte each way.
void ExpectTalk(int listener, const std::string& path) {
  Result<ScopedFd> client = ConnectUnix(path);
  ASSERT_TRUE(client.ok()) << client.status().ToString();
  Result<ScopedFd> server = AcceptUnix(listener);
  ASSERT_TRUE(server.ok());
  ASSERT_TRUE(server->valid());
  EXPECT_TRUE(IsCloseOnExec(client->get()));
  EXPECT_TRUE(IsCloseOnExec(server->get()));
  EXPECT_FALSE(IsNonBlocking(client->get()));
  EXPECT_TRUE(IsNonBlocking(server->get()));
  EXPECT_EQ(::write(client->get(), "x", 1), 1);
  uint8_t byte = 0;
  Result<ReadOutcome> outcome = ReadWithFds(server->get(), {&byte, 1});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->bytes, 1u);
  Result<PeerCredentials> credentials = GetPeerCredentials(server->get());
  ASSERT_TRUE(credentials.ok());
  EXPECT_EQ(credentials->pid, ::getpid());
  EXPECT_EQ(credentials->uid, ::getuid());
}

TEST_F(SocketTest, ListenConnectAccept) {
  const std::string path = directory_ + "/node.sock";
  Result<ScopedFd> listener = ListenUnix(path, 8);
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  EXPECT_TRUE(IsCloseOnExec(listener->get()));
  Result<ScopedFd> none = AcceptUnix(listener->get());
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->valid());
  ExpectTalk(listener->get(), path);
}

TEST_F(SocketTest, S7_ModeDoesNotDependOnTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0777}}) {
    const std::string path = directory_ + "/mask" + std::to_string(mask);
    const mode_t before = ::umask(mask);
    Result<ScopedFd> listener = ListenUnix(path, 8);
    ::umask(before);
    ASSERT_TRUE(listener.ok());
    struct stat status;
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, mode_t{0600}) << "umask " << mask;
  }
}

TEST_F(SocketTest, DeepDirectoriesWork) {
  std::string deep = directory_;
  for (int i = 0; i < 4; ++i) deep += "/" + std::string(60, 'd');
  ASSERT_TRUE(std::filesystem::create_directories(deep));
  const std::string path = deep + "/node.sock";
  ASSERT_GT(path.size(), 200u);
  const size_t fds = OpenFdCount();
  Result<ScopedFd> listener = ListenUnix(path, 8);
  ASSERT_TRUE(listener.ok()) << listener.status().ToString();
  EXPECT_TRUE(std::filesystem::is_socket(path));
  ExpectTalk(listener->get(), path);
  listener->Reset();
  EXPECT_EQ(OpenFdCount(), fds);
}

TEST_F(SocketTest, PathsThatCannotWorkAreRefused) {
  EXPECT_EQ(ListenUnix("", 8).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(ListenUnix(directory_ + "/" + std::string(120, 'n'), 8).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(ListenUnix(std::string("/tmp/a\0b", 8), 8).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(ListenUnix(directory_ + "/none/x.sock", 8).status().code(), StatusCode::kIoError);
  EXPECT_EQ(ConnectUnix(directory_ + "/none.sock").status().code(), StatusCode::kIoError);
}

TEST_F(SocketTest, PathInUseIsRefusedAndKept) {
  const std::string path = directory_ + "/node.sock";
  Result<ScopedFd> listener = ListenUnix(path, 8);
  ASSERT_TRUE(listener.ok());
  EXPECT_EQ(ListenUnix(path, 8).status().code(), StatusCode::kIoError);
  ExpectTalk(listener->get(), path);
}

class SocketPairTest : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = SocketPair();
    ASSERT_TRUE(pair.ok());
    a_ = std::move(pair->first);
    b_ = std::move(pair->second);
  }
  ScopedFd a_;
  ScopedFd b_;
  uint8_t room_[64] = {};
  const uint8_t byte_[1] = {42};
};

TEST_F(SocketPairTest, PeekingTakesNothing) {
  PeekOutcome seen = PeekAt(b_.get(), room_);
  EXPECT_EQ(seen.bytes, 0u);
  EXPECT_FALSE(seen.gone || seen.ends);
  const std::vector<int> fds = {a_.get()};
  ASSERT_EQ(*WriteWithFds(a_.get(), std::vector<uint8_t>{1, 2, 3}, fds), 3u);
  const size_t open_before = OpenFdCount();
  for (int i = 0; i < 2; ++i) {
    seen = PeekAt(b_.get(), room_);
    EXPECT_EQ(seen.bytes, 3u);
    EXPECT_EQ(room_[2], 3);
    EXPECT_FALSE(seen.gone || seen.ends);
  }
  EXPECT_EQ(PeekAt(b_.get(), std::span(room_).first(2)).bytes, 2u);
  EXPECT_EQ(OpenFdCount(), open_before);
  Result<ReadOutcome> outcome = ReadWithFds(b_.get(), room_);
  EXPECT_EQ(outcome->bytes, 3u);
  EXPECT_EQ(outcome->fds.size(), 1u);
}

TEST_F(SocketPairTest, PeekingTellsWhetherThePeerGoesOn) {
  ASSERT_EQ(*WriteWithFds(a_.get(), byte_, {}), 1u);
  ASSERT_EQ(::shutdown(a_.get(), SHUT_WR), 0);
  PeekOutcome seen = PeekAt(b_.get(), room_);
  EXPECT_EQ(seen.bytes, 1u);
  EXPECT_TRUE(seen.ends);
  EXPECT_FALSE(seen.gone) << "it may still read";
  a_.Reset();
  seen = PeekAt(b_.get(), room_);
  EXPECT_EQ(seen.bytes, 1u) << "what it has said stays";
  EXPECT_TRUE(seen.ends && seen.gone);
}

TEST_F(SocketPairTest, OutcomesOfReading) {
  ASSERT_TRUE(SetNonBlocking(b_.get(), true).ok());
  EXPECT_TRUE(ReadWithFds(b_.get(), room_)->would_block);
  ASSERT_EQ(*WriteWithFds(a_.get(), byte_, {}), 1u);
  Result<ReadOutcome> outcome = ReadWithFds(b_.get(), room_);
  EXPECT_EQ(outcome->bytes, 1u);
  EXPECT_FALSE(outcome->would_block);
  a_.Reset();
  outcome = ReadWithFds(b_.get(), room_);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->bytes, 0u);
  EXPECT_FALSE(outcome->would_block);
}

TEST_F(SocketPairTest, UnreadBytesOfOursMakeThePeersEndAReset) {
  ASSERT_EQ(*WriteWithFds(b_.get(), byte_, {}), 1u);
  a_.Reset();
  EXPECT_EQ(ReadWithFds(b_.get(), room_).status().code(), StatusCode::kDisconnected);
}

TEST_F(SocketPairTest, WritingToNobodyIsDisconnectedNotASignal) {
  b_.Reset();
  EXPECT_EQ(WriteWithFds(a_.get(), byte_, {}).status().code(), StatusCode::kDisconnected);
}

// Whoever reads it knows no names of calls, and wants to know what to look at.
TEST(ConnectionFailureTest, WhatTheNetworkDoesNotReachIsToldInWords) {
  EXPECT_EQ(ConnectionFailure("recvmsg", ECONNREFUSED).code(), StatusCode::kNotFound);
  for (const int error : {EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN, ETIMEDOUT}) {
    const Status told = ConnectionFailure("recvmsg", error);
    EXPECT_EQ(told.code(), StatusCode::kUnavailable);
    EXPECT_EQ(told.message().find("recvmsg"), std::string::npos) << told.message();
    EXPECT_NE(told.message().find("?"), std::string::npos) << told.message();
    EXPECT_NE(told.message().find(std::strerror(error)), std::string::npos) << told.message();
  }
  EXPECT_EQ(ConnectionFailure("recvmsg", ENOMEM).ToString(),
            Status::FromErrno("recvmsg", ENOMEM).ToString());
}

TEST_F(SocketPairTest, FullSocketTakesNothing) {
  ASSERT_TRUE(SetNonBlocking(a_.get(), true).ok());
  const std::vector<uint8_t> large(1 << 20);
  size_t sum = 0;
  while (true) {
    Result<size_t> written = WriteWithFds(a_.get(), large, {});
    ASSERT_TRUE(written.ok());
    if (*written == 0) break;
    sum += *written;
  }
  EXPECT_GT(sum, 0u);
}

TEST_F(SocketPairTest, DescriptorsArriveCloseOnExec) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const ScopedFd read_end(ends[0]);
  const ScopedFd write_end(ends[1]);
  ASSERT_EQ(*WriteWithFds(a_.get(), byte_, ends), 1u);
  Result<ReadOutcome> outcome = ReadWithFds(b_.get(), room_);
  ASSERT_TRUE(outcome.ok());
  ASSERT_EQ(outcome->fds.size(), 2u);
  for (const ScopedFd& fd : outcome->fds) EXPECT_TRUE(IsCloseOnExec(fd.get()));
  ASSERT_EQ(::write(outcome->fds[1].get(), "y", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
}

TEST_F(SocketPairTest, AsManyDescriptorsAsAllowedArrive) {
  const size_t before = OpenFdCount();
  const int fds[kFdsPerReadMax] = {0, 0, 0, 0, 0, 0, 0, 0};
  ASSERT_EQ(*WriteWithFds(a_.get(), byte_, fds), 1u);
  {
    Result<ReadOutcome> outcome = ReadWithFds(b_.get(), room_);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->fds.size(), kFdsPerReadMax);
  }
  EXPECT_EQ(OpenFdCount(), before);
}

TEST_F(SocketPairTest, DescriptorsThatFindNoRoomAreLostAndTheBytesAreNot) {
  const size_t before = OpenFdCount();
  const int fds[] = {0, 0, 0};
  ASSERT_EQ(*WriteWithFds(a_.get(), byte_, fds), 1u);
  {
    const FewFds few(2);
    const Result<ReadOutcome> outcome = ReadWithFds(b_.get(), room_);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_EQ(outcome->bytes, 1u);
    EXPECT_TRUE(outcome->lost_fds);
    EXPECT_TRUE(outcome->fds.empty());
  }
  EXPECT_EQ(OpenFdCount(), before);
}

void Ignore(int) {}

TEST_F(SocketPairTest, SignalInterruptsOnlyWhoAskedForIt) {
  struct sigaction action {};
  struct sigaction old {};
  action.sa_handler = Ignore;
  ::sigaction(SIGUSR1, &action, &old);
  // The child interrupts again and again until it may stop; so there is no moment to miss.
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    while (::getppid() == parent) {
      ::kill(parent, SIGUSR1);
      ::poll(nullptr, 0, 1);
    }
    ::_exit(0);
  }
  EXPECT_EQ(ReadWithFds(a_.get(), room_, true).status().code(), StatusCode::kInterrupted);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::sigaction(SIGUSR1, &old, nullptr);
}

}  // namespace
}  // namespace rayx
