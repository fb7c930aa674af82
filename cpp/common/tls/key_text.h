// A cluster's key, and how it is written.
//
//   rayx-key-1-<64 hexadecimal digits of the key>-<8 of the checksum>
//
// The checksum is the beginning of the SHA-256 of all that stands before its hyphen. It is there
// for people who copy a part. `rayx key` writes such lines (python/rayx/records/cluster_key.py);
// tests/golden/cluster_keys.txt has what both must take and refuse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/base/status.h"
#include "common/os/secret_memory.h"

namespace rayx {

// Who has it may join the cluster, and run code as its user. It is wiped when its last copy is
// gone, and is in no core dump; it has no text, so that no log and no message can have it.
class ClusterKey {
 public:
  static constexpr size_t kBytes = 32;

  // What was copied is for the caller to wipe.
  explicit ClusterKey(std::span<const uint8_t, kBytes> bytes);

  std::span<const uint8_t, kBytes> bytes() const { return memory_->bytes().first<kBytes>(); }

 private:
  std::shared_ptr<const SecretMemory> memory_;
};

// The key of such a line; white space around it is passed over. InvalidArgument says what is wrong
// with it ("it is empty"), and nothing of what is in it.
Result<ClusterKey> ParseKeyText(std::string_view text);

}  // namespace rayx
