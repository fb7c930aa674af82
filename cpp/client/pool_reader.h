// The node's shared memory, as this process reads it, and the pins it holds there.
#pragma once

#include <cstdint>
#include <memory>

#include "client/object_view.h"
#include "client/reference_queue.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/shared_memory.h"

namespace rayx {

class PoolReader {
 public:
  // Pins are given back through `references`.
  PoolReader(SharedMapping pool, std::shared_ptr<ReferenceQueue> references);

  // A view on the object that lies there, which the node has pinned for us; its last copy gives the
  // pin back, through a queue, on whatever thread. ProtocolError if it would leave the pool.
  Result<ObjectView> Pinned(const ObjectId& id, uint64_t offset, uint64_t size) const;

  uint64_t pool_bytes() const { return pool_->size(); }

 private:
  // Shared with the views: they stay readable when the client is gone.
  std::shared_ptr<const SharedMapping> pool_;
  std::shared_ptr<ReferenceQueue> references_;
};

}  // namespace rayx
