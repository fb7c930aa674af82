// Writing values in the object layout, and memory of our own for small ones.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "client/memory/pool_writer.h"
#include "client/values/object_pieces.h"
#include "client/values/object_view.h"
#include "common/protocol/object_layout.h"

namespace rayx {

// Where the parts of `value` go.
ObjectPlan PlanObject(const ObjectPieces& value);

// Writes the whole object. REQUIRES: `plan` is of `value`, and `memory` has plan.total_bytes().
void WriteObject(const ObjectPlan& plan, const ObjectPieces& value, uint8_t* memory);
// The same into the pool.
void WriteObject(const ObjectPlan& plan, const ObjectPieces& value, const PoolWriter& pool,
                 uint8_t* memory);

// Writable memory for one object; aligned as its buffers need it.
struct OwnedMemory {
  std::shared_ptr<const void> owner;
  uint8_t* data = nullptr;
};
OwnedMemory AllocateObject(size_t size_bytes, bool has_buffers);

// The object on memory of our own.
ObjectView CopyObject(std::span<const uint8_t> object);
// The object where it is, kept alive by `owner`; a copy if its buffers would not be aligned there.
ObjectView AlignedObject(std::shared_ptr<const void> owner, std::span<const uint8_t> object);

}  // namespace rayx
