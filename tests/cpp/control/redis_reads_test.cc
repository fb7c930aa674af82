#include "control/redis_reads.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/fake_server.h"
#include "control/loop_runner.h"
#include "control/records_maker.h"

namespace rayx::control {
namespace {

std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}
std::string Bulks(const std::vector<std::string>& texts) {
  std::string bytes = "*" + std::to_string(texts.size()) + "\r\n";
  for (const std::string& text : texts) bytes += Bulk(text);
  return bytes;
}
std::string Page(const std::string& cursor, const std::vector<std::string>& keys) {
  return "*2\r\n" + Bulk(cursor) + Bulks(keys);
}

class RedisReadsTest : public testing::Test {
 protected:
  RedisReadsTest()
      : server_(runner_.loop(), [this](const CommandWords& words) { return answers_[words]; }),
        link_(runner_.loop(), {server_.path(), "rayx", "secret"}) {}

  template <typename T>
  Result<T> Ask(const std::function<void(Callback<T>)>& ask) {
    std::optional<Result<T>> answer;
    ask([&answer](Result<T> result) { answer = std::move(result); });
    if (!answer) runner_.RunUntil([&] { return answer.has_value(); }, [this] { link_.Flush(); });
    return *answer;
  }
  Result<std::vector<KeyedFields>> Scan() {
    return Ask<std::vector<KeyedFields>>([this](auto done) { ScanHashes({&link_}, "t:", done); });
  }
  void AnswerScan(const std::string& cursor, std::string bytes) {
    answers_[{"SCAN", cursor, "MATCH", "t:*", "COUNT", "1000"}] = std::move(bytes);
  }

  LoopRunner runner_;
  std::map<CommandWords, std::string> answers_;
  FakeServer server_;
  RedisLink link_;
};

TEST_F(RedisReadsTest, ReadsAHash) {
  answers_[{"HGETALL", "k"}] = Bulks({"a", "1", "b", "2"});
  const auto fields = Ask<Fields>([this](auto done) { ReadHash(&link_, "k", done); });
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(*fields, (Fields{{"a", "1"}, {"b", "2"}}));
}

TEST_F(RedisReadsTest, RepliesOfTheWrongTypeAreAStatus) {
  for (const std::string bytes :
       {"+OK\r\n", ":1\r\n", "$-1\r\n", "*1\r\n:1\r\n", "*1\r\n$1\r\na\r\n", "-WRONGTYPE x\r\n"}) {
    answers_[{"HGETALL", "k"}] = bytes;
    const auto fields = Ask<Fields>([this](auto done) { ReadHash(&link_, "k", done); });
    ASSERT_FALSE(fields.ok()) << bytes;
    EXPECT_EQ(fields.status().code(), StatusCode::kProtocolError);
  }
  EXPECT_TRUE(link_.connected());
}

TEST_F(RedisReadsTest, ReadsManyHashesWithoutThoseMissing) {
  answers_[{"HGETALL", "a"}] = Bulks({"f", "1"});
  answers_[{"HGETALL", "b"}] = Bulks({});
  answers_[{"HGETALL", "c"}] = Bulks({"f", "3"});
  const auto hashes = Ask<std::vector<KeyedFields>>([this](auto done) {
    ReadHashes(&link_, {"c", "b", "a"}, done);
  });
  ASSERT_TRUE(hashes.ok());
  ASSERT_EQ(hashes->size(), 2u);
  EXPECT_EQ((*hashes)[0].key, "c");
  EXPECT_EQ((*hashes)[1].key, "a");
  answers_[{"HGETALL", "b"}] = "-ERR broken\r\n";
  EXPECT_FALSE(Ask<std::vector<KeyedFields>>([this](auto done) {
                 ReadHashes(&link_, {"c", "b", "a"}, done);
               }).ok());
  EXPECT_TRUE(
      Ask<std::vector<KeyedFields>>([this](auto done) { ReadHashes(&link_, {}, done); }).ok());
}

TEST_F(RedisReadsTest, ScansPageByPageAndDropsRepeatedAndForeignKeys) {
  AnswerScan("0", Page("17", {"t:b", "t:a"}));
  AnswerScan("17", Page("99", {}));
  AnswerScan("99", Page("0", {"t:a", "t:c", "x"}));
  for (const std::string key : {"t:a", "t:b", "t:c"})
    answers_[{"HGETALL", key}] = Bulks({"f", key});
  const auto hashes = Scan();
  ASSERT_TRUE(hashes.ok()) << hashes.status().ToString();
  ASSERT_EQ(hashes->size(), 3u);
  EXPECT_EQ((*hashes)[0].key, "t:a");
  EXPECT_EQ((*hashes)[2].fields, (Fields{{"f", "t:c"}}));
  EXPECT_EQ(server_.received().size(), 6u);
}

TEST_F(RedisReadsTest, BadPagesEndTheScan) {
  for (const std::string& bytes :
       {std::string("+OK\r\n"), std::string("*0\r\n"), Bulks({"0"}), Bulks({"0", "t:a"}),
        std::string("*2\r\n:0\r\n*0\r\n"), std::string("-NOPERM no\r\n")}) {
    AnswerScan("0", bytes);
    EXPECT_FALSE(Scan().ok()) << bytes;
  }
}

TEST_F(RedisReadsTest, BadRecordsDoNotHideGoodOnes) {
  const std::string good = MakeId<DriverId>(1).Hex();
  const std::string bad = MakeId<DriverId>(2).Hex();
  answers_[{"SMEMBERS", "all"}] = Bulks({bad, "no id", good});
  answers_[{"HGETALL", "d:" + bad}] = Bulks({"pid", "many"});
  answers_[{"HGETALL", "d:no id"}] = Bulks({"pid", "1"});
  answers_[{"HGETALL", "d:" + good}] =
      Bulks({"node", good, "pid", "7", "started_at", "1", "ended_at", "0"});
  const auto drivers = Ask<std::vector<DriverRecord>>([this](auto done) {
    ReadIndexed<DriverRecord, DriverId>(&link_, "all", "d:", &ParseDriver, done);
  });
  ASSERT_TRUE(drivers.ok());
  ASSERT_EQ(drivers->size(), 1u);
  EXPECT_EQ(drivers->front().pid, 7);
}

}  // namespace
}  // namespace rayx::control
