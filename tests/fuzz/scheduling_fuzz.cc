// What nodes and the global scheduler say to each other: whatever comes is refused, or is
// understood as something that is written and read again as the same bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/check.h"
#include "global_scheduler/scheduling_wire.h"

namespace rayx::global_scheduler {
namespace {

template <typename Message>
void Try(const Frame& frame, Result<Message> (*decode)(const Frame&)) {
  const Result<Message> heard = decode(frame);
  if (!heard.ok()) return;
  const EncodedFrame said = Encode(*heard);
  const Result<Message> again = decode({said.type, said.payload});
  RAYX_CHECK(said.type == frame.type && again.ok());
  RAYX_CHECK(Encode(*again).payload == said.payload);
}

}  // namespace

// The first byte is the type; the payload begins at the ninth, since it is aligned.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 8) return 0;
  std::vector<uint64_t> aligned((size + 7) / 8);
  std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(aligned.data()), size);
  std::copy(data, data + size, bytes.begin());
  const Frame frame{data[0], bytes.subspan(8)};
  Try<FromNode>(frame, &DecodeFromNode);
  Try<FromScheduler>(frame, &DecodeFromScheduler);
  return 0;
}

}  // namespace rayx::global_scheduler
