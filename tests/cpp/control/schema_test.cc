#include "control/schema.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/ids.h"
#include "control/records_maker.h"

namespace rayx::control::schema {
namespace {

TEST(SchemaTest, HashIsTheSameInEveryBuild) {
  // Published values of 64-bit FNV-1a.
  EXPECT_EQ(HashBytes(nullptr, 0), 0xcbf29ce484222325ull);
  const uint8_t a[] = {'a'};
  EXPECT_EQ(HashBytes(a, 1), 0xaf63dc4c8601ec8cull);
}

TEST(SchemaTest, NamesLiveOnThePrimaryOnlyWhenItIsAlone) {
  std::vector<int> names(4);
  for (uint32_t i = 0; i < 3000; ++i) {
    const auto id = MakeId<TaskId>(i);
    EXPECT_EQ(ShardOf(id, 1), kPrimary);
    ++names[ShardOf(id, 4)];
  }
  EXPECT_EQ(names[kPrimary], 0);
  for (const size_t shard : {1u, 2u, 3u}) {
    EXPECT_GT(names[shard], 900);
    EXPECT_LT(names[shard], 1100);
  }
}

TEST(SchemaTest, KeysAreReadable) {
  EXPECT_EQ(Key(kTask, MakeId<TaskId>(0x12)), "rayx:task:00000012000000000000000000000001");
  EXPECT_TRUE(kTask.starts_with(kKeyPattern.substr(0, kKeyPattern.size() - 1)));
}

}  // namespace
}  // namespace rayx::control::schema
