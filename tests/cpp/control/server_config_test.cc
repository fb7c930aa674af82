#include "control/server_config.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "control/control_server.h"
#include "control/loop_runner.h"
#include "control/redis_link.h"

namespace rayx::control {
namespace {

const ServerConfig kConfig = {"/run/s/control.sock", "/run/s", "0123456789abcdef"};

TEST(ServerConfigTest, OpensNoPortAndSavesByAppendOnlyFile) {
  const auto text = ServerConfigText(kConfig);
  ASSERT_TRUE(text.ok());
  for (const std::string line :
       {"port 0\n", "unixsocket \"/run/s/control.sock\"\n", "unixsocketperm 700\n",
        "daemonize no\n", "hz 2\n", "appendonly yes\n", "appendfsync everysec\n", "save \"\"\n",
        "logfile \"\"\n", "user default reset\n",
        "user rayx reset on >0123456789abcdef ~rayx:* &rayx:* -@all +"}) {
    EXPECT_NE(("\n" + *text).find("\n" + line), std::string::npos) << line << "\n" << *text;
  }
}

TEST(ServerConfigTest, PathsCannotAddLines) {
  ServerConfig config = kConfig;
  config.directory = "/run/a b\"\\\nport 6379";
  const auto text = ServerConfigText(config);
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("dir \"/run/a b\\x22\\x5c\\x0aport 6379\"\n"), std::string::npos) << *text;
}

TEST(ServerConfigTest, RefusesWhatMakesNoConfig) {
  for (const std::string password :
       {"", "short", "0123456789abcde", "0123456789abcdef\n", "with a space in it"}) {
    ServerConfig config = kConfig;
    config.password = password;
    const auto text = ServerConfigText(config);
    ASSERT_FALSE(text.ok()) << password;
    EXPECT_EQ(text.status().code(), StatusCode::kInvalidArgument);
    EXPECT_TRUE(password.empty() || text.status().message().find(password) == std::string::npos);
  }
  ServerConfig relative = kConfig;
  relative.socket_path = "control.sock";
  EXPECT_FALSE(ServerConfigText(relative).ok());
}

class ServedConfigTest : public testing::Test {
 protected:
  std::string Ask(RedisLink* link, std::vector<std::string_view> words) {
    std::optional<std::string> answer;
    link->Read(words, [&answer](const Result<Reply>& reply) {
      answer = reply.ok() ? reply->Describe() : reply.status().message();
    });
    runner_.RunUntil([&answer] { return answer.has_value(); }, [link] { link->Flush(); });
    return answer.value_or("");
  }

  LoopRunner runner_;
  ControlServer server_;
};

// S12: the tables' user may do nothing that the tables do not need.
TEST_F(ServedConfigTest, S12UserMayNotAdministrate) {
  RedisLink link(runner_.loop(), server_.rayx());
  const std::vector<std::vector<std::string_view>> forbidden = {{"CONFIG", "GET", "*"},
                                                                {"CONFIG", "SET", "dir", "/tmp"},
                                                                {"MODULE", "LIST"},
                                                                {"REPLICAOF", "localhost", "1"},
                                                                {"SLAVEOF", "localhost", "1"},
                                                                {"EVAL", "return 1", "0"},
                                                                {"SAVE"},
                                                                {"BGSAVE"},
                                                                {"BGREWRITEAOF"},
                                                                {"SHUTDOWN"},
                                                                {"ACL", "LIST"},
                                                                {"KEYS", "*"},
                                                                {"FLUSHALL"},
                                                                {"CLIENT", "LIST"},
                                                                {"MONITOR"},
                                                                {"FUNCTION", "LIST"},
                                                                {"GET", "rayx:a"},
                                                                {"HSET", "other", "a", "b"},
                                                                {"PUBLISH", "other", "a"},
                                                                {"HGETALL", "other"}};
  for (const auto& words : forbidden) {
    EXPECT_NE(Ask(&link, words).find("NOPERM"), std::string::npos) << words[0];
  }
  // The server refuses this one to everybody, before it looks at users.
  EXPECT_NE(Ask(&link, {"DEBUG", "SLEEP", "0"}).find("the error"), std::string::npos);
  EXPECT_EQ(Ask(&link, {"HSET", "rayx:a", "a", "b"}), "the number 1");
  EXPECT_EQ(Ask(&link, {"PUBLISH", "rayx:a", "b"}), "the number 0");
}

TEST_F(ServedConfigTest, EveryCommandUsedIsAllowed) {
  RedisLink admin(runner_.loop(), server_.admin());
  for (const std::string_view command : CommandsUsed()) {
    const std::string known = Ask(&admin, {"COMMAND", "INFO", command});
    EXPECT_EQ(known, "a list of 1") << command;
  }
}

TEST_F(ServedConfigTest, DefaultUserIsOff) {
  for (const std::string& password : {std::string("none"), ControlServer::password()}) {
    RedisLink link(runner_.loop(), {server_.path(), "default", password});
    EXPECT_NE(Ask(&link, {"PING"}).find("password"), std::string::npos);
  }
}

TEST_F(ServedConfigTest, S4SocketIsPrivate) {
  RedisLink link(runner_.loop(), server_.rayx());
  EXPECT_EQ(Ask(&link, {"PING"}), "the status 'PONG'");
  struct stat info {};
  ASSERT_EQ(stat(server_.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

}  // namespace
}  // namespace rayx::control
