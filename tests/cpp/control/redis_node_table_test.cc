// What subscribers of the node table hear when connections are lost; the rest is in tables_test.cc.

#include "control/redis_node_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/control_server.h"
#include "control/fake_server.h"
#include "control/loop_runner.h"
#include "control/records_maker.h"
#include "control/redis_tables.h"

namespace rayx::control {
namespace {

using Lines = std::vector<std::string>;

class RedisNodeTableTest : public testing::Test {
 protected:
  // Two clusters' members with connections of their own.
  std::unique_ptr<Tables> Join() {
    return MakeRedisTables(runner_.loop(), {{{server_.path()}}, ControlServer::password()});
  }
  void Subscribe(Tables* tables) {
    tables->nodes().Subscribe([this](const NodeRecord& node) {
      heard_.push_back(node.host + (node.alive ? " lives" : " died"));
    });
  }
  void RunUntilHeard(size_t count) {
    runner_.RunUntil([&] { return heard_.size() >= count; },
                     [this] {
                       listener_->Flush();
                       writer_->Flush();
                     });
  }

  LoopRunner runner_;
  ControlServer server_;
  std::unique_ptr<Tables> listener_ = Join();
  std::unique_ptr<Tables> writer_ = Join();
  Lines heard_;
};

TEST_F(RedisNodeTableTest, HearsOfNodesThatOthersRegister) {
  writer_->nodes().Register(MakeNode(1));
  EXPECT_TRUE(runner_.Drain(writer_.get()).ok());
  Subscribe(listener_.get());
  EXPECT_TRUE(runner_.Drain(listener_.get()).ok());
  writer_->nodes().Register(MakeNode(2));
  RunUntilHeard(1);
  writer_->nodes().MarkDead(MakeId<NodeId>(1), 5);
  RunUntilHeard(2);
  EXPECT_EQ(heard_, (Lines{"host-2 lives", "host-1 died"}));
}

TEST_F(RedisNodeTableTest, NothingIsMissedWhileConnectionsAreKilled) {
  Subscribe(listener_.get());
  EXPECT_TRUE(runner_.Drain(listener_.get()).ok());
  RedisLink admin(runner_.loop(), server_.admin());
  const uint32_t count = 100;
  uint32_t registered = 0;
  runner_.RunUntil([&] { return heard_.size() >= count && registered == count; },
                   [&] {
                     if (registered < count) {
                       writer_->nodes().Register(MakeNode(++registered));
                       if (registered % 20 == 0) {
                         admin.Write({"CLIENT", "KILL", "TYPE", "pubsub"});
                         admin.Write({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"});
                       }
                       runner_.loop()->Post([] {});
                     }
                     listener_->Flush();
                     writer_->Flush();
                     admin.Flush();
                   });
  std::sort(heard_.begin(), heard_.end());
  EXPECT_EQ(std::unique(heard_.begin(), heard_.end()), heard_.end());
  EXPECT_EQ(heard_.size(), count);
}

TEST_F(RedisNodeTableTest, WhatHappensWhileTheListenerIsAwayIsToldLater) {
  Subscribe(listener_.get());
  EXPECT_TRUE(runner_.Drain(listener_.get()).ok());
  server_.Kill();
  writer_->nodes().Register(MakeNode(1));
  writer_->nodes().Register(MakeNode(2));
  writer_->nodes().MarkDead(MakeId<NodeId>(2), 5);
  server_.Start();
  // The last state of each; the life of node 2 may be missed or told, its death not.
  RunUntilHeard(2);
  EXPECT_TRUE(runner_.Drain(listener_.get()).ok());
  EXPECT_NE(std::find(heard_.begin(), heard_.end(), "host-1 lives"), heard_.end());
  EXPECT_NE(std::find(heard_.begin(), heard_.end(), "host-2 died"), heard_.end());
}

// A member's node, which two have asked for, on a server that has lost everything.
class ForgetfulServerTest : public RedisNodeTableTest {
 protected:
  using Nodes = Result<std::vector<NodeRecord>>;

  void SetUp() override {
    listener_->nodes().Register(MakeNode(1));
    writer_->nodes().Register(MakeNode(2));
    EXPECT_TRUE(runner_.Drain(writer_.get()).ok());
    EXPECT_EQ(NamesOf(Ask()), (Lines{"host-1", "host-2"}));
    // It cannot tell its node again.
    writer_ = nullptr;
    server_.Kill();
    server_.Forget();
    server_.Start();
  }
  Nodes Ask() {
    return runner_.Ask<std::vector<NodeRecord>>(
        listener_.get(), [&](auto done) { listener_->nodes().List(std::move(done)); });
  }
  static Lines NamesOf(const Nodes& nodes) {
    Lines names;
    EXPECT_TRUE(nodes.ok()) << nodes.status().ToString();
    if (!nodes.ok()) return names;
    for (const NodeRecord& node : *nodes) names.push_back(node.host);
    return names;
  }
};

TEST_F(ForgetfulServerTest, WhoAsksWaitsUntilTheServerIsToldAgain) {
  std::optional<Nodes> answer;
  listener_->nodes().List([&](Nodes nodes) { answer = std::move(nodes); });
  // The listener has told of itself, and has been answered that there is nobody else.
  EXPECT_TRUE(runner_.Drain(listener_.get()).ok());
  EXPECT_TRUE(runner_.Drain(listener_.get()).ok());
  EXPECT_FALSE(answer.has_value());
  writer_ = Join();
  writer_->nodes().Register(MakeNode(2));
  writer_->Flush();
  runner_.RunTables(listener_.get(), [&] { return answer.has_value(); });
  EXPECT_EQ(NamesOf(*answer), (Lines{"host-1", "host-2"}));
}

TEST_F(ForgetfulServerTest, ANodeThatDoesNotTellOfItselfCountsAsGone) {
  const Nodes late = Ask();
  EXPECT_EQ(late.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(late.status().message().find("has lost 1 of the nodes"), std::string::npos)
      << late.status().ToString();
  EXPECT_EQ(NamesOf(Ask()), Lines{"host-1"});
}

TEST_F(ForgetfulServerTest, ANodeThatIsFoundDeadIsNotWaitedFor) {
  listener_->nodes().MarkDead(MakeId<NodeId>(2), 5);
  EXPECT_EQ(NamesOf(Ask()), Lines{"host-1"});
}

TEST(RedisNodeTableHeartbeatTest, OnlyTheNewestIsSentAndNoneWhileAway) {
  LoopRunner runner;
  FakeServer server(runner.loop(), [](const CommandWords&) { return ":1\r\n"; });
  const RedisEndpoint endpoint{server.path(), "rayx", "secret"};
  RedisShards shards(runner.loop(), {endpoint});
  RedisNodeTable nodes(runner.loop(), &shards, endpoint);
  for (int i = 0; i < 5; ++i) {
    nodes.Heartbeat(MakeId<NodeId>(1), i);
    nodes.Flush();
  }
  EXPECT_EQ(shards.primary()->unacknowledged(), 0u);
  runner.RunUntil([&] { return server.received().size() == 1; },
                  [&] {
                    nodes.Flush();
                    shards.Flush();
                  });
  EXPECT_EQ(server.ReceivedLines(),
            Lines{"HSET rayx:node:" + MakeId<NodeId>(1).Hex() + " heartbeat_at 4.000000"});
}

}  // namespace
}  // namespace rayx::control
