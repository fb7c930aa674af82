#include "common/io/connection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/io/connection_fixture.h"
#include "common/io/socket.h"
#include "common/shm/shared_memory.h"
#include "testing/open_fds.h"

namespace rayx {
namespace {

TEST_F(ConnectionTest, FramesArrive) {
  WriteFrame(1, BytesOf("one"));
  WriteFrame(2, BytesOf("two"));
  RunUntil([&] { return received_.size() == 2; });
  EXPECT_EQ(received_, (std::vector<Bytes>{BytesOf("one"), BytesOf("two")}));
}

TEST_F(ConnectionTest, FramesChoppedIntoBytesArrive) {
  Bytes out;
  AppendFrame(1, BytesOf("chopped"), &out);
  AppendFrame(1, BytesOf("again"), &out);
  size_t at = 0;
  RunUntil([&] {
    if (at < out.size()) {
      EXPECT_EQ(Write(std::span(out).subspan(at++, 1)), 1u);
    }
    return received_.size() == 2;
  });
  EXPECT_EQ(received_, (std::vector<Bytes>{BytesOf("chopped"), BytesOf("again")}));
  EXPECT_EQ(at, out.size());
}

TEST_F(ConnectionTest, SendIsWrittenByFlushAndNotBefore) {
  connection_->Send(3, BytesOf("hello"));
  EXPECT_EQ(dirty_, 1);
  connection_->Send(4, BytesOf("again"));
  EXPECT_EQ(dirty_, 1) << "dirty is said once until the flush";
  EXPECT_EQ(connection_->backlog_bytes(), 2 * FrameBytes(5));
  EXPECT_TRUE(ReadAll().empty());
  connection_->Flush();
  Bytes expected;
  AppendFrame(3, BytesOf("hello"), &expected);
  AppendFrame(4, BytesOf("again"), &expected);
  EXPECT_EQ(ReadAll(), expected);
  EXPECT_EQ(connection_->backlog_bytes(), 0u);
  connection_->Send(5, {});
  EXPECT_EQ(dirty_, 2);
}

TEST_F(ConnectionTest, PeerThatClosesGivesItsLastFramesFirst) {
  WriteFrame(1, BytesOf("last words"));
  peer_.Reset();
  RunUntilClosed();
  EXPECT_EQ(received_, std::vector<Bytes>{BytesOf("last words")});
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_EQ(closed_[0].code(), StatusCode::kDisconnected);
  EXPECT_TRUE(connection_->closed());
  EXPECT_EQ(connection_->fd(), -1);
}

TEST_F(ConnectionTest, WriteToAPeerThatIsGoneStillReadsItsLastFrames) {
  WriteFrame(1, BytesOf("last words"));
  peer_.Reset();
  connection_->Send(1, BytesOf("to nobody"));
  connection_->Flush();
  EXPECT_TRUE(closed_.empty());
  RunUntilClosed();
  EXPECT_EQ(received_, std::vector<Bytes>{BytesOf("last words")});
  EXPECT_EQ(closed_[0].code(), StatusCode::kDisconnected);
}

TEST_F(ConnectionTest, PeerThatOnlyStopsReadingIsClosedToo) {
  ASSERT_EQ(::shutdown(peer_.get(), SHUT_RD), 0);
  connection_->Send(1, BytesOf("to nobody"));
  connection_->Flush();
  RunUntilClosed();
  EXPECT_EQ(closed_[0].code(), StatusCode::kDisconnected);
}

TEST_F(ConnectionTest, F53_HostileHeadersClose) {
  const FrameHeader too_long{0xffffffffu, 1, 0};
  Write({reinterpret_cast<const uint8_t*>(&too_long), sizeof(too_long)});
  RunUntilClosed();
  EXPECT_EQ(closed_[0].code(), StatusCode::kProtocolError);
  EXPECT_TRUE(received_.empty());
}

TEST_F(ConnectionTest, F53_JunkAfterAGoodFrameCloses) {
  Bytes out;
  AppendFrame(1, BytesOf("good"), &out);
  out.insert(out.end(), 64, 0xee);
  Write(out);
  RunUntilClosed();
  EXPECT_EQ(received_, std::vector<Bytes>{BytesOf("good")});
  EXPECT_EQ(closed_[0].code(), StatusCode::kProtocolError);
}

TEST_F(ConnectionTest, CapCanBeRaisedAfterTheHello) {
  connection_->set_payload_bytes_max(16);
  WriteFrame(1, BytesOf("small"));
  RunUntil([&] { return received_.size() == 1; });
  connection_->set_payload_bytes_max(100);
  WriteFrame(1, Bytes(100, 'x'));
  RunUntil([&] { return received_.size() == 2; });
  WriteFrame(1, Bytes(101, 'x'));
  RunUntilClosed();
  EXPECT_EQ(closed_[0].code(), StatusCode::kProtocolError);
}

TEST_F(ConnectionTest, DescriptorsTravelWithTheirFrame) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  std::vector<ScopedFd> fds;
  fds.emplace_back(pipe_ends[0]);
  ScopedFd write_end(pipe_ends[1]);
  connection_->Send(1, BytesOf("before"));
  connection_->Send(2, BytesOf("with"), std::move(fds));
  connection_->Send(3, BytesOf("after"));
  connection_->Flush();
  // A read of the peer ends before the frame with descriptors or starts with it, and never mixes up
  // positions.
  FrameReader reader(1000);
  std::vector<ScopedFd> got;
  std::vector<uint16_t> types;
  while (types.size() < 3) {
    Result<ReadOutcome> outcome = ReadWithFds(peer_.get(), reader.PrepareRead(1000));
    ASSERT_TRUE(outcome.ok());
    reader.Commit(outcome->bytes);
    for (ScopedFd& fd : outcome->fds) got.push_back(std::move(fd));
    while (std::optional<Frame> frame = *reader.Next()) {
      EXPECT_TRUE(frame->type < 2 || got.size() == 1);
      types.push_back(frame->type);
    }
  }
  ASSERT_EQ(got.size(), 1u);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(got[0].get(), &byte, 1), 1);
  EXPECT_EQ(byte, 'x');
}

TEST_F(ConnectionTest, DescriptorsOfManyFramesKeepTheirOrder) {
  // Each descriptor is shared memory with a size of its own, by which it is known again.
  Connection sender(&loop_, std::make_unique<UnixStream>(std::move(peer_)), 1 << 20,
                    {[] {}, {}, {}});
  uint64_t size = 0;
  for (size_t i = 0; i < 50; ++i) {
    std::vector<ScopedFd> fds;
    for (size_t j = 0; j < i % 4; ++j) {
      Result<ScopedFd> memory = CreateSharedMemory("rayx-test", ++size);
      ASSERT_TRUE(memory.ok());
      fds.push_back(std::move(*memory));
    }
    sender.Send(1, Bytes(i * 10), std::move(fds));
  }
  sender.Flush();
  RunUntil([&] { return received_.size() == 50; });
  ASSERT_EQ(fds_.size(), size);
  for (size_t i = 0; i < fds_.size(); ++i) {
    struct stat status;
    ASSERT_EQ(::fstat(fds_[i].get(), &status), 0);
    EXPECT_EQ(status.st_size, static_cast<off_t>(i + 1));
  }
}

TEST_F(ConnectionTest, F57_S28_DescriptorFloodClosesAndLeaksNothing) {
  take_fds_ = false;
  const size_t before = OpenFdCount();
  const int fds[kFdsPerReadMax] = {0, 0, 0, 0, 0, 0, 0, 0};
  Bytes out;
  AppendFrame(1, {}, &out);
  RunUntil([&] {
    if (closed_.empty()) (void)WriteWithFds(peer_.get(), out, fds);
    return !closed_.empty();
  });
  EXPECT_EQ(closed_[0].code(), StatusCode::kProtocolError);
  // Ours is closed as well.
  EXPECT_EQ(OpenFdCount(), before - 1);
}

TEST_F(ConnectionTest, F57_S28_MoreDescriptorsThanAReadMayCarryClose) {
  const size_t before = OpenFdCount();
  std::vector<int> fds(253, 0);
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  uint8_t byte = 0;
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  ASSERT_EQ(::sendmsg(peer_.get(), &message, 0), 1);
  RunUntilClosed();
  EXPECT_EQ(closed_[0].code(), StatusCode::kProtocolError);
  EXPECT_EQ(OpenFdCount(), before - 1);
}

TEST_F(ConnectionTest, SlowReaderGetsEverythingInOrder) {
  Bytes expected;
  for (int i = 0; i < 64; ++i) {
    const Bytes payload(60'000 + static_cast<size_t>(i), static_cast<uint8_t>(i));
    connection_->Send(1, payload);
    AppendFrame(1, payload, &expected);
  }
  Bytes read;
  bool sent_more = false;
  RunUntil([&] {
    const Bytes piece = ReadAll();
    read.insert(read.end(), piece.begin(), piece.end());
    if (!sent_more) {
      EXPECT_GT(connection_->backlog_bytes(), 0u);
      // Appended behind what waits, without a flush of its own.
      connection_->Send(2, BytesOf("more"));
      AppendFrame(2, BytesOf("more"), &expected);
      sent_more = true;
    }
    return read.size() == expected.size();
  });
  EXPECT_EQ(read, expected);
  EXPECT_EQ(connection_->backlog_bytes(), 0u);
}

TEST_F(ConnectionTest, TheMemoryOfALargeMessageIsGivenBackOnceItIsSent) {
  const auto heap_bytes = [] {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const size_t before = heap_bytes();
  const Bytes payload(8u << 20);
  connection_->Send(1, payload);
  EXPECT_GT(connection_->backlog_bytes(), payload.size());
  size_t read = 0;
  RunUntil([&] { return (read += ReadAll().size()) > payload.size(); });
  EXPECT_LT(heap_bytes(), before + payload.size() + (1u << 20));
}

TEST_F(ConnectionTest, PeerThatNeverReadsIsGivenUp) {
  const Bytes payload(32u << 20);
  int sent = 0;
  RunUntil([&] {
    if (!connection_->closed()) {
      connection_->Send(1, payload);
      ++sent;
      if (!connection_->closed()) loop_.Post([] {});
    }
    return !closed_.empty();
  });
  EXPECT_EQ(closed_[0].code(), StatusCode::kDisconnected);
  EXPECT_NE(closed_[0].message().find("does not read"), std::string::npos);
  EXPECT_EQ(sent, static_cast<int>(limits::kPeerBacklogBytesMax / payload.size()) + 1);
  EXPECT_EQ(connection_->backlog_bytes(), 0u);
}

TEST_F(ConnectionTest, ATurnReadsNoMoreThanItsBudget) {
  const Bytes payload(1000, 'x');
  Bytes out;
  for (int i = 0; i < 8000; ++i) AppendFrame(1, payload, &out);
  const int size = 16 << 20;
  ASSERT_EQ(::setsockopt(peer_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)), 0)
      << "this test needs a large socket buffer (root)";
  ASSERT_EQ(Write(out), out.size());
  RunUntil([&] { return received_.size() == 8000; });
  EXPECT_GE(bytes_in_turn_.size(), out.size() / limits::kPeerReadBytesPerTurn);
  // And the rest of a frame of which a part was read before.
  const size_t most = limits::kPeerReadBytesPerTurn + payload.size();
  for (const auto& [turn, bytes] : bytes_in_turn_) EXPECT_LE(bytes, most);
}

TEST_F(ConnectionTest, ItIsKnownWhetherMoreIsComing) {
  EXPECT_FALSE(connection_->expects_more());
  Bytes out;
  AppendFrame(1, Bytes(2 * limits::kPeerReadBytesPerTurn, 'x'), &out);
  ASSERT_EQ(Write(std::span(out).first(limits::kPeerReadBytesPerTurn)),
            limits::kPeerReadBytesPerTurn);
  int turns = 0;
  RunUntil([&] {
    loop_.Post([] {});
    return ++turns == 4;
  });
  EXPECT_TRUE(received_.empty());
  EXPECT_TRUE(connection_->expects_more()) << "a part of a frame";
  (void)Write(std::span(out).subspan(limits::kPeerReadBytesPerTurn));
  RunUntil([&] { return !received_.empty(); });
  turns = 0;
  RunUntil([&] {
    loop_.Post([] {});
    return ++turns == 4;
  });
  EXPECT_FALSE(connection_->expects_more());
}

TEST_F(ConnectionTest, PausedReadingLeavesBytesToTheSocket) {
  connection_->PauseReading(true);
  WriteFrame(1, BytesOf("later"));
  int turns = 0;
  RunUntil([&] {
    loop_.Post([] {});
    return ++turns == 4;
  });
  EXPECT_TRUE(received_.empty());
  connection_->PauseReading(false);
  RunUntil([&] { return !received_.empty(); });
  EXPECT_EQ(received_, std::vector<Bytes>{BytesOf("later")});
}

// Takes one frame, then pauses with others in the buffer.
class PausingConnectionTest : public ConnectionTest {
 protected:
  void OnFrames() override {
    if (std::optional<Frame> frame = connection_->NextFrame()) {
      received_.emplace_back(frame->payload.begin(), frame->payload.end());
      connection_->PauseReading(true);
    }
  }
};

TEST_F(PausingConnectionTest, FramesReadBeforeThePauseAreToldAfterIt) {
  WriteFrame(1, BytesOf("a"));
  WriteFrame(1, BytesOf("b"));
  WriteFrame(1, BytesOf("c"));
  for (size_t count = 1; count <= 3; ++count) {
    RunUntil([&] { return received_.size() == count; });
    connection_->PauseReading(false);
  }
  EXPECT_EQ(received_, (std::vector<Bytes>{BytesOf("a"), BytesOf("b"), BytesOf("c")}));
}

TEST_F(ConnectionTest, CloseWritesWhatIsQueuedAndTellsOnce) {
  connection_->Send(9, BytesOf("refused"));
  connection_->Close(Status::ProtocolError("for a reason"));
  EXPECT_TRUE(connection_->closed());
  EXPECT_TRUE(closed_.empty()) << "told from the loop, not from inside Close";
  connection_->Close(Status::Disconnected("another"));
  connection_->Send(1, BytesOf("nobody hears"));
  RunUntilClosed();
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_EQ(closed_[0].message(), "for a reason");
  Bytes expected;
  AppendFrame(9, BytesOf("refused"), &expected);
  EXPECT_EQ(ReadAll(), expected);
  char byte = 0;
  EXPECT_EQ(::recv(peer_.get(), &byte, 1, MSG_DONTWAIT), 0) << "the peer sees the end";
}

TEST_F(ConnectionTest, DestructionBeforeTheLoopRunsIsSilent) {
  connection_->Send(1, BytesOf("x"));
  connection_->Close(Status::ProtocolError("x"));
  connection_.reset();
  bool ran = false;
  loop_.Post([&] { ran = true; });
  const auto done = [&] { return ran; };
  loop_.Run([&] {
    if (done()) loop_.Stop();
    return false;
  });
  EXPECT_TRUE(closed_.empty());
}

}  // namespace
}  // namespace rayx
