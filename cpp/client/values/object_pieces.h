// What a caller gives to be stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/object_layout.h"

namespace rayx {

// A value ready to be stored: its parts are borrowed for the duration of the call.
struct ObjectPieces {
  ObjectKind kind = ObjectKind::kPickle;
  std::span<const uint8_t> stream;
  std::vector<std::span<const uint8_t>> buffers;
  // Ids inside the value; they live as long as it does.
  std::vector<ObjectId> contained;
};

}  // namespace rayx
