// Which chunks of one value are there.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace rayx::transfer {

// Bytes of a chunk: a cut costs as much at most, and a source sends so much of one value before it
// turns to the next.
inline constexpr uint64_t kChunkBytes = 1u << 20;

// Where a chunk lies in its value.
struct ChunkRange {
  uint64_t offset = 0;
  uint64_t size = 0;
};
// REQUIRES: the value has such a chunk.
ChunkRange RangeOf(uint64_t size_bytes, uint32_t chunk, uint64_t chunk_bytes = kChunkBytes);

class ChunkMap {
 public:
  // REQUIRES: size_bytes > 0. None is there yet.
  explicit ChunkMap(uint64_t size_bytes, uint64_t chunk_bytes = kChunkBytes);

  uint32_t count() const { return static_cast<uint32_t>(has_.size()); }
  uint32_t missing() const { return missing_; }
  bool is_whole() const { return missing_ == 0; }
  // Of a number beyond the last: false.
  bool has(uint32_t chunk) const { return chunk < count() && has_[chunk]; }
  // False if it is there already, or there is no such chunk.
  bool Add(uint32_t chunk);
  // The first from this one on that is not there.
  std::optional<uint32_t> NextMissing(uint32_t from) const;

 private:
  std::vector<bool> has_;
  uint32_t missing_;
  // All before it are there.
  uint32_t first_missing_ = 0;
};

}  // namespace rayx::transfer
