// What nodes say to each other about objects and tasks: whatever comes is refused, or is understood
// as something that is written and read again as the same bytes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/base/check.h"
#include "daemon/codecs/remote_codec.h"

namespace rayx::daemon {
namespace {

// As in a frame: aligned to 8 bytes, and with an end that the sanitizers know.
Result<node::remote::Message> Hear(uint16_t type, std::span<const uint8_t> bytes) {
  std::vector<uint64_t> aligned((bytes.size() + 7) / 8);
  auto* const begin = reinterpret_cast<uint8_t*>(aligned.data());
  std::copy(bytes.begin(), bytes.end(), begin);
  return DecodeRemoteMessage(type, {begin, bytes.size()});
}

}  // namespace

// The first byte is the type.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Result<node::remote::Message> heard = Hear(data[0], {data + 1, size - 1});
  if (!heard.ok()) {
    RAYX_CHECK(heard.status().code() == StatusCode::kProtocolError);
    return 0;
  }
  const cluster::Message said = Encode(*heard);
  const Result<node::remote::Message> again = Hear(said.type, said.payload.span());
  RAYX_CHECK(said.type == data[0] && again.ok());
  RAYX_CHECK(std::ranges::equal(Encode(*again).payload.span(), said.payload.span()));
  return 0;
}

}  // namespace rayx::daemon
