// Reads one frame from a stream, and not a byte of what follows it: whoever goes on with the stream
// finds it where the frame ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/frame.h"

namespace rayx::wire {

class FirstFrame {
 public:
  // A frame with a larger payload is a ProtocolError.
  explicit FirstFrame(size_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}

  // Whether the frame is whole now. Disconnected if the stream ends before.
  Result<bool> ReadFrom(ByteStream* stream);
  // REQUIRES: it is whole. Valid as long as this object.
  Frame frame() const;

 private:
  // Of the frame, as far as it is known.
  size_t size() const;
  uint8_t* data() { return reinterpret_cast<uint8_t*>(memory_.data()); }
  FrameHeader header() const;

  const size_t payload_bytes_max_;
  // In elements of 8 bytes, since a FlatBuffer must be aligned.
  std::vector<uint64_t> memory_;
  size_t filled_ = 0;
};

}  // namespace rayx::wire
