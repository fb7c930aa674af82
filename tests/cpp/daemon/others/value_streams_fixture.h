// Two stores, each with its pool, and streams between them: a node that has values (`giver`), and
// one that makes copies of them (`taker`).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "common/io/socket.h"
#include "common/shm/shared_memory.h"
#include "daemon/others/value_fetcher.h"
#include "daemon/others/value_server.h"
#include "daemon/peers/peer_table.h"
#include "daemon/peers/pool_service.h"
#include "node/node_recorder.h"

namespace rayx::daemon {

class ValueStreams : public ::testing::Test {
 protected:
  static constexpr ClientId kAda{100};
  static constexpr uint64_t kPoolBytes = 8u << 20;

  struct Side : node::OtherNodes {
    explicit Side(EventLoop* loop)
        : peers(loop, {}), recorder(2, this), pool(&peers, &writer, &recorder.core()) {
      ScopedFd memory = CreateSharedMemory("rayx-test", kPoolBytes).value();
      ScopedFd read_only = ReopenReadOnly(memory.get()).value();
      pool.Serve(std::move(memory), std::move(read_only));
    }
    plasma::ObjectStore& store() { return recorder.core().store(); }
    node::RemoteObjects& remote() { return recorder.core().objects().remote(); }

    NodeId self() const override { return testing::NumberedId<NodeId>(9); }
    void Send(ClientId, node::remote::Message) override {}
    bool HasRoom(ClientId) const override { return true; }
    void Pull(const ObjectId& id, uint64_t, std::span<const NodeId>) override { pulled.insert(id); }
    bool HasOthers() const override { return false; }
    bool ShouldOffer(const TaskSpec&) override { return false; }
    void Offer(const node::TaskOffer&) override {}
    void Withdraw(const TaskId&, uint32_t) override {}

    // What the core wanted to have.
    std::set<ObjectId> pulled;
    PeerTable peers;
    MessageWriter writer;
    node::NodeRecorder recorder;
    PoolService pool;
  };

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
  // Something at the taker needs it, which is said to be at these places.
  void Want(const ObjectId& id, uint64_t bytes, const std::vector<NodeId>& places) {
    taker_.store().AddReference(id);
    ASSERT_TRUE(taker_.remote().shared().PlaceElsewhere(id, bytes, {}, places));
    taker_.remote().shared().WantHere(id);
    fetcher_.Pull(id, bytes, places);
  }
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
      fetcher_.OnTurn();
      fetcher_.AfterTurn();
      const bool takes_more = server_.OnTurn();
      if (is_done() || loop_.now_ms() >= end_ms) loop_.Stop();
      return takes_more;
    });
    EXPECT_TRUE(is_done());
  }

  const NodeId there_ = testing::NumberedId<NodeId>(1);
  const ObjectId one_ = testing::ResultOf(1);
  const ObjectId two_ = testing::ResultOf(2);
  EventLoop loop_;
  Side giver_{&loop_};
  Side taker_{&loop_};
  ValueServer server_{&loop_, &giver_.peers, &giver_.pool, &giver_.recorder.core()};
  // Nobody can be dialled but `there_`, so often.
  int dials_left_ = 100;
  ValueFetcher fetcher_{&loop_, &taker_.pool, &taker_.recorder.core(),
                        [this](const NodeId& node) -> Result<std::unique_ptr<ByteStream>> {
                          if (node != there_ || dials_left_-- == 0) {
                            return Status::Unavailable("nobody is there");
                          }
                          auto pair = SocketPair().value();
                          server_.Take(testing::NumberedId<NodeId>(9),
                                       std::make_unique<UnixStream>(std::move(pair.second)));
                          return {std::make_unique<UnixStream>(std::move(pair.first))};
                        }};
};

}  // namespace rayx::daemon
