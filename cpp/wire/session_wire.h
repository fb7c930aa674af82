// What two nodes say to each other in a session, as frames and back.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "cluster/wire_values.h"
#include "common/base/status.h"
#include "common/io/frame.h"

namespace rayx::wire {

// A frame's type and payload.
struct EncodedFrame {
  uint16_t type = 0;
  std::vector<uint8_t> payload;
};

EncodedFrame Encode(const cluster::Notice& notice);
EncodedFrame Encode(const cluster::Frame& frame);

// A message as it has arrived.
struct IncomingMessage {
  cluster::FrameNumbers numbers;
  uint16_t type = 0;
  // Points into the frame; aligned to 8 bytes.
  std::span<const uint8_t> payload;
};

// ProtocolError for bytes that no node of this version says.
Result<std::variant<cluster::Notice, IncomingMessage>> DecodeSessionFrame(const Frame& frame);

}  // namespace rayx::wire
