// The bytes are a script of allocations and frees, run beside a naive model. The first one sets the
// segment's size.
#include <cstddef>
#include <cstdint>
#include <span>

#include "plasma/arena_script.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Each step costs a walk over the segment; longer scripts find nothing more, only more slowly.
  constexpr size_t kScriptBytesMax = 4096;
  if (size == 0 || size > kScriptBytesMax) return 0;
  rayx::plasma::ArenaScript script(data[0]);
  script.Run(std::span<const uint8_t>(data, size).subspan(1));
  return 0;
}
