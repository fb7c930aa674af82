// Bytes of a control server, chopped at will: hiredis' reader and what it builds for us must take
// anything. What comes out is turned into each kind of value that the tables expect.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/check.h"
#include "control/redis_protocol.h"

namespace {

using rayx::control::Reply;

size_t CountDescribed(const Reply& reply) {
  RAYX_CHECK(!reply.Describe().empty());
  size_t count = 1;
  for (const Reply& element : reply.elements) count += CountDescribed(element);
  return count;
}

void Convert(const Reply& reply) {
  CountDescribed(reply);
  RAYX_CHECK(reply.AsInteger().ok() == reply.Is(Reply::Type::kInteger));
  RAYX_CHECK(Reply(reply).TakeString().ok() == reply.Is(Reply::Type::kString));
  const auto strings = Reply(reply).TakeStrings();
  const auto pairs = Reply(reply).TakePairs();
  if (pairs.ok()) RAYX_CHECK(strings.ok() && pairs->size() * 2 == strings->size());
}

}  // namespace

// The first byte tells in which pieces the rest arrives.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = size_t{data[0]} + 1;
  std::span<const uint8_t> rest(data + 1, size - 1);
  rayx::control::ReplyReader reader;
  while (!rest.empty()) {
    const auto chunk = rest.first(std::min(piece, rest.size()));
    rest = rest.subspan(chunk.size());
    if (!reader.Feed(chunk).ok()) return 0;
    while (true) {
      const auto reply = reader.Next();
      if (!reply.ok()) {
        // Lost for good.
        RAYX_CHECK(!reader.Next().ok() && !reader.Feed(chunk).ok());
        return 0;
      }
      if (!reply->has_value()) break;
      Convert(**reply);
    }
  }
  return 0;
}
