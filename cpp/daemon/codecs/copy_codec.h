// What nodes say to each other about copies of values (transfer/transfer_values.h), as bytes and
// back: in their sessions (common/protocol/remote.fbs), and on streams for bulk (nodes.fbs).
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/protocol/generated/nodes_generated.h"
#include "node/remote_messages.h"
#include "transfer/transfer_values.h"

namespace rayx::daemon {

// No pool is that large, and sums of such sizes do not overflow.
inline constexpr uint64_t kValueBytesMax = uint64_t{1} << 48;

// --- in sessions; a part of remote_codec ---

protocol::PeerMessageType Write(const transfer::AskSource& message,
                                flatbuffers::FlatBufferBuilder* builder);
protocol::PeerMessageType Write(const transfer::CopyWhole& message,
                                flatbuffers::FlatBufferBuilder* builder);
protocol::PeerMessageType Write(const transfer::CopyDropped& message,
                                flatbuffers::FlatBufferBuilder* builder);
protocol::PeerMessageType Write(const node::remote::UseSource& message,
                                flatbuffers::FlatBufferBuilder* builder);
protocol::PeerMessageType Write(const transfer::LeaveSource& message,
                                flatbuffers::FlatBufferBuilder* builder);
protocol::PeerMessageType Write(const transfer::NoSource& message,
                                flatbuffers::FlatBufferBuilder* builder);

template <typename Message>
concept AboutCopies = requires(const Message& message, flatbuffers::FlatBufferBuilder* builder) {
  Write(message, builder);
};

// ProtocolError, with words for what is wrong, if no node of this version says that, or if it is
// about something else.
Status ReadAboutCopies(protocol::PeerMessageType type, std::span<const uint8_t> payload,
                       node::remote::Message* message);

// --- on streams for bulk ---

// Its bytes follow, in frames of the type ChunkBytes.
struct ChunkBegins {
  transfer::ChunkName name;
  uint64_t size_bytes = 0;
};
using FromSource = std::variant<transfer::CopyMissing, ChunkBegins>;

void Send(Connection& connection, const transfer::ToSource& message);
void Send(Connection& connection, const transfer::CopyMissing& message);
void Send(Connection& connection, const ChunkBegins& message);
// What a puller says, and what a source says beside the bytes of chunks. Else ProtocolError.
Result<transfer::ToSource> ReadToSource(const Frame& frame);
Result<FromSource> ReadFromSource(const Frame& frame);

}  // namespace rayx::daemon
