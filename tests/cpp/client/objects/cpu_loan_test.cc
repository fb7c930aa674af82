#include "client/objects/cpu_loan.h"

#include <gtest/gtest.h>

#include "client/connection/handshake.h"
#include "client/fake_node.h"
#include "common/base/check.h"

namespace rayx {
namespace {

using protocol::MessageType;

class CpuLoanTest : public testing::Test {
 protected:
  CpuLoanTest() {
    node_.Serve(false);
    auto stream = std::make_unique<FrameStream>(ScopedFd(node_.client_fd()));
    RAYX_CHECK(ShakeHands(stream.get(), {}).ok());
    link_ = std::make_shared<NodeLink>(std::move(stream), references_,
                                       [](FrameStream*, const Frame&) { return Status::Ok(); });
    loan_ = std::make_unique<CpuLoan>(link_.get());
  }

  FakeNode node_;
  std::shared_ptr<ReferenceQueue> references_ = std::make_shared<ReferenceQueue>();
  std::shared_ptr<NodeLink> link_;
  std::unique_ptr<CpuLoan> loan_;
};

TEST_F(CpuLoanTest, TheFirstWaitLendsAndTheLastReturns) {
  ASSERT_TRUE(loan_->OnTaskBegun().ok());
  const auto first = loan_->Lend();
  const auto second = loan_->Lend();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(node_.Next().type, MessageType::Blocked);
  ASSERT_TRUE(loan_->Return(*first).ok());
  EXPECT_EQ(node_.pending(), 0u);
  ASSERT_TRUE(loan_->Return(*second).ok());
  EXPECT_EQ(node_.Next().type, MessageType::Unblocked);
  EXPECT_EQ(node_.pending(), 0u);
}

TEST_F(CpuLoanTest, AWaitThatOutlivesItsTaskIsOver) {
  const auto wait = loan_->Lend();
  EXPECT_EQ(node_.Next().type, MessageType::Blocked);
  loan_->OnTaskEnded();
  ASSERT_TRUE(loan_->OnTaskBegun().ok());
  ASSERT_TRUE(loan_->Return(*wait).ok());
  EXPECT_EQ(node_.pending(), 0u);
  ASSERT_TRUE(loan_->Lend().ok());
  EXPECT_EQ(node_.Next().type, MessageType::Blocked);
}

TEST_F(CpuLoanTest, ATaskThatBeginsBesideOneThatWaitsTakesTheCpusBack) {
  const auto wait = loan_->Lend();
  EXPECT_EQ(node_.Next().type, MessageType::Blocked);
  ASSERT_TRUE(loan_->OnTaskBegun().ok());
  EXPECT_EQ(node_.Next().type, MessageType::Unblocked);
  ASSERT_TRUE(loan_->Return(*wait).ok());
  EXPECT_EQ(node_.pending(), 0u);
}

}  // namespace
}  // namespace rayx
