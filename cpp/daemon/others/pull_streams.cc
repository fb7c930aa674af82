#include "daemon/others/pull_streams.h"

#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/overload.h"
#include "transfer/chunk_map.h"

namespace rayx::daemon {

using protocol::NodeMessageType;

PullStreams::~PullStreams() = default;

// ---- asking -------------------------------------------------------------------------------------

void PullStreams::Say(const NodeId& source, const transfer::ToSource& message) {
  // Who has no stream keeps nothing for this node.
  if (!streams_.contains(source) && std::holds_alternative<transfer::LeaveCopy>(message)) return;
  Stream* stream = StreamTo(source);
  if (stream == nullptr) {
    unreached_.insert(source);
  } else {
    Send(*stream->connection, message);
  }
}

PullStreams::Stream* PullStreams::StreamTo(const NodeId& source) {
  const auto found = streams_.find(source);
  if (found != streams_.end()) return &found->second;
  Result<std::unique_ptr<ByteStream>> dialled = dial_(source);
  if (!dialled.ok()) {
    LogWarning("values cannot be had from node " + source.Hex() + ": " +
               dialled.status().message());
    return nullptr;
  }
  Stream& stream = streams_[source];
  stream.connection = std::make_unique<Connection>(
      loop_, std::move(*dialled), limits::kFrameBytesMax,
      Connection::Handlers{
          .on_frames = [this, source] { OnFrames(source); },
          .on_closed = [this, source](const Status&) { streams_.at(source).is_closed = true; },
          .on_dirty = [] {}});
  return &stream;
}

void PullStreams::OnNodeGone(const NodeId& node) {
  const auto found = streams_.find(node);
  if (found == streams_.end()) return;
  found->second.connection->Close(Status::Disconnected("its session has ended"));
}

// ---- hearing ------------------------------------------------------------------------------------

void PullStreams::OnFrames(const NodeId& source) {
  Stream& stream = streams_.at(source);
  while (const std::optional<Frame> frame = stream.connection->NextFrame()) {
    const Status heard = Hear(source, stream, *frame);
    if (!heard.ok()) {
      LogWarning("node " + source.Hex() + " gives no value: " + heard.message());
      return stream.connection->Close(heard);
    }
  }
}

Status PullStreams::Hear(const NodeId& source, Stream& stream, const Frame& frame) {
  if (frame.type == static_cast<uint16_t>(NodeMessageType::ChunkBytes)) {
    return OnBytes(source, stream, frame.payload);
  }
  if (stream.coming) return Status::ProtocolError("a message in the middle of a chunk");
  const Result<FromSource> said = ReadFromSource(frame);
  if (!said.ok()) return said.status();
  return std::visit(
      Overload{[&](const ChunkBegins& begins) { return OnBegins(source, stream, begins); },
               [&](const transfer::CopyMissing& missing) {
                 copies().On(source, missing);
                 return Status::Ok();
               }},
      *said);
}

Status PullStreams::OnBegins(const NodeId& source, Stream& stream, const ChunkBegins& begins) {
  const auto wrong_size = [&] {
    return Status::ProtocolError("a chunk of " + std::to_string(begins.size_bytes) + " bytes");
  };
  if (begins.size_bytes == 0 || begins.size_bytes > transfer::kChunkBytes) return wrong_size();
  const std::optional<plasma::Extent> room = copies().Begin(source, begins.name);
  stream.coming = {.name = begins.name, .offset = std::nullopt, .left = begins.size_bytes};
  if (!room) return Status::Ok();
  stream.coming->offset = room->offset;
  return room->size_bytes == begins.size_bytes ? Status::Ok() : wrong_size();
}

Status PullStreams::OnBytes(const NodeId& source, Stream& stream, std::span<const uint8_t> bytes) {
  if (!stream.coming || bytes.empty() || bytes.size() > stream.coming->left) {
    return Status::ProtocolError("bytes beyond a chunk");
  }
  Coming& coming = *stream.coming;
  if (coming.offset) {
    RAYX_RETURN_IF_ERROR(pool_->WriteAt(*coming.offset, bytes));
    *coming.offset += bytes.size();
  }
  coming.left -= bytes.size();
  if (coming.left > 0) return Status::Ok();
  const Coming whole = *std::exchange(stream.coming, std::nullopt);
  if (whole.offset) copies().OnChunk(source, whole.name, /*is_whole=*/true);
  return Status::Ok();
}

// ---- the turn -----------------------------------------------------------------------------------

void PullStreams::BeforeTurn() {
  std::set<NodeId> lost = std::exchange(unreached_, {});
  std::erase_if(streams_, [&](const auto& one) {
    const auto& [source, stream] = one;
    if (!stream.is_closed) return false;
    if (stream.coming && stream.coming->offset) {
      copies().OnChunk(source, stream.coming->name, /*is_whole=*/false);
    }
    lost.insert(source);
    return true;
  });
  for (const NodeId& source : lost) copies().OnSourceLost(source);
}

void PullStreams::AfterTurn() {
  for (auto& [source, stream] : streams_) stream.connection->Flush();
}

}  // namespace rayx::daemon
