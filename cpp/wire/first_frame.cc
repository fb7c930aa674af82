#include "wire/first_frame.h"

#include <cstring>
#include <span>
#include <string>

#include "common/base/check.h"

namespace rayx::wire {

FrameHeader FirstFrame::header() const {
  FrameHeader header;
  std::memcpy(&header, memory_.data(), sizeof(header));
  return header;
}

size_t FirstFrame::size() const {
  return filled_ < sizeof(FrameHeader) ? sizeof(FrameHeader) : FrameBytes(header().payload_bytes);
}

Result<bool> FirstFrame::ReadFrom(ByteStream* stream) {
  while (true) {
    if (filled_ >= sizeof(FrameHeader)) {
      if (header().zero != 0 || header().payload_bytes > payload_bytes_max_) {
        return Status::ProtocolError("the peer's first message is none, or has more than " +
                                     std::to_string(payload_bytes_max_) + " bytes");
      }
      if (filled_ == size()) return true;
    }
    memory_.resize(size() / sizeof(uint64_t));
    const std::span<uint8_t> room(data() + filled_, size() - filled_);
    const Result<ReadOutcome> outcome = stream->Read(room);
    if (!outcome.ok()) return outcome.status();
    if (outcome->would_block) return false;
    if (outcome->bytes == 0) {
      return Status::Disconnected("the peer closed the connection before it said anything");
    }
    filled_ += outcome->bytes;
  }
}

Frame FirstFrame::frame() const {
  RAYX_CHECK(filled_ >= sizeof(FrameHeader) && filled_ == size());
  const auto* bytes = reinterpret_cast<const uint8_t*>(memory_.data());
  return {.type = header().type, .payload = {bytes + sizeof(FrameHeader), header().payload_bytes}};
}

}  // namespace rayx::wire
