#include "daemon/peers/peer_table.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/limits.h"
#include "common/io/socket.h"
#include "testing/open_fds.h"

namespace rayx::daemon {
namespace {

class PeerTableTest : public testing::Test {
 protected:
  PeerTableTest()
      : table_(&loop_,
               {.on_read =
                    [this](const ConnectedPeer&) { heard_before_reads_.push_back(types_.size()); },
                .on_frame = [this](ConnectedPeer& peer,
                                   const Frame& frame) { return OnFrame(peer, frame); },
                .on_closed = [this](ConnectedPeer& peer,
                                    const Status& why) { closed_.emplace_back(peer.id, why); }}) {}

  // The peer's end.
  ScopedFd Connect(ClientId* id, WorkerNumber worker = kNoWorker) {
    auto sockets = SocketPair();
    *id = table_.Add(std::move(sockets->first), worker).id;
    return std::move(sockets->second);
  }
  static void Send(const ScopedFd& peer, uint16_t type, size_t bytes = 8) {
    std::vector<uint8_t> frame;
    AppendFrame(type, std::vector<uint8_t>(bytes), &frame);
    ASSERT_TRUE(WriteWithFds(peer.get(), frame, {}).ok());
  }
  // Runs turn after turn, without sleep, until `done`.
  void RunUntil(const std::function<bool()>& done) {
    loop_.Run([&] {
      table_.FlushAll();
      table_.DestroyClosed();
      if (done()) loop_.Stop();
      return true;
    });
  }
  Status OnFrame(ConnectedPeer& peer, const Frame& frame) {
    types_.push_back(frame.type);
    if (on_frame_) return on_frame_(peer, frame);
    return Status::Ok();
  }

  EventLoop loop_;
  std::vector<uint16_t> types_;
  std::vector<size_t> heard_before_reads_;
  std::vector<std::pair<ClientId, Status>> closed_;
  std::function<Status(ConnectedPeer&, const Frame&)> on_frame_;
  PeerTable table_;
};

TEST_F(PeerTableTest, HandsFramesToTheHandlerInOrder) {
  ClientId id = kNoClient;
  const ScopedFd peer = Connect(&id);
  Send(peer, 7);
  Send(peer, 8);
  RunUntil([this] { return types_.size() == 2; });
  EXPECT_EQ(types_, (std::vector<uint16_t>{7, 8}));
  EXPECT_EQ(heard_before_reads_, std::vector<size_t>{0}) << "one read, told before its frames";
  EXPECT_NE(table_.Find(id), nullptr);
}

// The machine of who asks may be gone, and nobody tells.
TEST_F(PeerTableTest, AnObserverWhoDoesNotCloseIsClosed) {
  auto sockets = SocketPair();
  const ScopedFd asker = std::move(sockets->second);
  Send(asker, 7);
  const ClientId id =
      table_.AddObserver(std::make_unique<UnixStream>(std::move(sockets->first)), 30).id;
  RunUntil([this] { return !closed_.empty(); });
  EXPECT_EQ(closed_[0].first, id);
  EXPECT_EQ(closed_[0].second.code(), StatusCode::kTimedOut) << closed_[0].second.ToString();
  EXPECT_EQ(types_, std::vector<uint16_t>{7}) << "it was heard before";
  EXPECT_EQ(table_.Find(id), nullptr);
}

TEST_F(PeerTableTest, ABadFrameClosesItsPeerOnlyAndTheRestIsNotRead) {
  on_frame_ = [](ConnectedPeer&, const Frame& frame) {
    return frame.type == 66 ? Status::NotFound("it holds none") : Status::Ok();
  };
  ClientId bad = kNoClient;
  ClientId good = kNoClient;
  const ScopedFd bad_peer = Connect(&bad);
  const ScopedFd good_peer = Connect(&good);
  Send(bad_peer, 66);
  Send(bad_peer, 67);
  RunUntil([this] { return !closed_.empty(); });
  Send(good_peer, 1);
  RunUntil([this] { return types_.size() == 2; });
  EXPECT_EQ(types_, (std::vector<uint16_t>{66, 1}));
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_EQ(closed_[0].first, bad);
  // Whatever a core called it.
  EXPECT_EQ(closed_[0].second.code(), StatusCode::kProtocolError);
  EXPECT_EQ(closed_[0].second.message(), "it holds none");
  EXPECT_EQ(table_.Find(bad), nullptr);
  EXPECT_EQ(table_.all().size(), 1u);
}

TEST_F(PeerTableTest, APeerThatGoesIsDestroyedAtTheEndOfTheTurn) {
  ClientId id = kNoClient;
  // The loop makes its own descriptors with the first connection.
  const ScopedFd first = Connect(&id);
  const size_t fds = OpenFdCount();
  Connect(&id).Reset();
  RunUntil([this] { return !closed_.empty(); });
  EXPECT_EQ(closed_[0].second.code(), StatusCode::kDisconnected);
  EXPECT_EQ(table_.all().size(), 1u);
  EXPECT_EQ(OpenFdCount(), fds);
}

TEST_F(PeerTableTest, ClosingTwiceIsHarmless) {
  ClientId id = kNoClient;
  const ScopedFd peer = Connect(&id);
  table_.Close(id, Status::Disconnected("first"));
  table_.Close(id, Status::Disconnected("second"));
  RunUntil([this] { return !closed_.empty(); });
  table_.Close(id, Status::Disconnected("third"));
  ASSERT_EQ(closed_.size(), 1u);
  EXPECT_EQ(closed_[0].second.message(), "first");
}

TEST_F(PeerTableTest, WhoDoesNotReadIsNotHeardUntilItDoes) {
  on_frame_ = [](ConnectedPeer& peer, const Frame&) {
    peer.connection->Send(9, std::vector<uint8_t>(4u << 20));
    return Status::Ok();
  };
  ClientId id = kNoClient;
  const ScopedFd peer = Connect(&id);
  // Here it takes as long as a slow machine needs, and nobody shakes hands.
  std::get<Stranger>(table_.Find(id)->kind).hello_timer.reset();
  for (int i = 0; i < 40; ++i) Send(peer, 5);
  int turns = 0;
  RunUntil([&] { return ++turns > 5; });
  const size_t heard = types_.size();
  EXPECT_LE(heard, limits::kPeerBacklogBytesPause / (4u << 20) + 2);
  EXPECT_TRUE(closed_.empty());
  // It reads: all is heard in the end.
  ASSERT_TRUE(SetNonBlocking(peer.get(), true).ok());
  std::vector<uint8_t> room(1u << 20);
  RunUntil([&] {
    while (::read(peer.get(), room.data(), room.size()) > 0) {
    }
    return types_.size() == 40 || !closed_.empty();
  });
  EXPECT_TRUE(closed_.empty());
  EXPECT_EQ(types_.size(), 40u);
  EXPECT_LT(heard, 40u);
}

}  // namespace
}  // namespace rayx::daemon
