// What the store knows of one object: its state, what belongs to the state, and who needs it.
//
//               Create            Seal
//   Expected ───────────► Created ───────► Sealed
//      │  ▲                 │  │             ▲
//      │  └────── Abort ────┘  └─── Put… ────┤
//      └─────────────────── Put… ────────────┘
//
// Put… is PutInline or PutReserved. With other nodes there is one state more:
//
//             PlaceElsewhere            CreateCopy            Seal
//   Expected ───────────────► Elsewhere ──────────► Created ───────► Sealed
//      ▲                       │  ▲  │                 │                ▲
//      └─── SetPlaces({}) ─────┘  └──┼───── Abort ─────┘                │
//                                    └───────────── Lose ───────────────┘
//
// Every state may end: Expected and Elsewhere with their last reference, Created when it is aborted
// and nobody refers to it, Sealed with its last reference and pin. An object that is gone has no
// entry.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/check.h"
#include "common/base/ids.h"
#include "plasma/get_waiters.h"
#include "plasma/holder_table.h"
#include "plasma/sharing.h"

namespace rayx::plasma {

// The numbers are those of the alternatives of ObjectEntry::Value.
enum class ObjectState : uint8_t { kExpected = 0, kCreated = 1, kSealed = 2, kElsewhere = 3 };

// The table to the pictures above.
constexpr bool MayMove(ObjectState from, ObjectState to) {
  switch (from) {
    case ObjectState::kExpected:
      return to != ObjectState::kExpected;
    case ObjectState::kCreated:
      return to != ObjectState::kCreated;
    case ObjectState::kElsewhere:
      return to != ObjectState::kElsewhere;
    case ObjectState::kSealed:
      return false;
  }
  return false;
}

// Bytes of the pool, as many as were asked for.
struct Extent {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
};

// Somebody refers to the object, but there is no value yet.
struct ExpectedObject {};

// A client writes the value into the pool.
struct CreatedObject {
  ClientId creator = kNoClient;
  Extent extent;
};

// There is a value, for ever the same.
struct SealedObject {
  bool is_inline = false;
  // Where it lies in the pool ...
  Extent extent;
  // ... or, if inline, the value itself.
  std::vector<uint8_t> data;
  // Ids inside the value. Each of them is held by one counted reference.
  std::vector<ObjectId> contained;

  uint64_t size_bytes() const { return is_inline ? data.size() : extent.size_bytes; }
};

// There is a value, and other nodes have it (Sharing::places).
struct ElsewhereObject {};

class ObjectEntry {
 public:
  using Value = std::variant<ExpectedObject, CreatedObject, SealedObject, ElsewhereObject>;

  ObjectState state() const { return static_cast<ObjectState>(value_.index()); }
  bool IsSealed() const { return state() == ObjectState::kSealed; }
  bool IsElsewhere() const { return state() == ObjectState::kElsewhere; }
  // There is a value, here or at another node, of which a copy may be in the making.
  bool HasValue() const { return IsSealed() || (sharing != nullptr && !sharing->places.empty()); }
  // Null in another state.
  const CreatedObject* created() const { return std::get_if<CreatedObject>(&value_); }
  const SealedObject* sealed() const { return std::get_if<SealedObject>(&value_); }

  // REQUIRES: the table allows the move.
  template <typename NextState>
  void MoveTo(NextState next) {
    const ObjectState before = state();
    value_ = std::move(next);
    RAYX_CHECK(MayMove(before, state()));
  }

  // Waited for only by clients that refer to the object; empty once it is sealed.
  GetWaiters waiters;
  // The clients that hold something of it.
  HolderList holders;
  // So many of them hold a reference.
  uint64_t client_references = 0;
  // References of tasks and of objects that contain the id.
  uint64_t counted_references = 0;
  // Pins of all clients. Only objects in the pool are pinned.
  uint64_t pins = 0;
  // Null as long as no other node has to do with it.
  std::unique_ptr<Sharing> sharing;

  bool IsReferenced() const { return client_references > 0 || counted_references > 0; }
  // The same without the reference of the home.
  bool IsReferencedHere() const {
    const uint64_t of_home = sharing != nullptr && sharing->kept ? 1 : 0;
    return client_references > of_home || counted_references > 0;
  }
  // There is a reason to keep the entry.
  bool IsNeeded() const { return IsReferenced() || pins > 0 || state() == ObjectState::kCreated; }

 private:
  Value value_;
};

}  // namespace rayx::plasma
