#include "control/late_writes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/fake_server.h"
#include "control/loop_runner.h"
#include "control/records_maker.h"

namespace rayx::control {
namespace {

class LateWritesTest : public testing::Test {
 protected:
  LateWritesTest()
      : server_(runner_.loop(), [](const CommandWords&) { return ":1\r\n"; }),
        shards_(runner_.loop(), {{server_.path(), "rayx", "secret"}}),
        writes_(&shards_, "test",
                [this](const TaskId& id, const std::string& change, RedisLink::Loss loss) {
                  EXPECT_EQ(id, MakeId<TaskId>(static_cast<uint32_t>(change.size())));
                  written_.push_back(change);
                  losses_.push_back(loss);
                }) {}

  // The change of id n has n letters.
  void Change(uint32_t n) { writes_.At(MakeId<TaskId>(n)) = std::string(n, 'x'); }

  LoopRunner runner_;
  FakeServer server_;
  RedisShards shards_;
  std::vector<std::string> written_;
  std::vector<RedisLink::Loss> losses_;
  LateWrites<TaskId, std::string> writes_;
};

TEST_F(LateWritesTest, TheOldestGoFirstAndMayBeDropped) {
  for (const uint32_t n : {2, 1, 3}) Change(n);
  Change(2);
  EXPECT_EQ(writes_.count(0), 3u);
  EXPECT_EQ(writes_.WriteOut(0, 2), 2u);
  EXPECT_EQ(written_, (std::vector<std::string>{"xx", "x"}));
  EXPECT_EQ(losses_[0], RedisLink::Loss::kMayBeDropped);
  EXPECT_EQ(writes_.WriteOut(0, 2), 1u);
  EXPECT_EQ(writes_.count(0), 0u);
}

TEST_F(LateWritesTest, WhatIsForgottenIsNotWritten) {
  for (const uint32_t n : {1, 2}) Change(n);
  writes_.Forget(MakeId<TaskId>(1));
  EXPECT_EQ(writes_.Find(MakeId<TaskId>(1)), nullptr);
  EXPECT_EQ(*writes_.Find(MakeId<TaskId>(2)), "xx");
  writes_.WriteOutAll();
  EXPECT_EQ(written_, std::vector<std::string>{"xx"});
}

TEST_F(LateWritesTest, AReaderHasOneWrittenNowAndAllSoThatNoneIsDropped) {
  for (const uint32_t n : {1, 2, 3}) Change(n);
  writes_.WriteNow(MakeId<TaskId>(2));
  EXPECT_EQ(written_, std::vector<std::string>{"xx"});
  writes_.WriteNow(MakeId<TaskId>(2));
  EXPECT_EQ(written_.size(), 1u) << "nothing waits for it any more";
  writes_.WriteOutAll();
  EXPECT_EQ(written_, (std::vector<std::string>{"xx", "x", "xxx"}));
  for (const RedisLink::Loss loss : losses_) EXPECT_EQ(loss, RedisLink::Loss::kMustArrive);
}

}  // namespace
}  // namespace rayx::control
