// Frames out of hostile bytes, chopped in a way that the input chooses. Whatever arrives, the
// reader stays in its memory, keeps to its cap, and gives the same frames as when all bytes come at
// once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/io/frame.h"

namespace {

constexpr size_t kPayloadBytesMax = 4096;

struct Outcome {
  std::vector<std::pair<uint16_t, std::vector<uint8_t>>> frames;
  bool broken = false;
  bool operator==(const Outcome&) const = default;
};

// Takes all whole frames; false once the stream is broken.
bool Drain(rayx::FrameReader* reader, Outcome* outcome) {
  while (true) {
    const auto next = reader->Next();
    if (!next.ok()) {
      outcome->broken = true;
      return false;
    }
    if (!next->has_value()) return true;
    const rayx::Frame& frame = **next;
    RAYX_CHECK(frame.payload.size() <= kPayloadBytesMax);
    RAYX_CHECK(reinterpret_cast<uintptr_t>(frame.payload.data()) % 8 == 0);
    outcome->frames.emplace_back(frame.type,
                                 std::vector<uint8_t>(frame.payload.begin(), frame.payload.end()));
  }
}

// `chops` gives the sizes of the reads, again and again; all at once if it is empty.
Outcome Read(std::span<const uint8_t> stream, std::span<const uint8_t> chops) {
  rayx::FrameReader reader(kPayloadBytesMax);
  Outcome outcome;
  for (size_t turn = 0; !stream.empty(); ++turn) {
    size_t piece = chops.empty() ? stream.size() : size_t{chops[turn % chops.size()]} + 1;
    piece = std::min(piece, stream.size());
    const std::span<uint8_t> room = reader.PrepareRead(piece);
    RAYX_CHECK(room.size() >= piece);
    std::memcpy(room.data(), stream.data(), piece);
    reader.Commit(piece);
    stream = stream.subspan(piece);
    if (!Drain(&reader, &outcome)) break;
    RAYX_CHECK(reader.buffered_bytes() < rayx::FrameBytes(kPayloadBytesMax));
  }
  return outcome;
}

}  // namespace

// The first byte says how many bytes of chopping follow.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> input(data + 1, size - 1);
  const size_t chop_count = std::min<size_t>(data[0] % 16, input.size());
  const auto chops = input.first(chop_count);
  const auto stream = input.subspan(chop_count);
  RAYX_CHECK(Read(stream, chops) == Read(stream, {}));
  return 0;
}
