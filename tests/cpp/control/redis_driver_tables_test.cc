// The tables of drivers, functions and errors against servers that misbehave; what they do
// otherwise is in tables_test.cc.

#include "control/redis_driver_tables.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "control/fake_server.h"
#include "control/loop_runner.h"
#include "control/records.h"
#include "control/records_maker.h"

namespace rayx::control {
namespace {

std::string Bulks(const std::vector<std::string>& texts) {
  std::string bytes = "*" + std::to_string(texts.size()) + "\r\n";
  for (const std::string& text : texts) {
    bytes += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  return bytes;
}

class RedisDriverTablesTest : public testing::Test {
 protected:
  RedisDriverTablesTest()
      : server_(runner_.loop(), [this](const CommandWords& words) { return answer_(words); }),
        shards_(runner_.loop(), {{server_.path(), "rayx", "secret"}}) {}

  void RunUntil(const std::function<bool()>& happened, const std::function<void()>& act = {}) {
    runner_.RunUntil(happened, [&] {
      if (act) act();
      shards_.Flush();
    });
  }

  LoopRunner runner_;
  FakeServer::Answer answer_ = [](const CommandWords&) { return "+OK\r\n"; };
  FakeServer server_;
  RedisShards shards_;
};

TEST_F(RedisDriverTablesTest, ErrorsSentTwiceAreListedOnce) {
  RedisErrorTable errors(&shards_, "w");
  ErrorRecord error;
  error.text = "first";
  const std::string first = ErrorLine("w-1", error);
  error.text = "second";
  const std::string second = ErrorLine("w-2", error);
  answer_ = [&](const CommandWords&) { return Bulks({first, second, "no error", first, second}); };
  std::optional<Result<std::vector<ErrorRecord>>> answer;
  errors.List(DriverId(), [&answer](auto result) { answer = std::move(result); });
  RunUntil([&answer] { return answer.has_value(); });
  ASSERT_TRUE(answer->ok());
  ASSERT_EQ((*answer)->size(), 2u);
  EXPECT_EQ((*answer)->at(0).text, "first");
  EXPECT_EQ((*answer)->at(1).text, "second");
}

TEST_F(RedisDriverTablesTest, EachErrorHasItsOwnSerial) {
  RedisErrorTable errors(&shards_, "w");
  errors.Append(ErrorRecord());
  errors.Append(ErrorRecord());
  RunUntil([this] { return server_.received().size() == 4; });
  EXPECT_TRUE(server_.received()[0][2].starts_with("w-1\t"));
  EXPECT_TRUE(server_.received()[2][2].starts_with("w-2\t"));
  EXPECT_EQ(server_.ReceivedLines()[1].substr(0, 6), "LTRIM ");
}

TEST_F(RedisDriverTablesTest, RemovalGoesOnWhenTheListCouldNotBeRead) {
  RedisFunctionTable functions(&shards_);
  const std::string id = MakeId<FunctionId>(3).Hex();
  int refusals = 1;
  answer_ = [&](const CommandWords& words) -> std::string {
    if (words[0] != "SMEMBERS") return ":1\r\n";
    return refusals-- > 0 ? "-ERR not now\r\n" : Bulks({id, "no id"});
  };
  functions.RemoveDriver(MakeId<DriverId>(1));
  RunUntil([this] { return server_.received().size() == 4; }, [&functions] { functions.Flush(); });
  const auto lines = server_.ReceivedLines();
  EXPECT_EQ(lines[2], "DEL rayx:function:" + id);
  EXPECT_EQ(lines[3], "DEL rayx:driver-functions:" + MakeId<DriverId>(1).Hex());
}

TEST_F(RedisDriverTablesTest, ABadFunctionIsAStatusAMissingOneIsNot) {
  RedisFunctionTable functions(&shards_);
  std::optional<Result<std::optional<FunctionRecord>>> answer;
  const auto get = [&](const std::string& reply) {
    answer.reset();
    answer_ = [reply](const CommandWords&) { return reply; };
    functions.Get(FunctionId(), [&answer](auto result) { answer = std::move(result); });
    RunUntil([&answer] { return answer.has_value(); });
  };
  get(Bulks({"name", "f"}));
  EXPECT_EQ(answer->status().code(), StatusCode::kProtocolError);
  get(Bulks({}));
  ASSERT_TRUE(answer->ok());
  EXPECT_FALSE(answer->value().has_value());
  get(":1\r\n");
  EXPECT_FALSE(answer->ok());
}

TEST_F(RedisDriverTablesTest, DriversAreWrittenBeforeTheyAreListed) {
  RedisDriverTable drivers(&shards_);
  drivers.Register(MakeDriver(1));
  RunUntil([this] { return server_.received().size() == 2; });
  EXPECT_EQ(server_.received()[0][0], "HSET");
  EXPECT_EQ(server_.ReceivedLines()[1], "SADD rayx:drivers " + MakeId<DriverId>(1).Hex());
}

}  // namespace
}  // namespace rayx::control
