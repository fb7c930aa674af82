// Ids as tasks make them, for benchmarks and tests with many.
#pragma once

#include <cstdint>
#include <cstring>

#include "common/base/ids.h"

namespace rayx {

// Ids as tasks make them: random bytes, and an index of 0.
inline ObjectId IdOf(uint64_t number) {
  const uint64_t words[2] = {(number + 1) * 0x9E3779B97F4A7C15ull,
                             (number + 7) * 0xD1B54A32D192ED03ull};
  TaskId task;
  std::memcpy(task.mutable_data(), words, sizeof(words));
  return ObjectId::ForReturn(task, 0);
}

}  // namespace rayx
