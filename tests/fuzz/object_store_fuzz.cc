// The bytes are a script of events, run on an object store and on a naive model beside it.
#include <cstddef>
#include <cstdint>

#include "plasma/store_script.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The model searches everything after each step; longer scripts find nothing more, only more
  // slowly.
  constexpr size_t kScriptBytesMax = 2048;
  if (size > kScriptBytesMax) return 0;
  rayx::plasma::StoreScript().Run({data, size});
  return 0;
}
