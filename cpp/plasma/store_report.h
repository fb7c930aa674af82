// What people read about the object store: why a put failed, what lies in the pool, who holds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "plasma/arena.h"
#include "plasma/object_entry.h"

namespace rayx::plasma {

// One object and its holders, in numbers.
struct ObjectSummary {
  ObjectId id;
  ObjectState state = ObjectState::kExpected;
  bool is_inline = false;
  uint64_t size_bytes = 0;
  uint64_t client_references = 0;
  // How many references tasks and other objects have.
  uint64_t counted_references = 0;
  uint64_t pins = 0;
};

struct StoreStats {
  uint64_t pool_bytes = 0;
  // What is reserved does not count: that can be given back.
  uint64_t pool_used_bytes = 0;
  uint64_t pool_reserved_bytes = 0;
  uint64_t inline_bytes = 0;
  uint64_t objects = 0;  // entries, whatever their state
  uint64_t sealed_objects = 0;
  uint64_t pinned_bytes = 0;
  uint64_t pool_largest_free_bytes = 0;
  // Memory of the pool below this offset was handed out before: its pages are warm.
  uint64_t pool_touched_bytes = 0;
};

// "512 bytes", "1.5 GiB (1610612736 bytes)"
std::string BytesText(uint64_t bytes);

// "<id> sealed, 1.5 GiB (…), held by 2 clients and 1 task or object, pinned 3 times"
std::string ObjectText(const ObjectSummary& object);

// It has a value here, or one in the making; functions have no data.
bool HasDataHere(const ObjectSummary& object);

// Those of the objects that have data here, at most `most`, the largest first.
std::vector<ObjectSummary> Largest(std::vector<ObjectSummary> objects, size_t most,
                                   bool in_pool_only);

// Why a request for `asked_bytes` failed, who holds the memory, and what to do about it. `largest`
// are the largest objects in the pool, largest first.
std::string StoreFullText(uint64_t asked_bytes, const Arena::Stats& pool,
                          std::span<const ObjectSummary> largest);

// For a debug dump: totals, then the largest objects with their holders, a line each.
std::string StoreText(const StoreStats& stats, std::vector<ObjectSummary> objects, size_t most);

}  // namespace rayx::plasma
