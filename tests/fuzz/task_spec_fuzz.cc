// Task specifications of a hostile client: what is accepted is within every limit.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/protocol/task_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Aligned as in a frame, and with an end that the sanitizers know.
  const auto aligned = std::make_unique<uint8_t[]>(size);
  if (size != 0) std::memcpy(aligned.get(), data, size);
  const rayx::Result<rayx::TaskSpec> spec = rayx::ParseTaskSpec({aligned.get(), size});
  if (!spec.ok()) {
    RAYX_CHECK(spec.status().code() == rayx::StatusCode::kProtocolError);
    return 0;
  }
  RAYX_CHECK(spec->encoded.size() == size);
  RAYX_CHECK(spec->name.size() <= rayx::limits::kNameBytesMax);
  RAYX_CHECK(spec->return_count <= rayx::limits::kReturnsMax);
  RAYX_CHECK(spec->options.max_retries >= -1);
  RAYX_CHECK(spec->resources.items().size() <= rayx::limits::kResourceNamesMax);
  for (const auto& [name, amount] : spec->resources.items()) {
    RAYX_CHECK(!name.empty() && amount.units() > 0);
    RAYX_CHECK(amount.units() <= rayx::ResourceAmount::kUnitsMax);
  }
  return 0;
}
