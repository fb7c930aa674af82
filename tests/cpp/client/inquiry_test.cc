#include "client/inquiry.h"

#include <gtest/gtest.h>

#include "client/fake_node.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

class InquiryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    node_.Serve(true);
    uint8_t bytes[16] = {'d'};
    auto client = Client::ConnectDriver({node_.path(), DriverId::FromBytes(bytes), "3.11", ""});
    ASSERT_TRUE(client.ok());
    client_ = std::move(*client);
  }
  FakeNode node_;
  std::unique_ptr<Client> client_;
};

TEST_F(InquiryTest, FetchesFunctions) {
  uint8_t bytes[16] = {1};
  EXPECT_EQ(*client_->FetchFunction(FunctionId::FromBytes(bytes)), node_.function());
  EXPECT_EQ(client_->FetchFunction(FunctionId()).status().code(), StatusCode::kNotFound);
}

TEST_F(InquiryTest, ExportsFunctionsUpToTheirLimit) {
  const std::vector<uint8_t> pickled(limits::kFunctionBytesMax + 1);
  EXPECT_EQ(client_->ExportFunction({}, "f", pickled).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(client_->ExportFunction({}, std::string(2000, 'n'), {}).code(),
            StatusCode::kInvalidArgument);
  ASSERT_TRUE(client_->ExportFunction({}, "f", std::span(pickled).first(10)).ok());
  const FakeNode::Received received = node_.Next();
  ASSERT_EQ(received.type, protocol::MessageType::ExportFunction);
  EXPECT_EQ(received.As<protocol::ExportFunction>().pickled()->size(), 10u);
}

TEST_F(InquiryTest, AsksQuestions) {
  const auto errors = client_->Errors(-1);
  ASSERT_TRUE(errors.ok());
  ASSERT_EQ(errors->size(), 1u);
  EXPECT_EQ((*errors)[0].text, "boom");
  const auto resources = client_->ClusterResources(-1);
  ASSERT_TRUE(resources.ok());
  EXPECT_EQ(resources->total.Get("CPU"), ResourceAmount::Of(2));
  EXPECT_EQ(*client_->Dump(-1), "a dump");
}

TEST_F(InquiryTest, TimesOutAndDropsTheLateAnswer) {
  node_.set_answering(false);
  EXPECT_EQ(client_->Dump(5).status().code(), StatusCode::kTimedOut);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(protocol::CreateAnswer(builder, 1));
  node_.Send(protocol::MessageType::Answer, builder);
  node_.set_answering(true);
  EXPECT_EQ(*client_->Dump(-1), "a dump");
}

}  // namespace
}  // namespace rayx
