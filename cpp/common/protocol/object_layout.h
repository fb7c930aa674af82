// How a value lies in memory, in the pool as in a message.
//
//   ObjectHeader | BufferEntry × buffer_count | stream | padding | buffer 0 | padding | buffer 1 |
//   …
//
// The stream is a pickle (protocol 5), raw bytes or text, as the kind says. The buffers are the
// pickle's out-of-band data, each aligned to 64 bytes from the start of the object, so that arrays
// can be used where they lie. Offsets count from the start of the object. Everything is little
// endian.
//
// Readers must not trust an object: its writer was another process. ParseObject checks every
// offset.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace rayx {

// What the stream is. Numbers are part of the format.
enum class ObjectKind : uint8_t {
  kPickle = 1,       // a pickled value
  kBytes = 2,        // a bytes object, as it is
  kTaskError = 3,    // the function raised: a pickled description
  kSystemError = 4,  // rayx failed the task: one byte of SystemErrorCode, then UTF-8 text
};

// The encoded object stands for a failure: a `get` of it raises.
inline bool HoldsError(std::span<const uint8_t> object) {
  if (object.empty()) return false;
  const auto kind = static_cast<ObjectKind>(object[0]);
  return kind == ObjectKind::kTaskError || kind == ObjectKind::kSystemError;
}

// Why rayx itself gave an object an error for a value. Numbers are part of the format;
// python/rayx/errors.py maps each to its exception.
enum class SystemErrorCode : uint8_t {
  kWorkerCrashed = 1,
  kInfeasible = 2,
  kObjectLost = 3,
  kTaskCancelled = 4,
  kObjectStoreFull = 5,
  kWorkerStartFailed = 6,
  kActorDied = 7,
  kTaskTimedOut = 8,
};

struct ObjectHeader {
  static constexpr uint8_t kVersion = 1;
  uint8_t kind;
  uint8_t version;
  uint16_t reserved;
  uint32_t buffer_count;
  uint64_t stream_bytes;
};
static_assert(sizeof(ObjectHeader) == 16);

struct BufferEntry {
  uint64_t offset;
  uint64_t size;
};
static_assert(sizeof(BufferEntry) == 16);

// Computes where the parts of an object go, before its memory exists.
class ObjectPlan {
 public:
  ObjectPlan(ObjectKind kind, uint64_t stream_bytes, std::span<const uint64_t> buffer_sizes);

  uint64_t total_bytes() const { return total_bytes_; }
  uint64_t stream_offset() const { return stream_offset_; }
  uint64_t stream_bytes() const { return header_.stream_bytes; }
  const std::vector<BufferEntry>& buffers() const { return buffers_; }

  // Writes header and entries to `memory`. REQUIRES: `memory` has total_bytes(). The stream and the
  // buffers are the caller's to copy.
  void WriteHeader(uint8_t* memory) const;

 private:
  ObjectHeader header_;
  std::vector<BufferEntry> buffers_;
  uint64_t stream_offset_;
  uint64_t total_bytes_;
};

// The parts of an object; points into the memory it was parsed from, which must outlive it.
struct ObjectParts {
  ObjectKind kind = ObjectKind::kPickle;
  std::span<const uint8_t> stream;
  std::vector<std::span<const uint8_t>> buffers;
};

// ProtocolError if any offset or size leaves `memory`, or kind or version are unknown.
Result<ObjectParts> ParseObject(std::span<const uint8_t> memory);

// A whole kSystemError object.
std::string EncodeSystemError(SystemErrorCode code, std::string_view text);

}  // namespace rayx
