// Peers that are broken or hostile before they have said a proper hello (RELIABILITY F53, S28).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <functional>
#include <random>
#include <thread>

#include "common/base/limits.h"
#include "common/os/random_bytes.h"
#include "daemon/honest_driver.h"
#include "daemon/raw_peer.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

using protocol::MessageType;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Memory that the node's heap may keep after an attack, and after one by many at once.
constexpr size_t kGrowthMax = 16u << 20;
constexpr size_t kGrowthOfManyMax = 48u << 20;

// Connections of each kind of junk; of kinds that are almost the same, fewer.
constexpr int kConnections = 10'000;
constexpr int kConnectionsOfSimilar = 2'000;

// A node under attack, with an honest driver beside; afterwards nothing of the attack may be left.
class NodeHostile : public testing::Test {
 protected:
  NodeHostile() : node_(OneWorker()), honest_(node_.socket_path()) {
    honest_.AwaitAnswer();
    fds_before_ = FdCountOf(node_.pid());
    rss_before_ = RssBytesOf(node_.pid());
  }
  void TearDown() override {
    EXPECT_TRUE(WaitUntil([this] { return FdCountOf(node_.pid()) <= fds_before_ + 2; }))
        << FdCountOf(node_.pid()) << " descriptors, " << fds_before_ << " before";
    if (kMemoryTells) {
      EXPECT_LE(RssBytesOf(node_.pid()), rss_before_ + growth_max_);
    }
    EXPECT_GT(honest_.StopAndCount(), 0u);
  }
  // So that the number of descriptors is the same before and after.
  static TestNode::Options OneWorker() {
    TestNode::Options options;
    options.cpus = 1;
    return options;
  }
  std::string path() const { return node_.socket_path(); }
  // Connects again and again, some at the same time, since a node that has refused one pauses; each
  // must be closed.
  void SendOnMany(int connections, const std::function<void(RawPeer&)>& send) {
    constexpr size_t kAtOnce = 100;
    std::deque<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < connections || !peers.empty(); ++i) {
      if (i < connections) send(*peers.emplace_back(std::make_unique<RawPeer>(path())));
      if (i < connections && peers.size() < kAtOnce) continue;
      ASSERT_TRUE(peers.front()->IsClosedWithin(seconds(5))) << "connection " << i;
      peers.pop_front();
    }
  }
  bool NodeLogSays(const std::string& text) const { return node_.LogSays(text); }

  TestNode node_;
  HonestDriver honest_;
  size_t fds_before_ = 0;
  size_t rss_before_ = 0;
  size_t growth_max_ = kGrowthMax;
};

TEST_F(NodeHostile, F53_RandomBytesOnTheNodeSocket) {
  std::mt19937_64 random(53);
  SendOnMany(kConnections, [&](RawPeer& peer) {
    std::string bytes(16 + random() % 2000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    // Never a length that would be waited for.
    bytes[3] = '\x7f';
    peer.Send(bytes);
  });
  EXPECT_TRUE(NodeLogSays("refused a connection of pid " + std::to_string(::getpid())));
}

TEST_F(NodeHostile, F53_AValidHeaderWithJunk) {
  std::mt19937_64 random(54);
  SendOnMany(kConnections, [&](RawPeer& peer) {
    std::vector<uint8_t> junk(random() % 500);
    for (uint8_t& byte : junk) byte = static_cast<uint8_t>(random());
    peer.SendFrame(MessageType::Hello, junk);
  });
  EXPECT_TRUE(NodeLogSays("malformed hello"));
}

TEST_F(NodeHostile, F53_LengthsThatNobodyMeans) {
  // 2^63 is the last: as eight bytes, it is a length of 0 of an unknown type.
  const std::vector<FrameHeader> headers = {{0xffffffffu, 1, 0}, {0x80000000u, 1, 0},
                                            {0x7fffffffu, 1, 0}, {limits::kHelloBytesMax + 1, 1, 0},
                                            {0, 1, 0},           {0, 0, 0x8000}};
  for (const FrameHeader& header : headers) {
    SCOPED_TRACE(header.payload_bytes);
    SendOnMany(kConnectionsOfSimilar, [&](RawPeer& peer) {
      peer.Send(std::span(reinterpret_cast<const uint8_t*>(&header), sizeof(header)));
    });
  }
}

TEST_F(NodeHostile, F53_ATruncatedFrameAndSilence) {
  RawPeer peer(path());
  const FrameHeader header{100, 1, 0};
  peer.Send(std::span(reinterpret_cast<const uint8_t*>(&header), sizeof(header)));
  RawPeer silent(path());
  EXPECT_TRUE(peer.IsClosedWithin(milliseconds(limits::kHelloTimeoutMs + 3000)));
  EXPECT_TRUE(silent.IsClosedWithin(seconds(3)));
  EXPECT_TRUE(NodeLogSays("no hello within"));
}

TEST_F(NodeHostile, F53_OneByteAtATime) {
  RawPeer peer(path());
  const auto start = std::chrono::steady_clock::now();
  bool closed = false;
  // A hello of 200 bytes would take a minute.
  const FrameHeader header{200, 1, 0};
  const auto* bytes = reinterpret_cast<const uint8_t*>(&header);
  for (size_t i = 0; i < 208 && !closed; ++i) {
    const uint8_t byte = i < sizeof(header) ? bytes[i] : 0;
    if (!peer.Send(std::span(&byte, 1))) break;
    closed = peer.IsClosedWithin(milliseconds(300));
  }
  const auto lasted = std::chrono::steady_clock::now() - start;
  EXPECT_LE(lasted, milliseconds(limits::kHelloTimeoutMs + 3000));
}

TEST_F(NodeHostile, F53_ManyConnectionsAtOnce) {
  growth_max_ = kGrowthOfManyMax;
  // Silence, and the beginning of a frame.
  for (const std::string_view content : {"", "\x10"}) {
    constexpr int kAtOnce = 500;
    for (int round = 0; round < kConnections / kAtOnce; ++round) {
      std::vector<std::unique_ptr<RawPeer>> peers;
      for (int i = 0; i < kAtOnce; ++i) {
        peers.push_back(std::make_unique<RawPeer>(path()));
        if (!content.empty()) peers.back()->Send(content);
      }
    }
  }
}

TEST_F(NodeHostile, F53_AFloodMakesFewSessionsAndFewLinesOfLog) {
  const FrameHeader header{0xffffffffu, 1, 0};
  TestDriver observer(path());
  const std::string before = observer.Dump();
  const size_t log_before = node_.Log().size();
  SendOnMany(kConnections, [&](RawPeer& peer) {
    peer.Send(std::span(reinterpret_cast<const uint8_t*>(&header), sizeof(header)));
  });
  const std::string after = observer.Dump();
  // Of whom nothing has come when it is taken a session is made.
  EXPECT_LT(TestNode::Number(after, "connections: "),
            TestNode::Number(before, "connections: ") + kConnections / 20);
  EXPECT_GE(TestNode::Number(after, "were refused: "), size_t{kConnections});
  EXPECT_LT(node_.Log().size(), log_before + 16'000);
}

TEST_F(NodeHostile, F53_WhoSaysHelloAndIsGoneIsNoDriver) {
  TestDriver observer(path());
  const auto gone = [&] { return TestNode::Number(observer.Dump(), "had gone before: "); };
  const uint64_t gone_before = gone();
  constexpr uint64_t kDrivers = 1000;
  RandomIdSource ids;
  for (uint64_t i = 0; i < kDrivers; ++i) {
    RawPeer peer(path());
    peer.SendHello(protocol::Role::Driver, ids.Next<DriverId>(), limits::kProtocolVersion);
  }
  EXPECT_TRUE(WaitUntil([&] { return gone() > gone_before + kDrivers * 9 / 10; })) << gone();
}

// All this time they connect, in their own thread; some at the same time.
class Flood {
 public:
  Flood(const std::string& path, std::function<void(RawPeer&)> send)
      : thread_([this, path, send = std::move(send)] {
          std::deque<std::unique_ptr<RawPeer>> peers;
          while (!stop_) {
            send(*peers.emplace_back(std::make_unique<RawPeer>(path)));
            if (peers.size() == kAtOnce) peers.pop_front();
            ++count_;
          }
        }) {}
  ~Flood() {
    stop_ = true;
    thread_.join();
  }
  size_t count() const { return count_; }

 private:
  static constexpr size_t kAtOnce = 300;
  std::atomic<bool> stop_{false};
  std::atomic<size_t> count_{0};
  std::thread thread_;
};

TEST_F(NodeHostile, F53_NewcomersAreLetInDuringAFlood) {
  growth_max_ = kGrowthOfManyMax;
  Flood silent(path(), [](RawPeer&) {});
  Flood junk(path(), [](RawPeer& peer) { peer.Send(std::string(100, 'j')); });
  RandomIdSource ids;
  Flood hellos(path(), [&ids](RawPeer& peer) {
    peer.SendHello(protocol::Role::Driver, ids.Next<DriverId>(), limits::kProtocolVersion);
  });
  // So that the node's queue is full.
  const auto under_way = [&] { return silent.count() + junk.count() + hellos.count() > 2000; };
  ASSERT_TRUE(WaitUntil(under_way));
  for (int i = 0; i < 30; ++i) {
    // Each is answered before it gives up.
    TestDriver newcomer(path());
    EXPECT_NE(newcomer.Dump().find("peers: "), std::string::npos);
  }
}

TEST_F(NodeHostile, WhoEndsWithoutATaskHasLeftNothingToSearchFor) {
  TestDriver observer(path());
  const auto searches = [&] {
    return TestNode::Number(observer.Dump(), "searches for what ended drivers left: ");
  };
  for (int i = 0; i < 10; ++i) {
    RawPeer peer(path());
    const std::string id = peer.BecomeDriver().Hex();
    peer.Close();
    ASSERT_TRUE(NodeLogSays("driver " + id + " has ended"));
  }
  EXPECT_EQ(searches(), 0u);
  { EXPECT_EQ(TestDriver(path()).Call("echo", "one task"), "one task"); }
  EXPECT_TRUE(WaitUntil([&] { return searches() == 1; }));
}

TEST_F(NodeHostile, S28_DescriptorsThatNobodyExpects) {
  const ScopedFd null_device(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> fds(253, null_device.get());
  for (int i = 0; i < 1000; ++i) {
    RawPeer peer(path());
    if (i % 2 == 0) peer.BecomeDriver();
    const FrameHeader header{8, static_cast<uint16_t>(i % 2 == 0 ? 38 : 1), 0};
    peer.Send(std::span(reinterpret_cast<const uint8_t*>(&header), sizeof(header)), fds);
    ASSERT_TRUE(peer.IsClosedWithin(seconds(10))) << "message " << i;
  }
}

TEST_F(NodeHostile, S28_AFewDescriptorsWithEveryMessage) {
  const ScopedFd null_device(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::vector<int> fds(8, null_device.get());
  RawPeer peer(path());
  peer.BecomeDriver();
  for (int i = 0; i < 1000; ++i) {
    std::vector<uint8_t> drip = {0};
    if (!peer.Send(drip, fds)) break;
  }
  EXPECT_TRUE(peer.IsClosedWithin(seconds(10)));
}

TEST_F(NodeHostile, F53_RolesThatAreNotForConnecting) {
  RandomIdSource ids;
  for (const auto role :
       {protocol::Role::Worker, protocol::Role::Template, static_cast<protocol::Role>(9)}) {
    RawPeer peer(path());
    peer.SendHello(role, ids.Next<DriverId>(), limits::kProtocolVersion);
    const auto answer = peer.Receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->type, MessageType::Refused);
    EXPECT_TRUE(peer.IsClosedWithin(seconds(5)));
  }
  EXPECT_TRUE(NodeLogSays("refused: "));
}

TEST_F(NodeHostile, AnObserverMayAskAndNothingElse) {
  const auto ask = [](RawPeer& peer) {
    peer.SendMessage(MessageType::Query, [](flatbuffers::FlatBufferBuilder& builder) {
      const auto question = protocol::CreateNodeQuestion(builder);
      return protocol::CreateQuery(builder, 1, protocol::Question::Node, question.Union());
    });
    const auto answer = peer.Receive();
    return answer ? answer->type : MessageType::None;
  };
  for (const auto type : protocol::EnumValuesMessageType()) {
    if (type == MessageType::Query) continue;
    RawPeer peer(path());
    peer.SendHello(protocol::Role::Observer, DriverId(), limits::kProtocolVersion);
    const auto welcome = peer.Receive();
    ASSERT_TRUE(welcome);
    ASSERT_EQ(welcome->type, MessageType::Welcome);
    EXPECT_EQ(ask(peer), MessageType::Answer);
    peer.SendFrame(type, std::vector<uint8_t>(64));
    EXPECT_TRUE(peer.IsClosedWithin(seconds(5))) << protocol::EnumNameMessageType(type);
  }
  EXPECT_TRUE(NodeLogSays("of an observer, which only asks questions"));
  EXPECT_FALSE(NodeLogSays("driver " + DriverId().Hex()));
}

TEST_F(NodeHostile, F53_AnotherVersionIsToldWhich) {
  RawPeer peer(path());
  RandomIdSource ids;
  peer.SendHello(protocol::Role::Driver, ids.Next<DriverId>(), limits::kProtocolVersion + 7);
  const auto answer = peer.Receive();
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->type, MessageType::Refused);
  const std::string reason =
      flatbuffers::GetRoot<protocol::Refused>(answer->payload.data())->reason()->str();
  EXPECT_NE(reason.find("version " + std::to_string(limits::kProtocolVersion + 7)),
            std::string::npos);
  EXPECT_TRUE(peer.IsClosedWithin(seconds(5)));
}

TEST_F(NodeHostile, F53_DriverIdsThatAreTakenOrNil) {
  RawPeer first(path());
  const DriverId id = first.BecomeDriver();
  RawPeer second(path());
  second.SendHello(protocol::Role::Driver, id, limits::kProtocolVersion);
  EXPECT_TRUE(second.IsClosedWithin(seconds(5)));
  RawPeer nil(path());
  nil.SendHello(protocol::Role::Driver, DriverId(), limits::kProtocolVersion);
  EXPECT_TRUE(nil.IsClosedWithin(seconds(5)));
  RawPeer output(path());
  RandomIdSource ids;
  output.SendHello(protocol::Role::Output, ids.Next<DriverId>(), limits::kProtocolVersion);
  EXPECT_TRUE(output.IsClosedWithin(seconds(5)));
  // The one who was there first is still heard.
  first.SendMessage(MessageType::Query, [](flatbuffers::FlatBufferBuilder& builder) {
    const auto question = protocol::CreateResourcesQuestion(builder);
    return protocol::CreateQuery(builder, 1, protocol::Question::Resources, question.Union());
  });
  const auto answer = first.Receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, MessageType::Answer);
}

}  // namespace
}  // namespace rayx
