#include "node/streams.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rayx::node {
namespace {

TaskId TaskOf(uint8_t number) {
  uint8_t bytes[TaskId::kSize] = {number};
  return TaskId::FromBytes(bytes);
}

TEST(Streams, TheStreamsOfAConsumerAreTakenOnce) {
  Streams streams;
  streams.Add(TaskOf(1), ClientId(10));
  streams.Add(TaskOf(2), ClientId(10));
  streams.Add(TaskOf(3), ClientId(11));
  std::vector<TaskId> taken = streams.TakeOf(ClientId(10));
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, (std::vector<TaskId>{TaskOf(1), TaskOf(2)}));
  EXPECT_FALSE(streams.Contains(TaskOf(1)));
  EXPECT_TRUE(streams.Contains(TaskOf(3)));
  EXPECT_TRUE(streams.TakeOf(ClientId(10)).empty());
  streams.Remove(TaskOf(1));
  EXPECT_EQ(streams.TakeOf(ClientId(11)), std::vector<TaskId>{TaskOf(3)});
}

TEST(Streams, WhatHasEndedIsNotTaken) {
  Streams streams;
  streams.Add(TaskOf(1), ClientId(10));
  streams.Add(TaskOf(2), ClientId(10));
  streams.Remove(TaskOf(1));
  streams.Remove(TaskOf(9));
  EXPECT_EQ(streams.TakeOf(ClientId(10)), std::vector<TaskId>{TaskOf(2)});
  streams.Add(TaskOf(1), ClientId(12));
  streams.Remove(TaskOf(1));
  EXPECT_TRUE(streams.TakeOf(ClientId(12)).empty());
}

}  // namespace
}  // namespace rayx::node
