// Two real nodes, each with its pool, and streams between them: the giver has values of which it is
// the home, and the taker makes copies. What they say in their session arrives each turn.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "common/io/socket.h"
#include "common/shm/shared_memory.h"
#include "daemon/others/value_streams.h"
#include "daemon/peers/peer_table.h"
#include "daemon/peers/pool_service.h"
#include "node/node_recorder.h"

namespace rayx::daemon {

class ValueStreamsFixture : public ::testing::Test {
 protected:
  static constexpr ClientId kAda{100};
  static constexpr ClientId kSession{200};
  static constexpr uint64_t kPoolBytes = 8u << 20;

  struct Side : node::OtherNodes {
    Side(EventLoop* loop, const NodeId& node, daemon::ValueStreams::DialNode dial)
        : id(node),
          peers(loop, {}),
          recorder(2, this, kPoolBytes),
          pool(&peers, &writer, &recorder.core()),
          values(loop, &pool, &recorder.core(), std::move(dial)) {
      ScopedFd memory = CreateSharedMemory("rayx-test", kPoolBytes).value();
      ScopedFd read_only = ReopenReadOnly(memory.get()).value();
      pool.Serve(std::move(memory), std::move(read_only));
    }
    plasma::ObjectStore& store() { return recorder.core().store(); }
    node::RemoteObjects& remote() { return recorder.core().objects().remote(); }
    // What was said to this node is heard; then it has its turn. True if it has more to do.
    bool Turn(std::deque<node::remote::Message>& heard, int64_t now_ms) {
      while (!heard.empty()) {
        const Status status = remote().OnMessage(kSession, std::move(heard.front()));
        EXPECT_TRUE(status.ok()) << status.message();
        heard.pop_front();
      }
      values.BeforeTurn();
      (void)recorder.Turn(now_ms);
      return values.AfterTurn();
    }

    NodeId self() const override { return id; }
    void Send(ClientId, node::remote::Message message) override {
      said.push_back(std::move(message));
    }
    bool HasRoom(ClientId) const override { return true; }
    void SendOnStream(const NodeId& node, const transfer::OnStream& message) override {
      values.Say(node, message);
    }
    bool HasOthers() const override { return false; }
    bool ShouldOffer(const TaskSpec&) override { return false; }
    void Offer(const node::TaskOffer&) override {}
    void Withdraw(const TaskId&, uint32_t) override {}

    const NodeId id;
    std::deque<node::remote::Message> said;
    PeerTable peers;
    MessageWriter writer;
    node::NodeRecorder recorder;
    PoolService pool;
    daemon::ValueStreams values;
  };

  ValueStreamsFixture() {
    giver_.remote().OnSessionBegun(kSession, taker_.id);
    taker_.remote().OnSessionBegun(kSession, giver_.id);
  }

  static std::vector<uint8_t> Pattern(size_t bytes, uint8_t seed) {
    std::vector<uint8_t> pattern(bytes);
    for (size_t i = 0; i < bytes; ++i) pattern[i] = static_cast<uint8_t>(seed + i * 7 + i / 251);
    return pattern;
  }
  // The giver has this value.
  void Give(const ObjectId& id, const std::vector<uint8_t>& value) {
    const uint64_t offset = giver_.store().Create(kAda, id, value.size()).value();
    ASSERT_TRUE(giver_.pool.WriteAt(offset, value).ok());
    ASSERT_TRUE(giver_.store().Seal(kAda, id, {}).ok());
  }
  // A client of the taker waits for it.
  void Want(const ObjectId& id) {
    taker_.store().AddClientReference(kAda, id);
    taker_.remote().Named(kSession, {{id}});
    taker_.store().Get(kAda, id, /*pin=*/true);
  }
  bool IsHere(const ObjectId& id) { return taker_.store().IsSealed(id); }
  std::vector<uint8_t> TakersValueOf(const ObjectId& id) {
    const plasma::ObjectLocation place = taker_.store().Find(id).value();
    std::vector<uint8_t> bytes(place.size);
    EXPECT_TRUE(taker_.pool.ReadAt(place.offset, bytes).ok());
    return bytes;
  }
  void RunUntil(const std::function<bool()>& is_done) {
    const int64_t end_ms = loop_.now_ms() + 20'000;
    std::unique_ptr<EventLoop::Timer> timer;
    loop_.Run([&] {
      timer = loop_.CallAt(loop_.now_ms() + 10, [] {});
      const bool takes_more = giver_.Turn(taker_.said, loop_.now_ms());
      (void)taker_.Turn(giver_.said, loop_.now_ms());
      if (is_done() || loop_.now_ms() >= end_ms) loop_.Stop();
      return takes_more || !giver_.said.empty() || !taker_.said.empty();
    });
    EXPECT_TRUE(is_done());
  }

  const ObjectId one_ = testing::ResultOf(1);
  const ObjectId two_ = testing::ResultOf(2);
  EventLoop loop_;
  // Whether the giver can be dialled, and how often it was.
  bool is_reachable_ = true;
  int dials_ = 0;
  Side giver_{&loop_, testing::NumberedId<NodeId>(1),
              [](const NodeId&) { return Status::Unavailable("it pulls nothing"); }};
  Side taker_{&loop_, testing::NumberedId<NodeId>(2),
              [this](const NodeId& node) -> Result<std::unique_ptr<ByteStream>> {
                ++dials_;
                if (node != giver_.id || !is_reachable_) return Status::Unavailable("nobody");
                auto pair = SocketPair().value();
                giver_.values.Take(taker_.id, std::make_unique<UnixStream>(std::move(pair.second)));
                return {std::make_unique<UnixStream>(std::move(pair.first))};
              }};
};

}  // namespace rayx::daemon
