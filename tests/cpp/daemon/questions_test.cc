// Questions to a real node (common/protocol/questions.fbs).
#include "daemon/questions.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "client/ask.h"
#include "daemon/raw_peer.h"
#include "daemon/test_node.h"

namespace rayx {
namespace {

using flatbuffers::FlatBufferBuilder;
using protocol::MessageType;

class QuestionsTest : public ::testing::Test {
 protected:
  Value Ask(const std::string& question, const Value& fields = {}) {
    const Result<Value> reply = driver_.client().Ask(question, fields, 10'000);
    EXPECT_TRUE(reply.ok()) << reply.status().ToString();
    return reply.ok() ? *reply : Value();
  }

  TestNode node_;
  TestDriver driver_{node_.socket_path()};
};

// Each of the schema is answered: a handler that is missing is found here.
TEST_F(QuestionsTest, EachIsAnswered) {
  for (const protocol::Question question : protocol::EnumValuesQuestion()) {
    if (question == protocol::Question::NONE) continue;
    const std::string name = protocol::EnumNameQuestion(question);
    if (question == protocol::Question::NamedActor) {
      EXPECT_TRUE(driver_.client().FindActor("nobody", 10'000).ok());
      continue;
    }
    // It is alone, and says that it cannot be drained.
    if (question == protocol::Question::Drain) {
      EXPECT_EQ(driver_.client().Ask(name, Value(), 10'000).status().code(),
                StatusCode::kUnavailable);
      continue;
    }
    const Value task = Value::OfTable({{"task_id", Value::OfBytes(std::string(16, 't'))}});
    const bool of_task =
        question == protocol::Question::Explain || question == protocol::Question::HoldUp;
    Value fields = of_task ? task : Value();
    if (question == protocol::Question::Records) {
      fields = Value::OfTable({{"kind", Value::OfText("tasks")}, {"most", Value::OfInteger(5)}});
    }
    EXPECT_EQ(Ask(name, fields).kind, Value::Kind::kTable) << name;
  }
}

TEST_F(QuestionsTest, ANodeThatIsNotThereIsNotAsked) {
  const Value own = Ask("Node");
  EXPECT_EQ(Ask("Node", Value::OfTable({{"node", own["node_id"]}}))["pid"].integer,
            own["pid"].integer)
      << "of itself it is asked as anybody";
  const Value other = Value::OfTable({{"node", Value::OfBytes(std::string(16, 'n'))}});
  const Result<Value> reply = driver_.client().Ask("Node", other, 10'000);
  ASSERT_FALSE(reply.ok());
  EXPECT_NE(reply.status().message().find("there is no other node"), std::string::npos)
      << reply.status().message();
}

TEST_F(QuestionsTest, OfATaskOfSomebodyElseNothingIsTold) {
  const ObjectId waits = driver_.Submit("wait for file", node_.scratch() + "/gate");
  EXPECT_EQ(Ask("Unfinished")["count"].integer, 1);
  EXPECT_NE(*AskWhy(driver_.client(), waits, 10'000), "");
  TestDriver other{node_.socket_path()};
  EXPECT_EQ(*AskWhy(other.client(), waits, 10'000), "");
  driver_.Call("touch", node_.scratch() + "/gate");
  EXPECT_EQ(driver_.Get(waits), "there");
  EXPECT_EQ(Ask("Unfinished")["count"].integer, 0);
}

TEST_F(QuestionsTest, RecordsOfEachKindAreListed) {
  driver_.Call("touch", node_.scratch() + "/done");
  for (const char* kind : {"drivers", "functions", "tasks", "actors", "objects", "errors"}) {
    const Value reply = Ask(
        "Records", Value::OfTable({{"kind", Value::OfText(kind)}, {"most", Value::OfInteger(9)}}));
    EXPECT_EQ(reply["left_out"].integer, 0) << kind;
    const bool is_one = kind == std::string("drivers");
    if (is_one) {
      EXPECT_EQ(reply["records"].items.size(), 1) << kind;
    }
  }
  const Result<Value> weather =
      driver_.client().Ask("Records", Value::OfTable({{"kind", Value::OfText("weather")}}), 10'000);
  EXPECT_NE(weather.status().message().find("no records of weather"), std::string::npos);
}

TEST_F(QuestionsTest, WhoAsksWhatIsNoQuestionIsCutOff) {
  const auto is_cut_off = [this](protocol::Question kind, bool with_name) {
    RawPeer peer(node_.socket_path());
    peer.BecomeDriver();
    peer.SendMessage(MessageType::Query, [&](FlatBufferBuilder& builder) {
      // Of a table that has no fields, or one.
      const auto name = with_name ? builder.CreateString("name") : 0;
      const auto start = builder.StartTable();
      if (with_name) builder.AddOffset(flatbuffers::FieldIndexToOffset(0), name);
      const flatbuffers::Offset<void> table(builder.EndTable(start));
      return protocol::CreateQuery(builder, 1, kind, table);
    });
    return peer.IsClosedWithin(std::chrono::seconds(10));
  };
  EXPECT_TRUE(is_cut_off(protocol::Question::NONE, false));
  EXPECT_TRUE(is_cut_off(static_cast<protocol::Question>(200), false));
  EXPECT_TRUE(is_cut_off(protocol::Question::Explain, false)) << "of no task";
  EXPECT_TRUE(is_cut_off(protocol::Question::NamedActor, false)) << "without a name";
  EXPECT_NE(driver_.Dump(), "");
}

}  // namespace
}  // namespace rayx
