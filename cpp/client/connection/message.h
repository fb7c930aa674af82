// Single messages in the memory of a client: to keep one, and to send one.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "common/base/status.h"
#include "common/protocol/generated/messages_generated.h"
#include "common/protocol/message.h"

namespace rayx {

// A message on memory of its own, aligned as messages want it.
class MessageCopy {
 public:
  explicit MessageCopy(std::span<const uint8_t> bytes)
      : words_(std::make_unique_for_overwrite<uint64_t[]>((bytes.size() + 7) / 8)),
        size_bytes_(bytes.size()) {
    if (!bytes.empty()) std::memcpy(words_.get(), bytes.data(), bytes.size());
  }
  std::span<const uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t*>(words_.get()), size_bytes_};
  }

 private:
  std::unique_ptr<uint64_t[]> words_;
  size_t size_bytes_;
};

inline Status MalformedMessage(const std::string& name) {
  return Status::ProtocolError("the node sent a malformed " + name);
}

// What a finished builder holds; valid until it is used again.
inline std::span<const uint8_t> MessageBytes(const flatbuffers::FlatBufferBuilder& builder) {
  return {builder.GetBufferPointer(), builder.GetSize()};
}

}  // namespace rayx
