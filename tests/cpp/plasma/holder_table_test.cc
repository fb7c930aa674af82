#include "plasma/holder_table.h"

#include <gtest/gtest.h>

#include <array>

#include "plasma/object_ids.h"

namespace rayx::plasma {
namespace {

class HolderTableTest : public ::testing::Test {
 protected:
  void Refer(ClientId client, uint32_t object) {
    table_.FindOrAdd(lists_[object], client, TestObject(object)).referenced = true;
  }
  void Release(ClientId client, uint32_t object) {
    table_.Find(lists_[object], client)->referenced = false;
    table_.RemoveIfIdle(lists_[object], client);
    table_.SanityCheck();
  }

  HolderTable table_;
  std::array<HolderList, 4> lists_;
};

TEST_F(HolderTableTest, FindsOnlyWhoHolds) {
  Refer(ClientId(1), 0);
  Refer(ClientId(2), 0);
  Refer(ClientId(1), 3);
  EXPECT_EQ(table_.Find(lists_[0], ClientId(2))->client, ClientId(2));
  EXPECT_EQ(table_.Find(lists_[0], ClientId(3)), nullptr);
  EXPECT_EQ(table_.Find(lists_[3], ClientId(2)), nullptr);
  EXPECT_EQ(table_.size(), 3u);
  EXPECT_EQ(table_.HoldersOf(lists_[0]).size(), 2u);
  table_.SanityCheck();
}

TEST_F(HolderTableTest, AddingAgainGivesTheSameHolder) {
  Refer(ClientId(1), 0);
  table_.FindOrAdd(lists_[0], ClientId(1), TestObject(0)).pins = 2;
  EXPECT_EQ(table_.size(), 1u);
  EXPECT_TRUE(table_.Find(lists_[0], ClientId(1))->referenced);
}

TEST_F(HolderTableTest, StaysAsLongAsAnythingIsHeld) {
  Refer(ClientId(1), 0);
  table_.Find(lists_[0], ClientId(1))->pins = 1;
  Release(ClientId(1), 0);
  ASSERT_NE(table_.Find(lists_[0], ClientId(1)), nullptr);
  table_.Find(lists_[0], ClientId(1))->pins = 0;
  table_.RemoveIfIdle(lists_[0], ClientId(1));
  EXPECT_EQ(table_.Find(lists_[0], ClientId(1)), nullptr);
  EXPECT_TRUE(lists_[0].empty());
}

TEST_F(HolderTableTest, RemovesFromTheMiddleOfBothLists) {
  for (const ClientId client : {ClientId(1), ClientId(2), ClientId(3)}) {
    for (const uint32_t object : {0u, 1u, 2u}) Refer(client, object);
  }
  Release(ClientId(2), 1);
  EXPECT_EQ(table_.HoldersOf(lists_[1]).size(), 2u);
  Release(ClientId(2), 2);
  Release(ClientId(2), 0);
  EXPECT_FALSE(table_.AnyObjectOf(ClientId(2)).has_value());
  EXPECT_EQ(table_.size(), 6u);
}

TEST_F(HolderTableTest, NamesWhatAClientHoldsUntilNothingIsLeft) {
  Refer(ClientId(1), 2);
  EXPECT_EQ(table_.AnyObjectOf(ClientId(1)), TestObject(2));
  EXPECT_FALSE(table_.AnyObjectOf(ClientId(2)).has_value());
  EXPECT_DEATH(table_.ForgetClient(ClientId(1)), "check failed");
  Release(ClientId(1), 2);
  table_.ForgetClient(ClientId(1));
  table_.ForgetClient(ClientId(1));
  EXPECT_FALSE(table_.AnyObjectOf(ClientId(1)).has_value());
}

TEST_F(HolderTableTest, UsesFreedHoldersAgain) {
  Refer(ClientId(1), 0);
  table_.Find(lists_[0], ClientId(1))->creating = true;
  table_.Find(lists_[0], ClientId(1))->creating = false;
  Release(ClientId(1), 0);
  Refer(ClientId(2), 1);
  EXPECT_EQ(table_.Find(lists_[1], ClientId(2))->pins, 0u);
  EXPECT_EQ(table_.Find(lists_[1], ClientId(2))->object, TestObject(1));
  EXPECT_EQ(table_.size(), 1u);
  table_.SanityCheck();
}

TEST_F(HolderTableTest, NobodyHoldsNothing) {
  EXPECT_DEATH(table_.FindOrAdd(lists_[0], ClientId(0), TestObject(0)), "check failed");
}

}  // namespace
}  // namespace rayx::plasma
