// Reading and writing single messages: nothing received is used before it is verified.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "common/base/status.h"
#include "common/protocol/generated/messages_generated.h"

namespace rayx {

// The message in `payload`, which must outlive it; null if it is malformed.
template <typename Message>
const Message* VerifiedMessage(std::span<const uint8_t> payload) {
  flatbuffers::Verifier verifier(payload.data(), payload.size());
  if (!verifier.VerifyBuffer<Message>()) return nullptr;
  return flatbuffers::GetRoot<Message>(payload.data());
}

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

inline std::span<const uint8_t> BytesOf(const flatbuffers::Vector<uint8_t>& bytes) {
  return {bytes.Data(), bytes.size()};
}

}  // namespace rayx
