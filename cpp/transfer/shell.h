// What the transfers of a node ask of it.
#pragma once

#include <cstdint>
#include <optional>

#include "common/base/ids.h"
#include "transfer/transfer_values.h"

namespace rayx::transfer {

// The node's pool, with its values and the rooms for those that come.
class Pool {
 public:
  virtual ~Pool() = default;

  // Room for a value that is to be written; false if there is none now.
  virtual bool MakeRoom(const ObjectId& id, uint64_t size_bytes) = 0;
  // The room is not needed any more; nobody reads it or writes to it.
  virtual void DropRoom(const ObjectId& id) = 0;
  // All of it has been written: from now on it is a value of the node, of which the node says when
  // it lets it go (NodeTransfers::OnDropped).
  virtual void Seal(const ObjectId& id, Version version) = 0;
  // Keeps a value where it is for `reader`, until Unpin, and tells its size. Nothing if the node
  // has none, or another version; a room is none.
  virtual std::optional<uint64_t> Pin(const NodeId& reader, const ObjectId& id,
                                      Version version) = 0;
  virtual void Unpin(const NodeId& reader, const ObjectId& id) = 0;
};

}  // namespace rayx::transfer
