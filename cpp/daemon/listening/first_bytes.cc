#include "daemon/listening/first_bytes.h"

#include <cstring>

#include "common/protocol/generated/messages_generated.h"
#include "daemon/messages/message_writer.h"

namespace rayx::daemon {

Result<bool> IsWholeHello(std::span<const uint8_t> bytes) {
  FrameHeader header;
  if (bytes.size() < sizeof(header)) return false;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.zero != 0) return Status::ProtocolError("the header of a frame is broken");
  if (header.type != static_cast<uint16_t>(protocol::MessageType::Hello)) {
    return Status::ProtocolError("the first message is not a hello");
  }
  if (header.payload_bytes > limits::kHelloBytesMax) {
    return Status::ProtocolError("a hello of " + std::to_string(header.payload_bytes) +
                                 " bytes is over the limit of " +
                                 std::to_string(limits::kHelloBytesMax));
  }
  if (header.payload_bytes == 0) return Status::ProtocolError("an empty hello");
  if (bytes.size() < FrameBytes(header.payload_bytes)) return false;
  if (VerifiedMessage<protocol::Hello>(bytes.subspan(sizeof(header), header.payload_bytes)) ==
      nullptr) {
    return Status::ProtocolError("malformed hello");
  }
  return true;
}

}  // namespace rayx::daemon
