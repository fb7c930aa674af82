#include "control/redis_link.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "control/control_server.h"
#include "control/fake_server.h"
#include "control/loop_runner.h"

namespace rayx::control {
namespace {

using Lines = std::vector<std::string>;

std::string Ok(const CommandWords&) { return "+OK\r\n"; }
std::string Silent(const CommandWords&) { return ""; }

class RedisLinkTest : public testing::Test {
 protected:
  void Connect(FakeServer::Answer answer) {
    server_.emplace(runner_.loop(), std::move(answer));
    link_.emplace(runner_.loop(), RedisEndpoint{server_->path(), "rayx", "secret"});
    runner_.RunUntil([this] { return link_->connected(); });
  }
  void RunUntil(const std::function<bool()>& happened) {
    runner_.RunUntil(happened, [this] { link_->Flush(); });
  }
  // A read whose end is noted as a line.
  void Read(const std::string& word, int64_t timeout_ms = 10000) {
    link_->Read(
        {"GET", word},
        [this, word](Result<Reply> reply) {
          ends_.push_back(word + ": " +
                          (reply.ok() ? reply->Describe() : reply.status().ToString()));
        },
        timeout_ms);
  }

  LoopRunner runner_;
  std::optional<FakeServer> server_;
  std::optional<RedisLink> link_;
  Lines ends_;
};

TEST_F(RedisLinkTest, SendsInOrderOnFlushOnly) {
  Connect([](const CommandWords& words) { return words[0] == "GET" ? ":5\r\n" : "+OK\r\n"; });
  link_->Write({"SET", "a"});
  Read("b");
  link_->Write({"SET", "c"});
  EXPECT_EQ(link_->unacknowledged(), 3u);
  runner_.RunUntil([] { return true; });
  EXPECT_TRUE(server_->received().empty());
  RunUntil([this] { return link_->unacknowledged() == 0; });
  EXPECT_EQ(server_->ReceivedLines(), (Lines{"SET a", "GET b", "SET c"}));
  EXPECT_EQ(ends_, Lines{"b: the number 5"});
}

TEST_F(RedisLinkTest, SendsAgainInOrderWhatHasNoReply) {
  Connect([](const CommandWords& words) { return words[1] == "a" ? "+OK\r\n" : ""; });
  link_->Write({"SET", "a"});
  link_->Write({"SET", "b"});
  Read("c");
  RunUntil([this] { return link_->unacknowledged() == 2; });
  link_->Write({"SET", "d"});
  server_->set_answer(Ok);
  server_->CloseAll();
  RunUntil([this] { return link_->unacknowledged() == 0; });
  EXPECT_EQ(server_->ReceivedLines(),
            (Lines{"SET a", "SET b", "GET c", "SET b", "GET c", "SET d"}));
  EXPECT_EQ(ends_, Lines{"c: the status 'OK'"});
}

TEST_F(RedisLinkTest, WhatIsWrittenWhenTheServerIsThereAgainGoesBeforeTheQuestions) {
  int times = 0;
  Connect(Silent);
  link_->set_on_again([this, &times] {
    ++times;
    link_->Write({"SET", "again"});
    Read("told");
  });
  Read("b");
  link_->Write({"SET", "a"});
  Read("c");
  RunUntil([this] { return server_->received().size() == 3; });
  EXPECT_EQ(times, 0) << "the first connection is no other than expected";
  server_->set_answer(Ok);
  server_->CloseAll();
  RunUntil([this, &times] { return times == 1 && link_->unacknowledged() == 0; });
  const Lines received = server_->ReceivedLines();
  EXPECT_EQ(received, (Lines{"GET b", "SET a", "GET c",  //
                             "SET a", "SET again", "GET told", "GET b", "GET c"}));
}

TEST_F(RedisLinkTest, KeepsWhatTheServerCannotTakeNow) {
  for (const std::string error : {"LOADING wait", "OOM command not allowed", "MISCONF disk full"}) {
    ends_.clear();
    int refusals = 2;
    Connect([&](const CommandWords& words) -> std::string {
      return words[1] == "b" && refusals-- > 0 ? "-" + error + "\r\n" : "+OK\r\n";
    });
    link_->Write({"SET", "a"});
    link_->Write({"SET", "b"});
    link_->Write({"SET", "c"});
    bool was_away = false;
    RunUntil([&] {
      was_away = was_away || !link_->connected();
      return link_->unacknowledged() == 0;
    });
    EXPECT_TRUE(was_away);
    EXPECT_EQ(server_->ReceivedLines().back(), "SET c");
    EXPECT_EQ(link_->lost_writes(), 0u);
    link_.reset();
  }
}

TEST_F(RedisLinkTest, ErrorsOfWritesAreCountedErrorsOfReadsAreTold) {
  Connect([](const CommandWords&) { return "-WRONGTYPE not a hash\r\n"; });
  link_->Write({"SET", "a"});
  Read("b");
  RunUntil([this] { return link_->unacknowledged() == 0; });
  EXPECT_EQ(link_->lost_writes(), 1u);
  ASSERT_EQ(ends_.size(), 1u);
  EXPECT_NE(ends_[0].find("ProtocolError"), std::string::npos) << ends_[0];
  EXPECT_NE(ends_[0].find("WRONGTYPE not a hash"), std::string::npos) << ends_[0];
  EXPECT_TRUE(link_->connected());
}

TEST_F(RedisLinkTest, RepliesNobodyAskedForEndTheConnection) {
  Connect(Ok);
  server_->SendToAll("+OK\r\n");
  RunUntil([this] { return server_->accepted() == 2 && link_->connected(); });
  link_->Write({"SET", "a"});
  RunUntil([this] { return link_->unacknowledged() == 0; });
}

TEST_F(RedisLinkTest, LateReadsFailAndTheirRepliesAreSkipped) {
  Connect(Silent);
  Read("a", 10);
  Read("b");
  RunUntil([this] { return !ends_.empty(); });
  ASSERT_EQ(ends_.size(), 1u);
  EXPECT_TRUE(ends_[0].starts_with("a: Unavailable")) << ends_[0];
  server_->SendToAll(":1\r\n:2\r\n");
  RunUntil([this] { return ends_.size() == 2; });
  EXPECT_EQ(ends_[1], "b: the number 2");
}

TEST_F(RedisLinkTest, ReadsFailInTimeWhenNobodyListens) {
  ScratchDirectory directory;
  link_.emplace(runner_.loop(), RedisEndpoint{directory.path() + "/nobody", "rayx", "x"});
  Read("a", 30);
  link_->Write({"SET", "b"});
  RunUntil([this] { return !ends_.empty(); });
  EXPECT_NE(ends_[0].find("Unavailable"), std::string::npos);
  EXPECT_NE(ends_[0].find("nobody"), std::string::npos);
  // The write waits on.
  EXPECT_EQ(link_->unacknowledged(), 1u);
}

TEST_F(RedisLinkTest, ReadsFailAtOnceWhenThePasswordIsWrong) {
  ControlServer server;
  RedisEndpoint endpoint = server.rayx();
  endpoint.password = "another-password";
  link_.emplace(runner_.loop(), endpoint);
  Read("a");
  RunUntil([this] { return !ends_.empty(); });
  Read("b");
  ASSERT_EQ(ends_.size(), 2u);
  for (const std::string& end : ends_) {
    EXPECT_NE(end.find("Unavailable"), std::string::npos) << end;
    EXPECT_NE(end.find("password"), std::string::npos) << end;
  }
}

TEST_F(RedisLinkTest, ReadsMayAskFurtherQuestions) {
  Connect([](const CommandWords&) { return ":1\r\n"; });
  link_->Read({"GET", "a"}, [this](const Result<Reply>& reply) {
    EXPECT_TRUE(reply.ok());
    Read("b");
  });
  RunUntil([this] { return ends_.size() == 1; });
}

TEST_F(RedisLinkTest, DropsTheOldestOfWhatMayBeDropped) {
  Connect(Ok);
  link_->Write({"SET", "kept"});
  for (size_t i = 0; i < limits::kControlQueueCommandsMax; ++i) {
    link_->Write({"SET", std::to_string(i)}, RedisLink::Loss::kMayBeDropped);
  }
  EXPECT_LE(link_->unacknowledged(), limits::kControlQueueCommandsMax);
  EXPECT_GT(link_->lost_writes(), 0u);
  const uint64_t dropped = link_->lost_writes();
  RunUntil([this] { return link_->unacknowledged() == 0; });
  const Lines lines = server_->ReceivedLines();
  EXPECT_EQ(lines.front(), "SET kept");
  EXPECT_EQ(lines[1], "SET " + std::to_string(dropped));
  EXPECT_EQ(lines.back(), "SET " + std::to_string(limits::kControlQueueCommandsMax - 1));
}

TEST_F(RedisLinkTest, NeverDropsWhatMustArrive) {
  Connect(Ok);
  for (size_t i = 0; i < limits::kControlQueueCommandsMax + 10; ++i) link_->Write({"SET", "a"});
  EXPECT_EQ(link_->lost_writes(), 0u);
  EXPECT_EQ(link_->unacknowledged(), limits::kControlQueueCommandsMax + 10);
}

TEST_F(RedisLinkTest, WritesManyMegabytes) {
  size_t bytes = 0;
  Connect([&bytes](const CommandWords& words) {
    bytes += words[1].size();
    return "+OK\r\n";
  });
  const std::string chunk(300000, 'x');
  for (int i = 0; i < 30; ++i) link_->Write({"SET", chunk});
  RunUntil([this] { return link_->unacknowledged() == 0; });
  EXPECT_EQ(bytes, 30 * chunk.size());
}

}  // namespace
}  // namespace rayx::control
