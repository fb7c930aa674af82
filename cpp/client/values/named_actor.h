// An actor that the node has found by its name.
#pragma once

#include <string>

#include "common/base/ids.h"

namespace rayx {

struct NamedActor {
  ObjectId id;  // with one local reference
  std::string info;
};

}  // namespace rayx
