#include "common/base/ids.h"

#include <gtest/gtest.h>

#include <set>
#include <span>
#include <type_traits>
#include <unordered_set>
#include <vector>

namespace rayx {
namespace {

TaskId TaskOf(uint8_t first) {
  TaskId id;
  for (size_t i = 0; i < TaskId::kSize; ++i) id.mutable_data()[i] = static_cast<uint8_t>(first + i);
  return id;
}

TEST(IdsTest, NilIsAllZeros) {
  EXPECT_TRUE(TaskId().IsNil());
  EXPECT_FALSE(TaskOf(1).IsNil());
  EXPECT_EQ(TaskId().Hex(), std::string(32, '0'));
}

TEST(IdsTest, KindsAreTypes) {
  static_assert(!std::is_convertible_v<TaskId, FunctionId>);
  static_assert(!std::is_convertible_v<TaskId, ObjectId>);
  static_assert(std::is_trivially_copyable_v<ObjectId>);
}

TEST(IdsTest, NumbersOfANodeAreTypes) {
  static_assert(!std::is_convertible_v<uint64_t, ClientId>);
  static_assert(!std::is_convertible_v<ClientId, uint64_t>);
  static_assert(!std::is_convertible_v<ClientId, WorkerNumber>);
  static_assert(!std::is_constructible_v<WorkerNumber, ClientId>);
  // With a default, std::vector<ClientId>({7}) would be seven nil ids.
  static_assert(!std::is_default_constructible_v<ClientId>);
  static_assert(sizeof(ClientId) == sizeof(uint64_t) && std::is_trivially_copyable_v<ClientId>);
  EXPECT_TRUE(kNoClient.IsNil());
  EXPECT_TRUE(kNoWorker.IsNil());

  ClientId last = kNoClient;
  EXPECT_EQ(++last, ClientId(1));
  EXPECT_LT(last, ClientId(2));
  EXPECT_EQ(ClientId(7).ToString(), "7");
  EXPECT_EQ(testing::PrintToString(WorkerNumber(7)), "7");
  EXPECT_EQ(std::unordered_set<ClientId>({ClientId(1), ClientId(2), ClientId(1)}).size(), 2u);
}

TEST(IdsTest, ACallerIsARunOfAClientOfANode) {
  NodeId other;
  other.mutable_data()[0] = 1;
  const CallerId here{.node = {}, .client = ClientId(1)};
  const CallerId there{.node = other, .client = ClientId(1)};
  const CallerId later{.node = {}, .client = ClientId(1), .run = 1};
  EXPECT_NE(here, there);
  EXPECT_NE(here, later);
  EXPECT_EQ(std::unordered_set<CallerId>({here, there, later, here}).size(), 3u);
}

TEST(IdsTest, HexRoundTrip) {
  const TaskId id = TaskOf(0xf8);
  EXPECT_EQ(id.Hex(), "f8f9fafbfcfdfeff0001020304050607");
  EXPECT_EQ(TaskId::FromHexString(id.Hex()), id);
  EXPECT_EQ(TaskId::FromHexString("F8F9FAFBFCFDFEFF0001020304050607"), id);
}

TEST(IdsTest, WhatIsNotAnIdIsRefused) {
  EXPECT_FALSE(TaskId::FromHexString("").has_value());
  EXPECT_FALSE(TaskId::FromHexString(std::string(31, '0')).has_value());
  EXPECT_FALSE(TaskId::FromHexString(std::string(33, '0')).has_value());
  EXPECT_FALSE(TaskId::FromHexString(std::string(31, '0') + "g").has_value());
  EXPECT_FALSE(TaskId::FromHexString("0x" + std::string(30, '0')).has_value());
}

TEST(IdsTest, ObjectIdsNameTaskKindAndIndex) {
  const TaskId task = TaskOf(1);
  const ObjectId result = ObjectId::ForReturn(task, 0x01020304);
  EXPECT_EQ(result.Task(), task);
  EXPECT_EQ(result.Index(), 0x01020304u);
  EXPECT_FALSE(result.IsPut());
  EXPECT_EQ(result.Hex(), task.Hex() + "04030201") << "little endian, as documented";
  const ObjectId put = ObjectId::ForPut(task, 0x01020304);
  EXPECT_TRUE(put.IsPut());
  EXPECT_EQ(put.Index(), 0x01020304u | ObjectId::kPutBit);
  EXPECT_NE(put, result);
}

TEST(IdsTest, AnObjectStandsForAFunction) {
  uint8_t bytes[16] = {1, 2, 3};
  const auto function = FunctionId::FromBytes(bytes);
  const ObjectId id = ObjectId::ForFunction(function);
  EXPECT_TRUE(id.IsFunction());
  EXPECT_EQ(id.Function(), function);
  EXPECT_TRUE(id.IsPut()) << "no task makes it";
  EXPECT_EQ(id.Hex().substr(32), "ffffffff") << "function_reference.py knows it";
  const auto task = TaskId::FromBytes(bytes);
  EXPECT_FALSE(ObjectId::ForReturn(task, 0).IsFunction());
  EXPECT_FALSE(ObjectId::ForPut(task, 0).IsFunction());
  EXPECT_FALSE(ObjectId::ForStreamCredit(task, 0).IsFunction());
}

TEST(IdsTest, OrderIsThatOfTheBytes) {
  EXPECT_LT(TaskOf(1), TaskOf(2));
  EXPECT_GT(TaskOf(0xff), TaskOf(0));
  const std::set<TaskId> sorted = {TaskOf(3), TaskOf(1), TaskOf(2)};
  EXPECT_EQ(*sorted.begin(), TaskOf(1));
}

TEST(IdsTest, ResultsOfOneTaskHashApart) {
  std::unordered_set<size_t> hashes;
  for (uint32_t i = 0; i < 10'000; ++i) {
    hashes.insert(std::hash<ObjectId>()(ObjectId::ForReturn(TaskOf(1), i)));
  }
  EXPECT_EQ(hashes.size(), 10'000u);
}

TEST(IdsTest, FindsTheFirstThatIsRepeated) {
  EXPECT_EQ(FirstRepeated({}), 0u);
  std::vector<ObjectId> ids;
  // Of one task, and of many.
  for (uint32_t i = 0; i < 500; ++i) ids.push_back(ObjectId::ForReturn(TaskId(), i));
  for (uint32_t i = 0; i < 500; ++i) {
    uint8_t bytes[16] = {static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8), 1};
    ids.push_back(ObjectId::ForReturn(TaskId::FromBytes(bytes), 0));
  }
  EXPECT_EQ(FirstRepeated(ids), 1000u);
  ids[777] = ids[3];
  ids[999] = ids[998];
  EXPECT_EQ(FirstRepeated(ids), 777u);
  EXPECT_EQ(FirstRepeated(std::span(ids).subspan(4)), 995u);
  EXPECT_EQ(FirstRepeated(std::vector<ObjectId>(2)), 1u) << "nil ids are ids";
}

}  // namespace
}  // namespace rayx
