#include "plasma/reference_news.h"

#include <gtest/gtest.h>

#include "plasma/object_ids.h"

namespace rayx::plasma {
namespace {

constexpr ClientId kHome(1);
constexpr ClientId kOther(2);

TEST(ReferenceNews, EachHomeIsToldWhatIsItsOwn) {
  ReferenceNews news;
  news.Add(kHome, TestObject(1));
  news.Add(kOther, TestObject(2));
  news.Remove(kHome, TestObject(3));
  const ReferenceNews::News taken = news.Take(kHome);
  EXPECT_EQ(taken.added, std::vector<ObjectId>{TestObject(1)});
  EXPECT_EQ(taken.removed, std::vector<ObjectId>{TestObject(3)});
  EXPECT_TRUE(news.Take(kHome).empty());
  EXPECT_FALSE(news.Of(kOther).empty());
  news.Forget(kOther);
  EXPECT_TRUE(news.empty());
}

TEST(ReferenceNews, WhatIsTakenBackInTimeIsNotTold) {
  ReferenceNews news;
  news.Add(kHome, TestObject(1));
  news.Remove(kHome, TestObject(1));
  news.Remove(kHome, TestObject(2));
  news.Add(kHome, TestObject(2));
  EXPECT_TRUE(news.empty());
  news.Add(kHome, TestObject(1));
  EXPECT_DEATH(news.Add(kHome, TestObject(1)), "check failed");
}

TEST(ReferenceNews, OnlyWhatTakesAwayIsPressing) {
  ReferenceNews news;
  news.Add(kHome, TestObject(1));
  EXPECT_TRUE(news.Pressing().empty());
  news.Remove(kHome, TestObject(2));
  EXPECT_EQ(news.Pressing(), std::vector<ClientId>{kHome});
}

}  // namespace
}  // namespace rayx::plasma
