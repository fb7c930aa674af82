// What a peer has said first: whether it can be a hello. Whoever connects and sends junk at once,
// as a flood of such does, is refused by it: no peer is made, watched and destroyed for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/io/frame.h"

namespace rayx::daemon {

// So many bytes hold any hello.
inline constexpr size_t kFirstBytesMax = FrameBytes(limits::kHelloBytesMax);

// True for a whole, well-formed hello, whatever follows it; false for a beginning to which more
// must come. ProtocolError for what would be refused later, with the reason: no hello begins so.
// REQUIRES: `bytes` begin aligned to 8.
Result<bool> IsWholeHello(std::span<const uint8_t> bytes);

}  // namespace rayx::daemon
