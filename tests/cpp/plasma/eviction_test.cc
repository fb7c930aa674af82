#include "plasma/eviction.h"

#include <gtest/gtest.h>

#include "plasma/object_ids.h"

namespace rayx::plasma {
namespace {

using Ids = std::vector<ObjectId>;

class EvictionOrderTest : public ::testing::Test {
 protected:
  EvictionOrderTest() {
    for (uint32_t i = 1; i <= 3; ++i) order_.Add(TestObject(i), 100 * i);
  }
  EvictionOrder order_;
};

TEST_F(EvictionOrderTest, AnswersWithTheLeastRecentlyUsedFirst) {
  EXPECT_EQ(order_.Candidates(UINT64_MAX), (Ids{TestObject(1), TestObject(2), TestObject(3)}));
}

TEST_F(EvictionOrderTest, AnswersWithAsFewAsAreNeeded) {
  EXPECT_EQ(order_.Candidates(0), Ids{});
  EXPECT_EQ(order_.Candidates(100), Ids{TestObject(1)});
  EXPECT_EQ(order_.Candidates(101), (Ids{TestObject(1), TestObject(2)}));
  EXPECT_EQ(order_.size(), 3u);
}

TEST_F(EvictionOrderTest, UseMovesToTheEnd) {
  order_.Use(TestObject(1));
  EXPECT_EQ(order_.Candidates(UINT64_MAX), (Ids{TestObject(2), TestObject(3), TestObject(1)}));
  order_.Use(TestObject(1));
  EXPECT_EQ(order_.Candidates(1), Ids{TestObject(2)});
}

TEST_F(EvictionOrderTest, WhatIsRemovedIsNoCandidateUntilItIsAddedAgain) {
  order_.Remove(TestObject(1));
  EXPECT_FALSE(order_.Contains(TestObject(1)));
  EXPECT_EQ(order_.Candidates(UINT64_MAX), (Ids{TestObject(2), TestObject(3)}));
  order_.Add(TestObject(1), 100);
  EXPECT_EQ(order_.Candidates(UINT64_MAX), (Ids{TestObject(2), TestObject(3), TestObject(1)}));
}

TEST_F(EvictionOrderTest, SizesNearTheEndOfTheNumbersDoNotWrap) {
  order_.Add(TestObject(4), UINT64_MAX);
  EXPECT_EQ(order_.Candidates(UINT64_MAX).size(), 4u);
}

TEST_F(EvictionOrderTest, MisuseIsAnError) {
  EXPECT_DEATH(order_.Add(TestObject(1), 1), "check failed");
  EXPECT_DEATH(order_.Remove(TestObject(9)), "check failed");
  EXPECT_DEATH(order_.Use(TestObject(9)), "check failed");
}

}  // namespace
}  // namespace rayx::plasma
