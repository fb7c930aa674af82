// Whether the first bytes of a peer can be a hello. A process that sends junk at once, as each of a
// flood does, is refused by this alone: no peer is made, watched and destroyed for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/io/frame.h"

namespace rayx::daemon {

// Enough bytes for any hello.
inline constexpr size_t kFirstBytesMax = FrameBytes(limits::kHelloBytesMax);

// True for a whole, well-formed hello, whatever follows it; false for a beginning to which more
// must come. ProtocolError, with the reason, for bytes with which no hello begins. REQUIRES:
// `bytes` begin aligned to 8.
Result<bool> IsWholeHello(std::span<const uint8_t> bytes);

}  // namespace rayx::daemon
