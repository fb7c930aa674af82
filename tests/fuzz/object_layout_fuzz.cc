// Objects that a hostile process wrote into the pool: every part that ParseObject gives lies inside
// the object.
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/check.h"
#include "common/protocol/object_layout.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> memory(data, size);
  const rayx::Result<rayx::ObjectParts> parts = rayx::ParseObject(memory);
  if (!parts.ok()) {
    RAYX_CHECK(parts.status().code() == rayx::StatusCode::kProtocolError);
    return 0;
  }
  // Reads the edges of each part, so that the sanitizers see one that is out of bounds.
  uint32_t sum = 0;
  const auto touch = [&](std::span<const uint8_t> part) {
    if (part.empty()) return;
    RAYX_CHECK(part.data() >= data && part.size() <= size);
    sum += part.front();
    sum += part.back();
  };
  touch(parts->stream);
  for (const std::span<const uint8_t> buffer : parts->buffers) touch(buffer);
  volatile uint32_t keep = sum;
  (void)keep;
  return 0;
}
