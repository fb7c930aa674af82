#include "wire/session_carrier.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/io/frame.h"
#include "common/io/socket.h"

namespace rayx::wire {
namespace {

NodeId MakeNode(uint8_t number) {
  const uint8_t bytes[16] = {number};
  return NodeId::FromBytes(bytes);
}

cluster::Message MakeMessage(uint64_t number, size_t size) {
  std::vector<uint8_t> bytes(std::max(size, sizeof(number)));
  std::memcpy(bytes.data(), &number, sizeof(number));
  return {.type = 5, .payload = cluster::SharedBytes::Of(std::move(bytes))};
}

// Two nodes in one loop, with socket pairs between them, which a test may cut.
class SessionCarrierTest : public testing::Test {
 protected:
  struct Node {
    NodeId id;
    std::unique_ptr<SessionCarrier> carrier;
    std::vector<uint64_t> heard;
    std::vector<std::string> events;
    bool listens = true;
    bool answers = true;
    // How many are refused before one is welcomed.
    int refuses = 0;
  };
  // An accepted connection before its greeting.
  struct Greeted {
    std::unique_ptr<ByteStream> stream;
    FirstFrame first{kGreetingBytesMax};
    std::unique_ptr<EventLoop::Watcher> watcher;
  };

  SessionCarrierTest() {
    for (uint8_t i = 0; i < 2; ++i) {
      Node& node = nodes_[i];
      node.id = MakeNode(static_cast<uint8_t>(i + 1));
      node.carrier = std::make_unique<SessionCarrier>(
          &loop_, node.id,
          [this, i](const NodeId&, DialledStream::Events events) {
            return Dial(nodes_[i], nodes_[1 - i], std::move(events));
          },
          SessionCarrier::Handlers{
              .on_message =
                  [&node](const NodeId&, uint16_t type, std::span<const uint8_t> payload) {
                    EXPECT_EQ(type, 5);
                    uint64_t number = 0;
                    std::memcpy(&number, payload.data(), sizeof(number));
                    node.heard.push_back(number);
                  },
              .on_begun = [&node](const NodeId&) { node.events.push_back("begun"); },
              .on_ended =
                  [&node](const cluster::SessionEnded& ended) {
                    node.events.push_back("ended: " + std::string(cluster::TextOf(ended.reason)));
                  },
              .on_declared_dead = [&node] { node.events.push_back("dead"); }});
    }
  }

  Result<std::unique_ptr<ByteStream>> Dial(Node& from, Node& to, DialledStream::Events events) {
    if (!to.listens) return Status::NotFound("nobody listens there");
    auto [ours, theirs] = std::move(SocketPair()).value();
    EXPECT_TRUE(SetNonBlocking(ours.get(), true).ok());
    EXPECT_TRUE(SetNonBlocking(theirs.get(), true).ok());
    wires_.emplace_back(::dup(ours.get()));
    Greeted& greeted = greeted_.emplace_back();
    greeted.stream = std::make_unique<UnixStream>(std::move(theirs));
    greeted.watcher = loop_.Watch(greeted.stream->fd(), [this, &greeted, &to] {
      const Result<bool> whole = greeted.first.ReadFrom(greeted.stream.get());
      if (whole.ok() && (!*whole || !to.answers)) return;
      greeted.watcher.reset();
      if (!whole.ok()) return greeted.stream.reset();
      if (to.refuses > 0) {
        --to.refuses;
        (void)greeted.stream->Write(EncodeAnswer(NodeRefusal{"not yet"}), {});
        return greeted.stream.reset();
      }
      const std::vector<uint8_t> answer = EncodeAnswer(NodeAdmission{to.id, {}, 0});
      (void)greeted.stream->Write(answer, {});
      to.carrier->Take(std::move(greeted.stream));
    });
    std::unique_ptr<ByteStream> stream = std::make_unique<DialledStream>(
        std::make_unique<UnixStream>(std::move(ours)), NodeId(),
        EncodeGreeting({.node = from.id}, "3.11"), std::move(events));
    return stream;
  }
  void CutAll() {
    for (const ScopedFd& wire : std::exchange(wires_, {})) ShutdownSocket(wire.get());
  }

  void RunUntil(const std::function<bool()>& happened, const std::function<void()>& act = {}) {
    bool late = false;
    const auto limit = loop_.CallAt(loop_.now_ms() + 20000, [&late] { late = true; });
    std::unique_ptr<EventLoop::Timer> tick;
    loop_.Run([&] {
      if (act) act();
      for (Node& node : nodes_) node.carrier->OnTurn();
      std::optional<int64_t> next;
      for (Node& node : nodes_) {
        const auto due = node.carrier->NextTickMs();
        if (due && (!next || *due < *next)) next = due;
      }
      tick = next ? loop_.CallAt(*next, [] {}) : nullptr;
      if (late || happened()) loop_.Stop();
      return false;
    });
    EXPECT_FALSE(late) << "what the test waits for does not happen";
  }

  EventLoop loop_;
  std::list<Greeted> greeted_;
  std::vector<ScopedFd> wires_;
  Node nodes_[2];
};

TEST_F(SessionCarrierTest, MessagesArriveOnBothSidesInOrder) {
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  std::vector<uint64_t> sent;
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_TRUE(nodes_[0].carrier->Send(nodes_[1].id, MakeMessage(i, i * 37)));
    sent.push_back(i);
  }
  RunUntil([&] { return nodes_[1].heard.size() == sent.size(); });
  EXPECT_EQ(nodes_[1].heard, sent);
  EXPECT_EQ(nodes_[1].events, std::vector<std::string>{"begun"});
  for (const uint64_t i : sent) {
    EXPECT_TRUE(nodes_[1].carrier->Send(nodes_[0].id, MakeMessage(i, 0)));
  }
  RunUntil([&] { return nodes_[0].heard.size() == sent.size(); });
  EXPECT_EQ(nodes_[0].heard, sent);
  EXPECT_EQ(nodes_[0].carrier->connection_count(), 1u);
}

TEST_F(SessionCarrierTest, CutsLoseAndRepeatNothing) {
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  RunUntil([&] { return nodes_[1].events.size() == 1; });
  std::vector<uint64_t> sent;
  int cuts = 0;
  RunUntil([&] { return nodes_[0].heard.size() == 400 && nodes_[1].heard.size() == 400; },
           [&] {
             if (sent.size() < 400) {
               const uint64_t number = sent.size();
               for (int i = 0; i < 2; ++i) {
                 nodes_[i].carrier->Send(nodes_[1 - i].id, MakeMessage(number, number * 100));
               }
               sent.push_back(number);
               loop_.Post([] {});
             }
             // While both send, and a few times after.
             if (sent.size() % 50 == 25 && cuts < 8) {
               CutAll();
               ++cuts;
             }
           });
  EXPECT_EQ(nodes_[0].heard, sent);
  EXPECT_EQ(nodes_[1].heard, sent);
  EXPECT_EQ(cuts, 8);
  for (const Node& node : nodes_) {
    for (const std::string& event : node.events) EXPECT_EQ(event, "begun");
    EXPECT_FALSE(node.carrier->Find(nodes_[&node == &nodes_[0] ? 1 : 0].id)->summary().is_ended);
  }
}

TEST_F(SessionCarrierTest, AProcessThatIsGoneEndsTheSessionAtOnce) {
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  RunUntil([&] { return nodes_[1].events.size() == 1; });
  const int64_t begin_ms = loop_.now_ms();
  // As when the kernel closes what a killed process had open.
  nodes_[1].listens = false;
  nodes_[1].carrier = std::make_unique<SessionCarrier>(
      &loop_, MakeNode(9),
      [](const NodeId&, DialledStream::Events) -> Result<std::unique_ptr<ByteStream>> {
        return Status::NotFound("no");
      },
      SessionCarrier::Handlers{});
  RunUntil([&] { return nodes_[0].events.size() == 2; });
  EXPECT_EQ(nodes_[0].events, (std::vector<std::string>{"begun", "ended: its process is gone"}));
  EXPECT_LT(loop_.now_ms() - begin_ms, 1000);
}

TEST_F(SessionCarrierTest, ANodeThatWasDeclaredDeadLearnsOfIt) {
  nodes_[1].carrier->OnDead(nodes_[0].id);
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  RunUntil([&] { return nodes_[0].events.size() == 3; });
  std::ranges::sort(nodes_[0].events);
  EXPECT_EQ(nodes_[0].events[1], "dead");
  EXPECT_TRUE(nodes_[1].events.empty());
  EXPECT_FALSE(nodes_[1].carrier->Open(nodes_[0].id));
}

TEST_F(SessionCarrierTest, DialsThatAreNeverAnsweredDoNotPileUp) {
  nodes_[1].answers = false;
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  // Each is given up for the next one, until the session is.
  size_t most = 0;
  RunUntil([&] { return nodes_[0].events.size() == 2; },
           [&] { most = std::max(most, nodes_[0].carrier->connection_count()); });
  EXPECT_GT(greeted_.size(), 3u);
  EXPECT_LE(most, 2u) << "the one that ends, and the next";
  RunUntil([&] { return nodes_[0].carrier->connection_count() == 0; });
}

TEST_F(SessionCarrierTest, WhoIsRefusedDialsAgainUntilItIsWelcome) {
  nodes_[1].refuses = 2;
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  EXPECT_TRUE(nodes_[0].carrier->Send(nodes_[1].id, MakeMessage(3, 0)));
  RunUntil([&] { return nodes_[1].heard.size() == 1; });
  EXPECT_EQ(nodes_[1].refuses, 0);
  EXPECT_EQ(nodes_[0].events, std::vector<std::string>{"begun"});
}

TEST_F(SessionCarrierTest, BothMayOpenAtOnce) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(nodes_[i].carrier->Open(nodes_[1 - i].id));
    EXPECT_TRUE(nodes_[i].carrier->Send(nodes_[1 - i].id, MakeMessage(4, 0)));
  }
  RunUntil([&] { return nodes_[0].heard.size() + nodes_[1].heard.size() == 2; });
  RunUntil([&] {
    return nodes_[0].carrier->connection_count() + nodes_[1].carrier->connection_count() == 2;
  });
  for (const Node& node : nodes_) {
    EXPECT_EQ(node.heard, std::vector<uint64_t>{4});
    EXPECT_EQ(node.events, std::vector<std::string>{"begun"});
  }
}

// What is meant for a session must not be heard in the next one, and none begins before the end of
// the last one is told.
TEST_F(SessionCarrierTest, OneSessionIsToldAfterTheOther) {
  Node& node = nodes_[0];
  const NodeId other = nodes_[1].id;
  ASSERT_TRUE(node.carrier->Open(other));
  RunUntil([&] { return nodes_[1].events.size() == 1; });
  node.carrier->End(other, cluster::EndReason::kSilent);
  EXPECT_FALSE(node.carrier->Open(other)) << "its end was not told yet";
  EXPECT_FALSE(node.carrier->Send(other, MakeMessage(1, 0)));
  EXPECT_EQ(node.carrier->Find(other), nullptr);
  RunUntil([&] { return node.events.size() == 2; });
  ASSERT_TRUE(node.carrier->Open(other));
  EXPECT_TRUE(node.carrier->Send(other, MakeMessage(2, 0)));
  RunUntil([&] { return nodes_[1].heard.size() == 1; });
  EXPECT_EQ(nodes_[1].heard, std::vector<uint64_t>{2});
  EXPECT_EQ(node.events, (std::vector<std::string>{"begun", "ended: silent", "begun"}));
  EXPECT_EQ(nodes_[1].events,
            (std::vector<std::string>{"begun", "ended: ended by the other side", "begun"}));
}

TEST_F(SessionCarrierTest, TheOtherSidesNextSessionIsNotTheOneThatWasTold) {
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  RunUntil([&] { return nodes_[1].events.size() == 1; });
  nodes_[0].carrier->End(nodes_[1].id, cluster::EndReason::kSilent);
  RunUntil([&] { return nodes_[0].events.size() == 2; });
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  // The second node says something in each turn, for the session that it has been told of. Whatever
  // is lost with the first one, nothing of it is heard in the second one.
  uint64_t session = 1;
  RunUntil([&] { return !nodes_[0].heard.empty(); },
           [&] {
             session = static_cast<uint64_t>(std::ranges::count(nodes_[1].events, "begun"));
             nodes_[1].carrier->Send(nodes_[0].id, MakeMessage(session, 0));
           });
  EXPECT_EQ(session, 2u);
  EXPECT_EQ(nodes_[0].heard[0], 2u);
}

TEST_F(SessionCarrierTest, NonsenseClosesItsConnectionOnly) {
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  RunUntil([&] { return nodes_[1].events.size() == 1; });
  auto [ours, theirs] = std::move(SocketPair()).value();
  ASSERT_TRUE(SetNonBlocking(theirs.get(), true).ok());
  nodes_[1].carrier->Take(std::make_unique<UnixStream>(std::move(theirs)));
  EXPECT_EQ(nodes_[1].carrier->connection_count(), 2u);
  std::vector<uint8_t> nonsense;
  AppendFrame(77, std::vector<uint8_t>(8, 'x'), &nonsense);
  ASSERT_TRUE(WriteWithFds(ours.get(), nonsense, {}).ok());
  RunUntil([&] { return nodes_[1].carrier->connection_count() == 1; });
  EXPECT_TRUE(nodes_[0].carrier->Send(nodes_[1].id, MakeMessage(3, 0)));
  RunUntil([&] { return nodes_[1].heard.size() == 1; });
}

// S35: a header is enough to refuse a frame of 2 GiB; nothing is set aside for it.
TEST_F(SessionCarrierTest, AFrameThatIsTooLargeClosesItsConnectionOnly) {
  ASSERT_TRUE(nodes_[0].carrier->Open(nodes_[1].id));
  RunUntil([&] { return nodes_[1].events.size() == 1; });
  for (const uint32_t bytes :
       {uint32_t{limits::kFrameBytesMax} + 1, uint32_t{1} << 31, ~uint32_t{0}}) {
    auto [ours, theirs] = std::move(SocketPair()).value();
    ASSERT_TRUE(SetNonBlocking(theirs.get(), true).ok());
    nodes_[1].carrier->Take(std::make_unique<UnixStream>(std::move(theirs)));
    const FrameHeader header{.payload_bytes = bytes, .type = 5, .zero = 0};
    std::vector<uint8_t> said(sizeof(header));
    std::memcpy(said.data(), &header, sizeof(header));
    ASSERT_TRUE(WriteWithFds(ours.get(), said, {}).ok());
    RunUntil([&] { return nodes_[1].carrier->connection_count() == 1; });
  }
  EXPECT_TRUE(nodes_[0].carrier->Send(nodes_[1].id, MakeMessage(3, 0)));
  RunUntil([&] { return nodes_[1].heard.size() == 1; });
}

}  // namespace
}  // namespace rayx::wire
