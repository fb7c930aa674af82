// Why a task is interrupted: what the node writes into a worker's claim word
// (common/shm/claim_word.h), and the worker makes an exception of.
#pragma once

#include <cstdint>

namespace rayx {

// The numbers are part of the claim word; 0 stands for no reason.
enum class InterruptReason : uint8_t { kCancelled = 1, kTimedOut = 2 };

}  // namespace rayx
