#include "daemon/network/node_network.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/io/socket.h"
#include "common/os/clock.h"
#include "daemon/network/test_head.h"

namespace rayx::daemon {
namespace {

constexpr int64_t kPatienceMs = 20'000;

class NodeNetworkTest : public testing::Test {
 protected:
  ~NodeNetworkTest() override {
    tick_.reset();
    member_.reset();
  }

  void StartHead(const std::string& key_file = "", uint8_t cluster = 1) {
    head_.reset();
    head_ = std::make_unique<TestHead>(head_port_, key_file.empty() ? key_ : key_file,
                                       IdOf<ClusterId>(cluster));
  }
  void StopHead() {
    head_.reset();
    StopListening(head_port_);
  }

  NetworkOptions Joining(const std::string& key_file) const {
    NetworkOptions options = OptionsAt(port_, key_file);
    options.head = "127.0.0.1:" + std::to_string(head_port_.port);
    return options;
  }
  Status Join(const NetworkOptions& options) {
    auto opened = NodeNetwork::Open(&loop_, options, RandomIdSource().Next<NodeId>());
    if (!opened.ok()) return opened.status();
    member_ = std::move(*opened);
    return member_->Start(tables_.get(), {}, [this](Expulsion why, const std::string& text) {
      expelled_ = why;
      expelled_text_ = text;
    });
  }

  // Runs the member, if there is one, until that is so.
  template <typename Condition>
  void RunUntil(Condition condition) {
    const int64_t give_up_ms = MonotonicMs() + kPatienceMs;
    bool met = false;
    loop_.Run([&] {
      if (member_) {
        member_->OnTurn();
        member_->Accept();
      }
      met = condition();
      if (met || MonotonicMs() > give_up_ms) loop_.Stop();
      constexpr int64_t kLookMs = 5;
      tick_ = loop_.CallAt(loop_.now_ms() + kLookMs, [] {});
      return false;
    });
    ASSERT_TRUE(met) << "not within " << kPatienceMs << " ms";
  }
  bool HeadKnowsMember() {
    const std::string address = "127.0.0.1:" + std::to_string(port_.port);
    return head_->DebugText().find("at " + address) != std::string::npos;
  }
  bool MemberKnows(const NodeId& head) {
    const std::string text = member_->DebugText();
    return text.find(head.Hex()) != std::string::npos &&
           text.find("not found") == std::string::npos;
  }

  TestKeys keys_;
  const std::string key_ = keys_.Make(1);
  const HeldPort head_port_ = TestPort();
  const HeldPort port_ = TestPort();
  std::unique_ptr<TestHead> head_;
  EventLoop loop_;
  std::unique_ptr<control::Tables> tables_ = control::MakeMemoryTables();
  std::unique_ptr<NodeNetwork> member_;
  std::unique_ptr<EventLoop::Timer> tick_;
  std::optional<Expulsion> expelled_;
  std::string expelled_text_;
};

TEST_F(NodeNetworkTest, AMemberJoinsAndLeaves) {
  StartHead();
  ASSERT_TRUE(Join(Joining(key_)).ok());
  RunUntil([this] { return HeadKnowsMember(); });
  member_->Leave();
  // The head takes leave of it in the words for one that is dead. Those are no news for who left.
  RunUntil([this] { return member_->sessions().Find(head_->id()) == nullptr; });
  EXPECT_FALSE(HeadKnowsMember());
  member_->OnTurn();
  EXPECT_FALSE(expelled_) << expelled_text_;
}

TEST_F(NodeNetworkTest, AClusterWithoutAKeyTakesEverybody) {
  head_ = std::make_unique<TestHead>(head_port_, "", IdOf<ClusterId>(1));
  ASSERT_TRUE(Join(Joining("")).ok());
  RunUntil([this] { return HeadKnowsMember(); });
}

TEST_F(NodeNetworkTest, WhoIsNotLetInLearnsWhy) {
  StartHead();
  NetworkOptions options = Joining(key_);
  options.python_version = "3.99";
  const Status other_python = Join(options);
  EXPECT_EQ(other_python.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(other_python.message().find("Python 3.99"), std::string::npos);
  const Status no_file = Join(Joining("/nonexistent/key"));
  EXPECT_EQ(no_file.code(), StatusCode::kInvalidArgument);
  const Status other_key = Join(Joining(keys_.Make(2)));
  EXPECT_NE(other_key.message().find("another key"), std::string::npos) << other_key.message();
  StopHead();
  const Status nobody = Join(Joining(key_));
  EXPECT_EQ(nobody.code(), StatusCode::kUnavailable);
  EXPECT_NE(nobody.message().find("no process listens"), std::string::npos) << nobody.message();
}

TEST_F(NodeNetworkTest, TheGlobalSchedulerIsReachedThroughTheHead) {
  const std::string path = testing::TempDir() + "rayx-scheduler-" + std::to_string(::getpid());
  const ScopedFd listener = std::move(ListenUnix(path, 4)).value();
  head_ = std::make_unique<TestHead>(head_port_, "", IdOf<ClusterId>(1), path);
  NodeStreams streams(
      {}, {.node = IdOf<NodeId>(9), .cluster = IdOf<ClusterId>(1), .python_version = "3.11"});
  bool admitted = false;
  const auto stream =
      streams.Dial({.address = {"127.0.0.1", head_port_.port},
                    .node = {},
                    .kind = protocol::ConnectionKind::Scheduler},
                   {.on_admitted = [&](const auto&) { admitted = true; }, .on_refused = nullptr});
  ASSERT_TRUE(stream.ok()) << stream.status().message();
  std::string received;
  ScopedFd scheduler;
  size_t sent = 0;
  const std::vector<uint8_t> words(5, 'w');
  std::vector<uint8_t> room(64);
  const int64_t give_up_ms = MonotonicMs() + kPatienceMs;
  while (received.size() < words.size() && MonotonicMs() < give_up_ms) {
    if (sent == 0) sent = (*stream)->Write(words, {}).value();
    if (!scheduler.valid()) scheduler = std::move(AcceptUnix(listener.get())).value();
    if (!scheduler.valid()) continue;
    const Result<ReadOutcome> read = ReadWithFds(scheduler.get(), room);
    if (read.ok() && !read->would_block) {
      received.append(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(read->bytes));
    }
  }
  ::unlink(path.c_str());
  EXPECT_TRUE(admitted);
  EXPECT_EQ(received, "wwwww");
}

// The table knows of a node a moment before it registers. If it dies then, nobody else ends what
// the table says of it.
TEST_F(NodeNetworkTest, WhoDiesBeforeItRegistersIsDeclaredDead) {
  const std::string path = testing::TempDir() + "rayx-control-" + std::to_string(::getpid());
  const ScopedFd server = std::move(ListenUnix(path, 4)).value();
  head_ = std::make_unique<TestHead>(head_port_, "", IdOf<ClusterId>(1), "",
                                     std::vector<control::NodeRecord>{}, path);
  const NodeId node = IdOf<NodeId>(9);
  NodeStreams streams({}, {.node = node, .cluster = IdOf<ClusterId>(1), .python_version = "3.11"});
  bool admitted = false;
  auto stream =
      streams.Dial({.address = {"127.0.0.1", head_port_.port},
                    .node = {},
                    .kind = protocol::ConnectionKind::Tables},
                   {.on_admitted = [&](const auto&) { admitted = true; }, .on_refused = nullptr});
  ASSERT_TRUE(stream.ok()) << stream.status().message();
  std::vector<uint8_t> room(64);
  RunUntil([&] { return !(*stream)->Read(room).ok() || admitted; });
  ASSERT_TRUE(admitted);
  control::NodeRecord record;
  record.id = node;
  record.alive = true;
  head_->WriteRecord(record);
  ASSERT_TRUE(head_->IsAlive(node));
  stream->reset();
  RunUntil([&] { return !head_->IsAlive(node); });
  ::unlink(path.c_str());
}

TEST_F(NodeNetworkTest, OneJoinsAtTheHeadOnly) {
  StartHead();
  ASSERT_TRUE(Join(Joining(key_)).ok());
  RunUntil([this] { return HeadKnowsMember(); });
  // Who comes to a member is told where to go. The member needs turns, so the other one has a
  // thread.
  Status refused;
  std::atomic<bool> asked = false;
  std::thread other([&] {
    EventLoop loop;
    NetworkOptions options = OptionsAt(TestPort(), key_);
    options.head = "127.0.0.1:" + std::to_string(port_.port);
    refused = NodeNetwork::Open(&loop, options, RandomIdSource().Next<NodeId>()).status();
    ::close(options.port_fd);
    asked = true;
  });
  RunUntil([&] { return asked.load(); });
  other.join();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << refused.message();
  EXPECT_NE(refused.message().find("join there"), std::string::npos) << refused.message();
}

TEST_F(NodeNetworkTest, AHeadThatIsStartedAgainIsFoundUnderItsNewId) {
  StartHead();
  ASSERT_TRUE(Join(Joining(key_)).ok());
  RunUntil([this] { return HeadKnowsMember(); });
  StopHead();
  RunUntil(
      [this] { return member_->DebugText().find("not found again yet") != std::string::npos; });
  StartHead();
  RunUntil([this] { return MemberKnows(head_->id()) && HeadKnowsMember(); });
  EXPECT_FALSE(expelled_);
}

TEST_F(NodeNetworkTest, TheEndOfTheClusterExpelsItsMembers) {
  StartHead();
  ASSERT_TRUE(Join(Joining(key_)).ok());
  RunUntil([this] { return HeadKnowsMember(); });
  head_->Leave();
  RunUntil([this] { return expelled_.has_value(); });
  EXPECT_EQ(expelled_, Expulsion::kClusterOver);
  EXPECT_EQ(expelled_text_, "the head has ended the cluster");
}

TEST_F(NodeNetworkTest, AnotherClusterAtTheHeadsAddressExpelsItsMembers) {
  StartHead();
  ASSERT_TRUE(Join(Joining(key_)).ok());
  RunUntil([this] { return HeadKnowsMember(); });
  StopHead();
  StartHead(key_, /*cluster=*/2);
  RunUntil([this] { return expelled_.has_value(); });
  EXPECT_EQ(expelled_, Expulsion::kClusterOver);
  EXPECT_NE(expelled_text_.find("another cluster answers"), std::string::npos) << expelled_text_;
}

}  // namespace
}  // namespace rayx::daemon
