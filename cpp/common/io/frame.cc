#include "common/io/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "common/base/check.h"

namespace rayx {
namespace {

static_assert(std::endian::native == std::endian::little, "headers are copied as they are");

// A buffer beyond this is given back once it is empty. Batches of small values stay below it, so
// only a pickled function or a long list of ids pays for an allocation of its own.
constexpr size_t kKeptInputBytesMax = 2u << 20;

// Below this, one resize (which writes zeros) is cheaper than three inserts; above, writing twice
// is dearer.
constexpr size_t kResizeBytesMax = 4096;

constexpr size_t AlignTo8(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

}  // namespace

void AppendFrame(uint16_t type, std::span<const uint8_t> payload, std::vector<uint8_t>* out) {
  RAYX_CHECK(payload.size() <= UINT32_MAX);
  const FrameHeader header{static_cast<uint32_t>(payload.size()), type, 0};
  const size_t frame_bytes = FrameBytes(payload.size());
  const size_t start = out->size();
  if (payload.size() <= kResizeBytesMax) {
    out->resize(start + frame_bytes);
    std::memcpy(out->data() + start, &header, sizeof(header));
    if (!payload.empty()) {
      std::memcpy(out->data() + start + sizeof(header), payload.data(), payload.size());
    }
    return;
  }
  if (out->capacity() < start + frame_bytes) {
    out->reserve(std::max(start + frame_bytes, 2 * out->capacity()));
  }
  const auto* header_bytes = reinterpret_cast<const uint8_t*>(&header);
  out->insert(out->end(), header_bytes, header_bytes + sizeof(header));
  out->insert(out->end(), payload.begin(), payload.end());
  out->resize(start + frame_bytes);
}

FrameReader::FrameReader(size_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}

std::span<uint8_t> FrameReader::PrepareRead(size_t bytes_min) {
  Trim();
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ - end_ < bytes_min) {
    const size_t buffered = buffered_bytes();
    // Doubling while a frame is incomplete: memory follows what has arrived, not what a header
    // claims.
    const size_t frame_bytes = std::min(buffered + MissingBytes(), 2 * capacity_);
    const size_t wanted = std::max(buffered + bytes_min, frame_bytes);
    if (wanted > capacity_) {
      Reallocate(AlignTo8(wanted));
    } else {
      std::memmove(data(), data() + begin_, buffered);
      begin_ = 0;
      end_ = buffered;
    }
  }
  return {data() + end_, capacity_ - end_};
}

void FrameReader::Commit(size_t bytes) {
  RAYX_CHECK(bytes <= capacity_ - end_);
  end_ += bytes;
}

void FrameReader::Trim() {
  if (begin_ != end_ || capacity_ <= kKeptInputBytesMax) return;
  memory_.reset();
  capacity_ = begin_ = end_ = 0;
}

Result<std::optional<Frame>> FrameReader::Next() {
  if (!broken_.ok()) return broken_;
  const size_t buffered = buffered_bytes();
  FrameHeader header;
  if (buffered < sizeof(header)) return std::optional<Frame>();
  std::memcpy(&header, data() + begin_, sizeof(header));
  // Before the rest arrives, so that a length nobody may send is refused at once.
  if (header.zero != 0) {
    broken_ = Status::ProtocolError("the header of a frame is broken");
    return broken_;
  }
  if (header.payload_bytes > payload_bytes_max_) {
    broken_ =
        Status::ProtocolError("a frame of " + std::to_string(header.payload_bytes) +
                              " bytes is over the limit of " + std::to_string(payload_bytes_max_));
    return broken_;
  }
  const size_t frame_bytes = FrameBytes(header.payload_bytes);
  if (buffered < frame_bytes) return std::optional<Frame>();
  const uint8_t* payload = data() + begin_ + sizeof(header);
  begin_ += frame_bytes;
  return std::optional<Frame>(Frame{header.type, {payload, header.payload_bytes}});
}

void FrameReader::Reallocate(size_t capacity) {
  auto memory = std::make_unique_for_overwrite<uint64_t[]>(capacity / sizeof(uint64_t));
  const size_t buffered = buffered_bytes();
  if (buffered != 0) std::memcpy(memory.get(), data() + begin_, buffered);
  memory_ = std::move(memory);
  capacity_ = capacity;
  begin_ = 0;
  end_ = buffered;
}

size_t FrameReader::MissingBytes() const {
  FrameHeader header;
  const size_t buffered = buffered_bytes();
  if (buffered < sizeof(header)) return 0;
  std::memcpy(&header, data() + begin_, sizeof(header));
  const size_t frame_bytes = FrameBytes(std::min<size_t>(header.payload_bytes, payload_bytes_max_));
  return frame_bytes > buffered ? frame_bytes - buffered : 0;
}

}  // namespace rayx
