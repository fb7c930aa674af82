// Frames: how messages follow each other on a stream.
//
//   u32 payload bytes | u16 type | u16 zero | payload | padding to a multiple of 8
//
// Little endian. Payloads are FlatBuffers, which want their start aligned to 8 bytes; header and
// padding keep it so as long as the buffer that is parsed starts aligned. FrameReader cuts frames
// out of bytes that arrive chopped in any way:
//
//   FrameReader reader(limits::kHelloBytesMax);
//   while (...) { auto room = reader.PrepareRead(64 << 10); n = read(fd, room...);
//   reader.Commit(n);
//     while (true) { auto next = reader.Next(); if (!next.ok()) close; if (!*next) break;
//     use(**next); } }
//
// It has no socket, holds at most one frame plus one read, grows only as bytes arrive, and refuses
// lengths over its cap. Each byte is copied at most a few times however the stream is chopped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/base/status.h"

namespace rayx {

struct FrameHeader {
  uint32_t payload_bytes;
  uint16_t type;
  uint16_t zero;
};
static_assert(sizeof(FrameHeader) == 8);

// Bytes of a whole frame with a payload of that size.
constexpr size_t FrameBytes(size_t payload_bytes) {
  return sizeof(FrameHeader) + ((payload_bytes + 7) & ~size_t{7});
}

// Appends a frame to `out`.
void AppendFrame(uint16_t type, std::span<const uint8_t> payload, std::vector<uint8_t>* out);

struct Frame {
  uint16_t type = 0;
  // Aligned to 8 bytes; valid until the next call of PrepareRead.
  std::span<const uint8_t> payload;
};

class FrameReader {
 public:
  explicit FrameReader(size_t payload_bytes_max);

  // The cap may be raised once the peer has said hello.
  void set_payload_bytes_max(size_t bytes) { payload_bytes_max_ = bytes; }

  // Writable room of at least `bytes_min` for the next read. Invalidates frames returned before.
  std::span<uint8_t> PrepareRead(size_t bytes_min);
  // The first `bytes` of that room have been filled. REQUIRES: not more than there was.
  void Commit(size_t bytes);
  // Gives back what a huge frame made it allocate, if nothing is buffered any more. Invalidates
  // frames returned before.
  void Trim();

  // The next whole frame; nothing if more bytes are needed; ProtocolError (for ever) if the stream
  // is broken: a length over the cap, or a header whose zero is not zero.
  Result<std::optional<Frame>> Next();

  size_t buffered_bytes() const { return end_ - begin_; }
  // Bytes that it has allocated.
  size_t capacity() const { return capacity_; }

 private:
  uint8_t* data() const { return reinterpret_cast<uint8_t*>(memory_.get()); }
  void Reallocate(size_t capacity);
  // Bytes of the frame at begin_ that have not arrived; 0 if not known.
  size_t MissingBytes() const;

  size_t payload_bytes_max_;
  // uint64_t elements, so that the memory is aligned to 8; not initialised, so that unused pages
  // cost nothing.
  std::unique_ptr<uint64_t[]> memory_;
  size_t capacity_ = 0;
  // Buffered are [begin_, end_); begin_ is a multiple of 8.
  size_t begin_ = 0;
  size_t end_ = 0;
  Status broken_;
};

}  // namespace rayx
