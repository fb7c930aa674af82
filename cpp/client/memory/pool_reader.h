// The node's shared memory, as this process reads it, and the pins it holds there.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include "client/link/reference_queue.h"
#include "client/memory/pool_file.h"
#include "client/values/object_view.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/shm/shared_memory.h"

namespace rayx {

// Bytes of the pool that may be written, and what keeps them mapped.
struct PrivateBytes {
  SharedMapping mapping;
  std::span<uint8_t> bytes;
};

class PoolReader {
 public:
  // Pins are given back through `references`. `file` is what `pool` is a mapping of.
  PoolReader(SharedMapping pool, ScopedFd file, std::shared_ptr<ReferenceQueue> references);

  // A view on the object that lies there, which the node has pinned for us; its last copy gives the
  // pin back, through a queue, on whatever thread. ProtocolError if it would leave the pool.
  Result<ObjectView> Pinned(const ObjectId& id, uint64_t offset, uint64_t size) const;

  // Maps `object` anew, to be written without any other process seeing it; pages that are not
  // written take no memory. REQUIRES: the caller holds a view on the object while it uses them.
  // NotFound if `object` does not lie in the pool, is so small that a copy costs less, or the
  // session has ended. Any thread.
  Result<PrivateBytes> MapCopyOnWrite(std::span<const uint8_t> object) const;
  // Closes the descriptor: nothing is mapped from now on. Any thread.
  void CloseFile() const;

  // Below this size, to copy takes less time than to map and to fault for each page: 1 MiB takes
  // 0.1 ms to copy and write, and 1 ms to map and write; 64 MiB take 165 and 117 ms, or 0.02 ms if
  // they are mapped and not written.
  static constexpr uint64_t kMappedBytesMin = 4u << 20;

  uint64_t pool_bytes() const { return pool_->size(); }

 private:
  // Shared with the views: they stay readable when the client is gone.
  std::shared_ptr<const SharedMapping> pool_;
  std::shared_ptr<ReferenceQueue> references_;
  struct File {
    explicit File(ScopedFd fd) : file(std::move(fd)) {}
    std::mutex mutex;
    PoolFile file;
  };
  std::unique_ptr<File> file_;
};

}  // namespace rayx
