#include "client/tasks/questions.h"

#include <gtest/gtest.h>

#include <string>

#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

Value Field(const std::string& name, Value value) {
  return Value::OfTable({{name, std::move(value)}});
}

TEST(QuestionsTest, QuestionsAreWrittenByTheirNames) {
  Builder builder;
  ASSERT_TRUE(EncodeQuestion(&builder, 7, "Resources", {}).ok());
  const auto* query = VerifiedMessage<protocol::Query>(MessageBytes(builder));
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->request(), 7u);
  EXPECT_NE(query->question_as_Resources(), nullptr);
  Builder of_actor;
  const Value name = Field("name", Value::OfText("counter"));
  ASSERT_TRUE(EncodeQuestion(&of_actor, 8, "NamedActor", name).ok());
  query = VerifiedMessage<protocol::Query>(MessageBytes(of_actor));
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(query->question_as_NamedActor()->name()->str(), "counter");
  Builder of_task;
  const std::string id = "0123456789abcdef";
  ASSERT_TRUE(EncodeQuestion(&of_task, 9, "HoldUp", Field("task_id", Value::OfBytes(id))).ok());
  query = VerifiedMessage<protocol::Query>(MessageBytes(of_task));
  ASSERT_NE(query, nullptr);
  EXPECT_EQ(FromWire<TaskId>(*query->question_as_HoldUp()->task_id()),
            TaskId::FromBytes(reinterpret_cast<const uint8_t*>(id.data())));
}

TEST(QuestionsTest, WhatIsNoQuestionIsRefused) {
  const auto refused = [](const std::string& question, const Value& fields) {
    Builder builder;
    const Status status = EncodeQuestion(&builder, 1, question, fields);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_EQ(refused("Weather", {}), "there is no question Weather");
  EXPECT_EQ(refused("NONE", {}), "there is no question NONE");
  EXPECT_EQ(refused("Explain", {}), "the question Explain lacks what it asks about");
  const std::string no_such = "the question Explain takes no such ";
  EXPECT_EQ(refused("Explain", Field("id", Value::OfText("x"))), no_such + "id");
  EXPECT_EQ(refused("Explain", Field("task_id", Value::OfText("x"))), no_such + "task_id");
  EXPECT_EQ(refused("Explain", Field("task_id", Value::OfBytes("short"))), no_such + "task_id");
  EXPECT_EQ(refused("NamedActor", Field("name", Value::OfInteger(3))),
            "the question NamedActor takes no such name");
}

// Writes an answer, and reads it.
template <typename Make>
Value Read(protocol::Reply kind, Make make) {
  Builder builder;
  const auto reply = make(builder);
  builder.Finish(protocol::CreateAnswer(builder, 1, protocol::Outcome::Ok, 0, kind, reply.Union()));
  const auto* answer = VerifiedMessage<protocol::Answer>(MessageBytes(builder));
  EXPECT_NE(answer, nullptr);
  return DecodeReply(*answer);
}

TEST(QuestionsTest, RepliesAreReadByTheirNames) {
  const Value errors = Read(protocol::Reply::Errors, [](Builder& builder) {
    const TaskId task = TaskId::FromBytes(reinterpret_cast<const uint8_t*>("0123456789abcdef"));
    const DriverId driver;
    const auto record = protocol::CreateErrorRecord(builder, ToWire(driver), ToWire(task),
                                                    builder.CreateString("f"), 0, 0, 1.5);
    return protocol::CreateErrorsReply(builder, builder.CreateVector(&record, 1));
  });
  ASSERT_EQ(errors["errors"].items.size(), 1u);
  const Value& error = errors["errors"].items[0];
  EXPECT_EQ(error["task_id"].text, "0123456789abcdef");
  EXPECT_EQ(error["task_id"].kind, Value::Kind::kBytes);
  EXPECT_EQ(error["name"].text, "f");
  EXPECT_EQ(error["kind"].kind, Value::Kind::kNone) << "is absent";
  EXPECT_EQ(error["time"].real, 1.5);
}

TEST(QuestionsTest, NumbersThatAreNotSentAreZero) {
  const auto count = [](uint64_t number) {
    return Read(protocol::Reply::Unfinished, [&](Builder& builder) {
      return protocol::CreateUnfinishedReply(builder, number);
    })["count"];
  };
  EXPECT_EQ(count(0).kind, Value::Kind::kInteger);
  EXPECT_EQ(count(0).integer, 0);
  EXPECT_EQ(count(uint64_t{1} << 40).integer, int64_t{1} << 40);
}

TEST(QuestionsTest, BytesAndIdsMayBeAbsent) {
  const auto none = Read(protocol::Reply::NamedActor,
                         [](Builder& builder) { return protocol::CreateNamedActorReply(builder); });
  EXPECT_EQ(none["actor"].kind, Value::Kind::kNone);
  EXPECT_EQ(none["info"].kind, Value::Kind::kNone);
  const auto found = Read(protocol::Reply::NamedActor, [](Builder& builder) {
    const ObjectId id = ObjectId::ForPut(TaskId(), 1);
    const auto info = builder.CreateVector(std::vector<uint8_t>{'i', 0, 'n'});
    return protocol::CreateNamedActorReply(builder, ToWire(id), info);
  });
  EXPECT_EQ(found["actor"].text.size(), 20u);
  EXPECT_EQ(found["info"].text, std::string("i\0n", 3));
}

TEST(QuestionsTest, AnAnswerWithoutAReplyIsNothing) {
  Builder builder;
  builder.Finish(protocol::CreateAnswer(builder, 1));
  const auto* answer = VerifiedMessage<protocol::Answer>(MessageBytes(builder));
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(DecodeReply(*answer).kind, Value::Kind::kNone);
}

TEST(QuestionsTest, EachQuestionHasAReplyOfItsName) {
  ASSERT_EQ(protocol::Question::MAX, static_cast<protocol::Question>(protocol::Reply::MAX));
  for (const protocol::Question question : protocol::EnumValuesQuestion()) {
    EXPECT_STREQ(protocol::EnumNameQuestion(question),
                 protocol::EnumNameReply(static_cast<protocol::Reply>(question)));
  }
}

}  // namespace
}  // namespace rayx
