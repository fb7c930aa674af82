// Values of the simulation: they say which object they are the value of, and which ids they hold.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/object_layout.h"

namespace rayx::sim {

struct Value {
  ObjectKind kind = ObjectKind::kPickle;
  // Of the object that it was made for.
  ObjectId id;
  std::vector<ObjectId> contained = {};
  // Of a kSystemError, which the node makes; it holds no ids.
  SystemErrorCode code = SystemErrorCode::kWorkerCrashed;

  bool IsError() const { return kind != ObjectKind::kPickle; }
};

std::string Encode(const Value& value);
// False if the bytes are no value of this simulation.
bool Decode(std::span<const uint8_t> bytes, Value* value);

// "t1.0", "t1.put0", "t1.item0", "t1.room0", "f1".
std::string NameOf(const ObjectId& id);
std::string NameOf(const TaskId& id);

}  // namespace rayx::sim
