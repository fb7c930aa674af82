// Ids that tests can tell apart.
#pragma once

#include <cstdint>

#include "common/base/ids.h"

namespace rayx::transfer {

inline NodeId Node(uint8_t number) {
  NodeId id;
  id.mutable_data()[0] = number;
  id.mutable_data()[1] = 1;  // none is nil
  return id;
}

inline ObjectId Object(uint8_t number) {
  ObjectId id;
  id.mutable_data()[0] = number;
  return id;
}

}  // namespace rayx::transfer
