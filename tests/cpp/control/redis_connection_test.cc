#include "control/redis_connection.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/control_server.h"
#include "control/fake_server.h"
#include "control/loop_runner.h"

namespace rayx::control {
namespace {

class Recorder : public RedisConnection::Events {
 public:
  void OnReady() override { ++ready; }
  void OnReply(Reply reply) override { replies.push_back(reply.Describe()); }
  void OnWritten() override { ++written; }
  void OnLost() override { ++lost; }

  int ready = 0;
  int written = 0;
  int lost = 0;
  std::vector<std::string> replies;
};

std::string Silent(const CommandWords&) { return ""; }

class RedisConnectionTest : public testing::Test {
 protected:
  LoopRunner runner_;
  Recorder recorder_;
};

TEST_F(RedisConnectionTest, LogsInBeforeItIsReady) {
  FakeServer server(
      runner_.loop(),
      [](const CommandWords& words) {
        return std::string(words[0] == "AUTH" ? "+OK\r\n" : ":0\r\n");
      },
      /*greets=*/false);
  RedisConnection connection(runner_.loop(), {server.path(), "rayx", "secret"}, &recorder_);
  EXPECT_FALSE(connection.ready());
  EXPECT_EQ(connection.health().code(), StatusCode::kUnavailable);
  runner_.RunUntil([&] { return connection.ready(); });
  EXPECT_EQ(server.ReceivedLines(),
            (std::vector<std::string>{"AUTH rayx secret", "EXISTS rayx:nodes"}));
  EXPECT_EQ(recorder_.ready, 1);
  EXPECT_TRUE(connection.health().ok());
}

TEST_F(RedisConnectionTest, WrongPasswordIsToldAndTriedAgain) {
  ControlServer server;
  RedisEndpoint endpoint = server.rayx();
  endpoint.password = "a-wrong-password";
  RedisConnection connection(runner_.loop(), endpoint, &recorder_);
  runner_.RunUntil([&] { return connection.refused(); });
  EXPECT_FALSE(connection.ready());
  EXPECT_EQ(connection.health().code(), StatusCode::kUnavailable);
  const std::string& message = connection.health().message();
  EXPECT_NE(message.find("refused user 'rayx' and its password"), std::string::npos) << message;
  EXPECT_NE(message.find("WRONGPASS"), std::string::npos) << message;
  EXPECT_EQ(message.find(endpoint.password), std::string::npos) << message;
  const int lost = recorder_.lost;
  runner_.RunUntil([&] { return recorder_.lost > lost; });
  EXPECT_EQ(recorder_.ready, 0);
}

TEST_F(RedisConnectionTest, WaitsForAServerThatIsStillLoading) {
  int probes = 0;
  FakeServer server(
      runner_.loop(),
      [&probes](const CommandWords& words) -> std::string {
        if (words[0] == "AUTH") return "+OK\r\n";
        return ++probes < 3 ? "-LOADING Redis is loading the dataset in memory\r\n" : ":0\r\n";
      },
      /*greets=*/false);
  RedisConnection connection(runner_.loop(), {server.path(), "rayx", "secret"}, &recorder_);
  runner_.RunUntil([&] { return connection.ready() || connection.refused(); });
  EXPECT_TRUE(connection.ready());
  EXPECT_EQ(probes, 3);
  EXPECT_EQ(recorder_.lost, 2);
}

TEST_F(RedisConnectionTest, ComesBackAfterEveryKindOfLoss) {
  FakeServer server(runner_.loop(), Silent);
  RedisConnection connection(runner_.loop(), {server.path(), "rayx", "secret"}, &recorder_);
  runner_.RunUntil([&] { return recorder_.ready == 1; });
  server.CloseAll();
  runner_.RunUntil([&] { return recorder_.ready == 2; });
  EXPECT_EQ(recorder_.lost, 1);
  server.SendToAll("no reply\r\n");
  runner_.RunUntil([&] { return recorder_.ready == 3; });
  EXPECT_EQ(recorder_.lost, 2);
  connection.Fail(Status::ProtocolError("test"));
  EXPECT_FALSE(connection.ready());
  EXPECT_NE(connection.health().message().find("test"), std::string::npos);
  runner_.RunUntil([&] { return recorder_.ready == 4; });
}

TEST_F(RedisConnectionTest, KeepsTryingWhereNobodyListens) {
  ScratchDirectory directory;
  RedisConnection connection(runner_.loop(), {directory.path() + "/nobody", "rayx", "x"},
                             &recorder_);
  runner_.RunUntil([&] { return recorder_.lost == 3; });
  EXPECT_NE(connection.health().message().find("/nobody"), std::string::npos);
  EXPECT_FALSE(connection.refused());
}

TEST_F(RedisConnectionTest, WritesMoreThanTheSocketTakes) {
  size_t bytes = 0;
  FakeServer server(runner_.loop(), [&bytes](const CommandWords& words) {
    bytes += words[1].size();
    return std::string("+OK\r\n");
  });
  RedisConnection connection(runner_.loop(), {server.path(), "rayx", "secret"}, &recorder_);
  runner_.RunUntil([&] { return connection.ready(); });
  const std::string large(8u << 20, 'x');
  const std::string_view words[] = {"ECHO", large};
  std::string out;
  AppendCommand(words, &out);
  connection.Send(out);
  EXPECT_EQ(connection.backlog_bytes(), out.size());
  const int written = recorder_.written;
  connection.Flush();
  EXPECT_GT(connection.backlog_bytes(), 0u);
  runner_.RunUntil([&] { return recorder_.replies.size() == 1; });
  EXPECT_EQ(bytes, large.size());
  EXPECT_EQ(recorder_.written, written + 1);
  EXPECT_EQ(connection.backlog_bytes(), 0u);
}

}  // namespace
}  // namespace rayx::control
