// Reading single messages: nothing received is used before it is verified.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace rayx {

// The message in `payload`, which must outlive it; null if it is malformed.
template <typename Message>
const Message* VerifiedMessage(std::span<const uint8_t> payload) {
  flatbuffers::Verifier verifier(payload.data(), payload.size());
  if (!verifier.VerifyBuffer<Message>()) return nullptr;
  return flatbuffers::GetRoot<Message>(payload.data());
}

// The bytes of a field; empty if it is absent.
inline std::span<const uint8_t> BytesOf(const flatbuffers::Vector<uint8_t>* field) {
  return field == nullptr ? std::span<const uint8_t>()
                          : std::span<const uint8_t>(field->data(), field->size());
}
inline std::span<const uint8_t> BytesOf(const flatbuffers::Vector<uint8_t>& field) {
  return BytesOf(&field);
}
inline std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace rayx
