// Encodes messages with one builder, whose memory is used again and again.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <span>
#include <utility>
#include <vector>

#include "common/io/connection.h"
#include "common/os/scoped_fd.h"
#include "common/protocol/generated/messages_generated.h"

namespace rayx::daemon {

class MessageWriter {
 public:
  // `fill` gets the cleared builder and returns the offset of the finished table.
  template <typename Fill>
  void Send(Connection& connection, protocol::MessageType type, Fill&& fill,
            std::vector<ScopedFd> fds = {}) {
    builder_.Clear();
    builder_.Finish(std::forward<Fill>(fill)(builder_));
    connection.Send(static_cast<uint16_t>(type), {builder_.GetBufferPointer(), builder_.GetSize()},
                    std::move(fds));
  }

 private:
  flatbuffers::FlatBufferBuilder builder_{4096};
};

// A message of the peer, or null if it is malformed.
template <typename Message>
const Message* Verified(std::span<const uint8_t> payload) {
  flatbuffers::Verifier verifier(payload.data(), payload.size());
  return verifier.VerifyBuffer<Message>(nullptr) ? flatbuffers::GetRoot<Message>(payload.data())
                                                 : nullptr;
}

// The bytes of a field; empty if it is absent.
inline std::span<const uint8_t> BytesOf(const flatbuffers::Vector<uint8_t>* field) {
  return field == nullptr ? std::span<const uint8_t>()
                          : std::span<const uint8_t>(field->data(), field->size());
}
inline std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace rayx::daemon
