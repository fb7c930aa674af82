#include "transfer/chunk_map.h"

#include <algorithm>

#include "common/base/check.h"

namespace rayx::transfer {

ChunkRange RangeOf(uint64_t size_bytes, uint32_t chunk, uint64_t chunk_bytes) {
  const uint64_t offset = chunk * chunk_bytes;
  return {.offset = offset, .size = std::min(chunk_bytes, size_bytes - offset)};
}

ChunkMap::ChunkMap(uint64_t size_bytes, uint64_t chunk_bytes)
    : has_(static_cast<size_t>((size_bytes + chunk_bytes - 1) / chunk_bytes)), missing_(count()) {
  RAYX_CHECK(size_bytes > 0);
}

bool ChunkMap::Add(uint32_t chunk) {
  if (chunk >= count() || has_[chunk]) return false;
  has_[chunk] = true;
  --missing_;
  while (first_missing_ < count() && has_[first_missing_]) ++first_missing_;
  return true;
}

std::optional<uint32_t> ChunkMap::NextMissing(uint32_t from) const {
  for (uint32_t chunk = std::max(from, first_missing_); chunk < count(); ++chunk) {
    if (!has_[chunk]) return chunk;
  }
  return std::nullopt;
}

}  // namespace rayx::transfer
