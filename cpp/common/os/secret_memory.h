// A few bytes that no core dump holds, and that are wiped when nobody needs them any more.
// (OpenSSL's secure heap does the same and more, with memory that is locked for the whole process.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace rayx {

class SecretMemory {
 public:
  // A copy, in a page of its own. What was copied is for the caller to wipe. Ends the process if
  // there is no page to be had.
  explicit SecretMemory(std::span<const uint8_t> bytes);
  ~SecretMemory();
  SecretMemory(const SecretMemory&) = delete;
  SecretMemory& operator=(const SecretMemory&) = delete;

  std::span<const uint8_t> bytes() const { return memory_; }

 private:
  std::span<uint8_t> memory_;
};

}  // namespace rayx
