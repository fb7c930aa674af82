// The pool of one node, as a list of what lies in it. Of bytes it knows only whose they are: each
// chunk holds the version of the value that it was written from.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/dice.h"
#include "transfer/shell.h"

namespace rayx::transfer_sim {

inline constexpr uint64_t kChunkBytes = 10;

class ModelledPool final : public transfer::Pool {
 public:
  // The node: what goes wrong is told to it, and what is evicted.
  struct Owner {
    std::function<void(const std::string&)> broken;
    std::function<bool(const ObjectId&)> is_held;
    std::function<void(const ObjectId&)> evicted;
  };

  ModelledPool(uint64_t capacity_bytes, sim::Dice* dice, Owner owner)
      : capacity_bytes_(capacity_bytes), dice_(dice), owner_(std::move(owner)) {}

  // --- transfer::Pool ---
  bool MakeRoom(const ObjectId& id, uint64_t size_bytes) override;
  void DropRoom(const ObjectId& id) override;
  void Seal(const ObjectId& id, transfer::Version version) override;
  std::optional<uint64_t> Pin(const NodeId& reader, const ObjectId& id,
                              transfer::Version version) override;
  void Unpin(const NodeId& reader, const ObjectId& id) override;

  // --- the node ---
  // A value that a task has made; it stays until it is dropped. False if there is no room.
  bool Make(const ObjectId& id, transfer::Version version, uint64_t size_bytes);
  void Drop(const ObjectId& id);
  // Who runs with a value keeps it from being evicted.
  void AddReference(const ObjectId& id) { ++references_[id]; }
  void RemoveReference(const ObjectId& id);
  bool has(const ObjectId& id) const { return values_.contains(id); }
  std::optional<transfer::Version> VersionOf(const ObjectId& id) const;
  // Of values that were made here.
  uint64_t primary_bytes() const;
  // Nobody refers to it, and nobody reads it: so it may go.
  bool IsIdle(const ObjectId& id) const;

  // --- bytes ---
  // What a chunk holds at this moment; nothing if it is not there.
  std::optional<transfer::Version> Read(const ObjectId& id, uint32_t chunk) const;
  void Write(const ObjectId& id, uint32_t chunk, transfer::Version version);

  // All but what can be neither evicted nor dropped.
  uint64_t BytesForCopies(const std::function<bool(const ObjectId&)>& is_pull) const;
  void set_is_calm() { is_calm_ = true; }
  // Empty, or what is left although all is over.
  std::string Leftovers() const;

 private:
  struct Value {
    transfer::Version version = 0;
    uint64_t size_bytes = 0;
    bool is_primary = false;
    std::map<NodeId, int> pins = {};
  };
  struct Room {
    uint64_t size_bytes = 0;
    std::vector<std::optional<transfer::Version>> chunks = {};
  };

  uint64_t used_bytes() const;
  bool EvictOne();

  const uint64_t capacity_bytes_;
  sim::Dice* const dice_;
  const Owner owner_;
  bool is_calm_ = false;
  std::map<ObjectId, Value> values_;
  std::map<ObjectId, Room> rooms_;
  std::map<ObjectId, int> references_;
};

}  // namespace rayx::transfer_sim
