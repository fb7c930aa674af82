#include "client/tasks/inquiry.h"

#include <gtest/gtest.h>

#include "client/ask.h"
#include "client/fake_node_driver.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

class InquiryTest : public FakeNodeDriverTest {};

TEST_F(InquiryTest, FetchesFunctions) {
  uint8_t bytes[16] = {1};
  EXPECT_EQ(*client_->FetchFunction(FunctionId::FromBytes(bytes)), node_.function());
  EXPECT_EQ(client_->FetchFunction(FunctionId()).status().code(), StatusCode::kNotFound);
}

TEST_F(InquiryTest, ExportsFunctionsUpToTheirLimit) {
  const std::vector<uint8_t> pickled(limits::kFunctionBytesMax + 1);
  EXPECT_EQ(client_->ExportFunction({}, "f", pickled, {}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->ExportFunction({}, std::string(2000, 'n'), {}, {}).code(),
            StatusCode::kInvalidArgument);
  const ObjectId inside = ObjectId::ForPut(TaskId(), 5);
  ASSERT_TRUE(
      client_->ExportFunction({}, "f", std::span(pickled).first(10), std::span(&inside, 1)).ok());
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, protocol::MessageType::ExportFunction);
  const auto& message = received.As<protocol::ExportFunction>();
  EXPECT_EQ(message.pickled()->size(), 10u);
  EXPECT_EQ(FromWire(message.contained()), std::vector{inside});
}

TEST_F(InquiryTest, AsksQuestions) {
  const auto errors = AskErrors(*client_, -1);
  ASSERT_TRUE(errors.ok());
  ASSERT_EQ(errors->size(), 1u);
  EXPECT_EQ((*errors)[0]["text"].text, "boom");
  const auto resources = client_->Ask("Resources", {}, -1);
  ASSERT_TRUE(resources.ok());
  ASSERT_EQ((*resources)["total"].items.size(), 1u);
  EXPECT_EQ((*resources)["total"].items[0]["name"].text, "CPU");
  EXPECT_EQ((*resources)["total"].items[0]["units"].integer, 20000);
  EXPECT_EQ(*AskDump(*client_, -1), "a dump");
  EXPECT_EQ(*AskWhy(*client_, ObjectId::ForReturn(TaskId(), 3), -1), "a reason");
}

TEST_F(InquiryTest, AsksNoQuestionThatThereIsNot) {
  EXPECT_EQ(client_->Ask("Weather", {}, -1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->Ask("NONE", {}, -1).status().code(), StatusCode::kInvalidArgument);
  // Whoever asks for an actor refers to it from then on, which a value cannot.
  const Value name = Value::OfTable({{"name", Value::OfText("known")}});
  EXPECT_EQ(client_->Ask("NamedActor", name, -1).status().code(), StatusCode::kInvalidArgument);
}

// A client that looks for signals, and a node whose test answers.
class LateInquiryTest : public FakeNodeDriverTest {
 protected:
  void SetUp() override {
    looks_for_signals_ = true;
    FakeNodeDriverTest::SetUp();
    node_.set_answering(false);
  }
};

// Answers at the third look. If each look ended the question, there would be three by then.
struct LateAnswer : Looker {
  FakeNode* node;
  int seen = 0;
  explicit LateAnswer(FakeNode* given) : Looker{Look}, node(given) {}
  static bool Look(Looker* self, int64_t) {
    LateAnswer& answer = *static_cast<LateAnswer*>(self);
    if (++answer.seen < 3) return true;
    answer.node->AnswerTo(answer.node->Next());
    EXPECT_EQ(answer.node->pending(), 0u);
    return true;
  }
};

TEST_F(LateInquiryTest, AQuestionIsAskedOnceHoweverOftenSignalsAreLookedFor) {
  LateAnswer looker(&node_);
  const auto resources = client_->Ask("Resources", {}, -1, &looker);
  ASSERT_TRUE(resources.ok()) << resources.status().ToString();
  EXPECT_EQ((*resources)["total"].items[0]["name"].text, "CPU");
  EXPECT_EQ(looker.seen, 3);
}

TEST_F(LateInquiryTest, SoIsAFunctionAndAnActor) {
  LateAnswer functions(&node_);
  uint8_t bytes[16] = {1};
  EXPECT_EQ(*client_->FetchFunction(FunctionId::FromBytes(bytes), &functions), node_.function());
  EXPECT_EQ(functions.seen, 3);
  LateAnswer actors(&node_);
  const auto found = client_->FindActor("known", -1, &actors);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ(actors.seen, 3);
}

TEST_F(LateInquiryTest, ALookCanEndAQuestionAndTheTimeDoes) {
  Looker stops{[](Looker*, int64_t) { return false; }};
  EXPECT_EQ(client_->Ask("Resources", {}, -1, &stops).status().code(), StatusCode::kInterrupted);
  Looker goes_on{[](Looker*, int64_t) { return true; }};
  EXPECT_EQ(client_->Ask("Resources", {}, 120, &goes_on).status().code(), StatusCode::kTimedOut);
  EXPECT_EQ(client_->Ask("Resources", {}, -1).status().code(), StatusCode::kInterrupted);
}

TEST_F(InquiryTest, WhatTheNodeCannotTellIsAnError) {
  const auto unfinished = client_->Ask("Unfinished", {}, -1);
  EXPECT_EQ(unfinished.status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(unfinished.status().message(), "not now");
}

TEST_F(InquiryTest, FindsActorsAndRefersToThem) {
  const auto found = client_->FindActor("known", -1);
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->id, FakeNode::NamedActor());
  EXPECT_EQ((*found)->info, "info");
  EXPECT_FALSE(client_->FindActor("unknown", -1)->has_value());
  const FakeNode::Received query = node_.Next();
  EXPECT_EQ(query.As<protocol::Query>().question_as_NamedActor()->name()->str(), "known");
  // The second question took it along: from here on it counts as any ObjectID does.
  const FakeNode::Received add = node_.Next();
  ASSERT_EQ(add.type, protocol::MessageType::AddReferences);
  EXPECT_EQ(node_.Next().type, protocol::MessageType::Query);
  client_->RemoveLocalReference((*found)->id);
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, protocol::MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{FakeNode::NamedActor()});
  EXPECT_EQ(client_->FindActor("", -1).status().code(), StatusCode::kInvalidArgument);
}

// Nobody would ever let go of it otherwise.
TEST_F(InquiryTest, AnActorThatIsFoundTooLateIsLetGo) {
  node_.set_answering(false);
  EXPECT_EQ(client_->FindActor("known", 5).status().code(), StatusCode::kTimedOut);
  const FakeNode::Received query = node_.Next();
  flatbuffers::FlatBufferBuilder builder;
  const ObjectId actor = FakeNode::NamedActor();
  const auto reply = protocol::CreateNamedActorReply(builder, ToWire(actor));
  const uint64_t request = query.As<protocol::Query>().request();
  builder.Finish(protocol::CreateAnswer(builder, request, protocol::Outcome::Ok, 0,
                                        protocol::Reply::NamedActor, reply.Union()));
  node_.Send(protocol::MessageType::Answer, builder);
  node_.set_answering(true);
  EXPECT_TRUE(AskDump(*client_, -1).ok());
  EXPECT_EQ(node_.Next().type, protocol::MessageType::Query);
  EXPECT_TRUE(AskDump(*client_, -1).ok());
  EXPECT_EQ(node_.Next().type, protocol::MessageType::AddReferences);
  const FakeNode::Received release = node_.Next();
  ASSERT_EQ(release.type, protocol::MessageType::ReleaseObjects);
  EXPECT_EQ(FromWire(release.As<protocol::ReleaseObjects>().unreferenced()),
            std::vector<ObjectId>{actor});
}

TEST_F(InquiryTest, TellsWorkersWhatToRun) {
  const std::vector<uint8_t> pickled(limits::kFunctionBytesMax + 1);
  EXPECT_EQ(client_->AddWorkerSetup(pickled).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(client_->AddWorkerSetup(std::span(pickled).first(10)).ok());
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, protocol::MessageType::AddWorkerSetup);
  EXPECT_EQ(received.As<protocol::AddWorkerSetup>().setup()->pickled()->size(), 10u);
}

TEST_F(InquiryTest, TimesOutAndDropsTheLateAnswer) {
  node_.set_answering(false);
  EXPECT_EQ(AskDump(*client_, 5).status().code(), StatusCode::kTimedOut);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateAnswer(builder, 1));
  node_.Send(protocol::MessageType::Answer, builder);
  node_.set_answering(true);
  EXPECT_EQ(*AskDump(*client_, -1), "a dump");
}

}  // namespace
}  // namespace rayx
