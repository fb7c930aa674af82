// Randomness from the operating system, for ids that nobody can guess.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/base/ids.h"
#include "common/os/fork_guard.h"

namespace rayx {

// Fills `out`; ends the process if the system has no randomness.
void FillRandom(std::span<uint8_t> out);

// Makes ids, with one system call for many. A copy of the buffer in two processes would give the
// same ids twice, so a forked child takes none. Used from one thread at a time.
class RandomIdSource {
 public:
  template <typename IdType>
  IdType Next() {
    std::array<uint8_t, IdType::kSize> bytes;
    Take(bytes);
    return IdType::FromBytes(bytes.data());
  }

 private:
  void Take(std::span<uint8_t> out);
  std::array<uint8_t, 4096> buffer_{};
  size_t used_ = sizeof(buffer_);
  // Of the process that has filled the buffer.
  std::optional<ForkGuard> guard_;
};

}  // namespace rayx
