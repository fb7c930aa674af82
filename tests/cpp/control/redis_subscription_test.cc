#include "control/redis_subscription.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/control_server.h"
#include "control/fake_server.h"
#include "control/loop_runner.h"
#include "control/redis_link.h"

namespace rayx::control {
namespace {

std::string List3(const std::string& kind, const std::string& channel, const std::string& last) {
  const auto bulk = [](const std::string& text) {
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  };
  return "*3\r\n" + bulk(kind) + bulk(channel) + last;
}
const std::string kAck = List3("subscribe", "rayx:c", ":1\r\n");

class RedisSubscriptionTest : public testing::Test {
 protected:
  void Subscribe(const RedisEndpoint& endpoint) {
    subscription_.emplace(
        runner_.loop(), endpoint, "rayx:c", [this] { ++subscribed_; },
        [this](std::string text) { messages_.push_back(std::move(text)); });
  }

  LoopRunner runner_;
  std::optional<RedisSubscription> subscription_;
  int subscribed_ = 0;
  std::vector<std::string> messages_;
};

TEST_F(RedisSubscriptionTest, HearsMessagesAndSubscribesAnew) {
  FakeServer server(runner_.loop(), [](const CommandWords&) { return kAck; });
  Subscribe({server.path(), "rayx", "secret"});
  runner_.RunUntil([this] { return subscribed_ == 1; });
  server.SendToAll(List3("message", "rayx:c", "$2\r\nhi\r\n"));
  runner_.RunUntil([this] { return messages_.size() == 1; });
  server.CloseAll();
  runner_.RunUntil([this] { return subscribed_ == 2; });
  server.SendToAll(List3("message", "rayx:c", "$3\r\nyou\r\n"));
  runner_.RunUntil([this] { return messages_.size() == 2; });
  EXPECT_EQ(messages_, (std::vector<std::string>{"hi", "you"}));
  EXPECT_EQ(server.ReceivedLines(),
            (std::vector<std::string>{"SUBSCRIBE rayx:c", "SUBSCRIBE rayx:c"}));
}

TEST_F(RedisSubscriptionTest, NonsenseEndsTheConnection) {
  const std::vector<std::string> nonsense = {"+OK\r\n",
                                             ":1\r\n",
                                             "*0\r\n",
                                             "-NOPERM no\r\n",
                                             List3("message", "other", "$1\r\nx\r\n"),
                                             List3("message", "rayx:c", ":1\r\n"),
                                             List3("shout", "rayx:c", "$1\r\nx\r\n")};
  FakeServer server(runner_.loop(), [](const CommandWords&) { return kAck; });
  Subscribe({server.path(), "rayx", "secret"});
  int expected = 1;
  for (const std::string& bytes : nonsense) {
    runner_.RunUntil([&] { return subscribed_ == expected; });
    server.SendToAll(bytes);
    ++expected;
  }
  runner_.RunUntil([&] { return subscribed_ == expected; });
  EXPECT_TRUE(messages_.empty());
}

TEST_F(RedisSubscriptionTest, HearsARealServerAgainAfterItsDeath) {
  ControlServer server;
  Subscribe(server.rayx());
  RedisLink link(runner_.loop(), server.rayx());
  const auto flush = [&link] { link.Flush(); };
  runner_.RunUntil([this] { return subscribed_ == 1; }, flush);
  link.Write({"PUBLISH", "rayx:c", "first"});
  runner_.RunUntil([this] { return messages_.size() == 1; }, flush);
  server.Kill();
  server.Start();
  runner_.RunUntil([this] { return subscribed_ == 2; }, flush);
  link.Write({"PUBLISH", "rayx:c", "second"});
  runner_.RunUntil([this] { return messages_.size() == 2; }, flush);
  EXPECT_EQ(messages_, (std::vector<std::string>{"first", "second"}));
}

}  // namespace
}  // namespace rayx::control
