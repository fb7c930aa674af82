// Object ids for tests: the same number, the same id.
#pragma once

#include <cstdint>

#include "common/base/ids.h"

namespace rayx::plasma {

inline ObjectId TestObject(uint32_t number) {
  ObjectId id;
  uint64_t spread = (uint64_t{number} + 1) * 0x9E3779B97F4A7C15ull;
  for (size_t i = 0; i < 8; ++i) id.mutable_data()[i] = static_cast<uint8_t>(spread >> (8 * i));
  for (size_t i = 0; i < 4; ++i) id.mutable_data()[8 + i] = static_cast<uint8_t>(number >> (8 * i));
  return id;
}

}  // namespace rayx::plasma
