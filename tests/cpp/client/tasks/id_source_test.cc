#include "client/tasks/id_source.h"

#include <gtest/gtest.h>

#include <set>

namespace rayx {
namespace {

TaskId ATask() {
  uint8_t bytes[16] = {'t'};
  return TaskId::FromBytes(bytes);
}

TEST(IdSourceTest, RandomIdsDiffer) {
  IdSource ids;
  std::set<TaskId> tasks;
  std::set<ObjectId> puts;
  for (int i = 0; i < 1000; ++i) {
    tasks.insert(ids.NextTask(false));
    puts.insert(ids.NextPut(false));
  }
  EXPECT_EQ(tasks.size(), 1000u);
  EXPECT_EQ(puts.size(), 1000u);
  EXPECT_TRUE(puts.begin()->IsPut());
}

TEST(IdSourceTest, PutsOfATaskAreNamedAfterItAndItsAttempt) {
  IdSource ids;
  ids.BeginTask(ATask(), 0);
  const ObjectId first = ids.NextPut(true);
  EXPECT_EQ(first, ObjectId::ForPut(ATask(), 0));
  EXPECT_EQ(ids.NextPut(true), ObjectId::ForPut(ATask(), 1));
  ids.BeginTask(ATask(), 3);
  EXPECT_EQ(ids.NextPut(true), ObjectId::ForPut(ATask(), 3u << 20));
  EXPECT_NE(ids.NextPut(false).Task(), ATask());
}

TEST(IdSourceTest, AttemptsAndPutsBeyondTheirBitsGetAFreshOwner) {
  IdSource ids;
  ids.BeginTask(ATask(), 1u << 11);
  EXPECT_NE(ids.NextPut(true).Task(), ATask());
  ids.BeginTask(ATask(), 1);
  ObjectId last;
  for (uint32_t i = 0; i < 1u << 20; ++i) last = ids.NextPut(true);
  EXPECT_EQ(last, ObjectId::ForPut(ATask(), (2u << 20) - 1));
  EXPECT_NE(ids.NextPut(true).Task(), ATask());
}

TEST(IdSourceTest, SeededIdsFollowFromSeedTaskAndAttempt) {
  IdSource one;
  IdSource other;
  one.Seed(5, true);
  other.Seed(5, true);
  EXPECT_EQ(one.NextTask(false), other.NextTask(false));
  EXPECT_EQ(one.NextPut(false), other.NextPut(false));
  one.BeginTask(ATask(), 0);
  other.BeginTask(ATask(), 0);
  const TaskId first = one.NextTask(true);
  EXPECT_EQ(first, other.NextTask(true));
  EXPECT_NE(first, one.NextTask(true));
  other.BeginTask(ATask(), 1);
  EXPECT_NE(first, other.NextTask(true));
  other.Seed(6, true);
  other.BeginTask(ATask(), 0);
  EXPECT_NE(first, other.NextTask(true));
}

TEST(IdSourceTest, WorkersDoNotShareWhatBelongsToTheProcess) {
  IdSource one;
  IdSource other;
  one.Seed(5, false);
  other.Seed(5, false);
  EXPECT_NE(one.NextTask(false), other.NextTask(false));
  EXPECT_NE(one.NextPut(false), other.NextPut(false));
}

}  // namespace
}  // namespace rayx
