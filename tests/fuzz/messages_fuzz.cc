// Every message from a hostile peer: the first byte is the type, the rest the payload. What the
// verifier accepts can be read, every field of it, without leaving the payload.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "testing/message_fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // Aligned as in a frame, and with an end that the sanitizers know.
  const size_t payload_bytes = size - 1;
  const auto payload = std::make_unique<uint8_t[]>(payload_bytes);
  if (payload_bytes != 0) std::memcpy(payload.get(), data + 1, payload_bytes);
  (void)rayx::DescribeMessage(static_cast<rayx::protocol::MessageType>(data[0]),
                              {payload.get(), payload_bytes});
  return 0;
}
