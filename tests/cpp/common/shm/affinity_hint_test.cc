#include "common/shm/affinity_hint.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"

namespace rayx {
namespace {

constexpr uint64_t kPoolBytes = 8192;

cpu_set_t Allowed() {
  cpu_set_t set;
  EXPECT_EQ(::sched_getaffinity(0, sizeof(set), &set), 0);
  return set;
}

int FirstAllowed() {
  const cpu_set_t set = Allowed();
  int cpu = 0;
  while (!CPU_ISSET(cpu, &set)) ++cpu;
  return cpu;
}

TEST(AffinityHint, WhatTheNodePublishesItsClientsRead) {
  const ScopedFd memory =
      std::move(CreateSharedMemory("test", kPoolBytes + limits::kAffinityHintBytes)).value();
  const ScopedFd read_only = std::move(ReopenReadOnly(memory.get())).value();
  const AffinityHint node = std::move(AffinityHint::Map(memory.get(), kPoolBytes, true)).value();
  const AffinityHint client =
      std::move(AffinityHint::Map(read_only.get(), kPoolBytes, false)).value();
  EXPECT_EQ(client.cpu(), AffinityHint::kNone) << "from the start";
  node.Publish(0);
  EXPECT_EQ(client.cpu(), 0);
  node.Publish(AffinityHint::kNone);
  EXPECT_EQ(client.cpu(), AffinityHint::kNone);
}

TEST(AffinityHint, WithoutItsPageThereIsNone) {
  const ScopedFd memory = std::move(CreateSharedMemory("test", kPoolBytes)).value();
  EXPECT_EQ(AffinityHint::Map(memory.get(), kPoolBytes, false).status().code(),
            StatusCode::kIoError);
  EXPECT_EQ(AffinityHint().cpu(), AffinityHint::kNone);
  AffinityHint().Publish(0);
}

TEST(CpuBinding, HoldsTheThreadAndLetsItGo) {
  const cpu_set_t before = Allowed();
  const int cpu = FirstAllowed();
  {
    const CpuBinding binding(cpu);
    EXPECT_TRUE(binding.bound());
    const cpu_set_t bound = Allowed();
    EXPECT_EQ(CPU_COUNT(&bound), 1);
    EXPECT_TRUE(CPU_ISSET(cpu, &bound));
  }
  const cpu_set_t after = Allowed();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(CpuBinding, NoProcessorAndOneThatIsNotOursChangeNothing) {
  const cpu_set_t before = Allowed();
  for (const int cpu : {AffinityHint::kNone, CPU_SETSIZE - 1, CPU_SETSIZE}) {
    const CpuBinding binding(cpu);
    EXPECT_FALSE(binding.bound()) << cpu;
    const cpu_set_t meanwhile = Allowed();
    EXPECT_TRUE(CPU_EQUAL(&before, &meanwhile)) << cpu;
  }
}

}  // namespace
}  // namespace rayx
