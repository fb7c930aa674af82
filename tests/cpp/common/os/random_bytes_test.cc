#include "common/os/random_bytes.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

namespace rayx {
namespace {

TEST(RandomBytesTest, FillsAllOfIt) {
  std::vector<uint8_t> first(1000, 0);
  std::vector<uint8_t> second(1000, 0);
  FillRandom(first);
  FillRandom(second);
  EXPECT_NE(first, second);
  // No long run of what was there before: 2^-64 for each place if random.
  const std::vector<uint8_t> zeros(8, 0);
  EXPECT_EQ(std::search(first.begin(), first.end(), zeros.begin(), zeros.end()), first.end());
  FillRandom({});
}

TEST(RandomBytesTest, IdsDiffer) {
  RandomIdSource source;
  std::unordered_set<TaskId> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(source.Next<TaskId>());
  EXPECT_EQ(ids.size(), 10'000u);
  EXPECT_EQ(ids.count(TaskId()), 0u);
}

TEST(RandomBytesTest, ForkedChildMakesOtherIds) {
  RandomIdSource source;
  (void)source.Next<TaskId>();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const TaskId id = source.Next<TaskId>();
    ::_exit(::write(ends[1], id.data(), TaskId::kSize) == TaskId::kSize ? 0 : 1);
  }
  TaskId of_child;
  ASSERT_EQ(::read(ends[0], of_child.mutable_data(), TaskId::kSize), ssize_t{TaskId::kSize});
  int wait_status = 0;
  ::waitpid(child, &wait_status, 0);
  EXPECT_NE(source.Next<TaskId>(), of_child);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace rayx
