#include "daemon/others/value_server.h"

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::daemon {
namespace {

using protocol::NodeMessageType;

void Send(Connection& connection, NodeMessageType type,
          const flatbuffers::FlatBufferBuilder& builder) {
  connection.Send(static_cast<uint16_t>(type), {builder.GetBufferPointer(), builder.GetSize()});
}

}  // namespace

ValueServer::~ValueServer() = default;

void ValueServer::Take(const NodeId& node, std::unique_ptr<ByteStream> stream) {
  const ClientId client = peers_->NewId();
  Stream& taken = streams_[client];
  taken.node = node;
  taken.connection = std::make_unique<Connection>(
      loop_, std::move(stream), limits::kHelloBytesMax,
      Connection::Handlers{
          .on_frames = [this, client] { OnFrames(streams_.at(client)); },
          .on_closed = [this, client](const Status&) { streams_.at(client).is_closed = true; },
          .on_dirty = [] {}});
  // What has come with the greeting.
  taken.connection->ReadNow();
}

void ValueServer::OnNodeGone(const NodeId& node) {
  for (auto& [client, stream] : streams_) {
    if (stream.node == node) stream.connection->Close(Status::Disconnected("its session ended"));
  }
}

void ValueServer::OnFrames(Stream& stream) {
  while (const std::optional<Frame> frame = stream.connection->NextFrame()) {
    const auto* asked = frame->type == static_cast<uint16_t>(NodeMessageType::FetchValue)
                            ? VerifiedMessage<protocol::FetchValue>(frame->payload)
                            : nullptr;
    if (asked == nullptr || stream.asked.size() >= limits::kFetchesAskedMax) {
      return stream.connection->Close(Status::ProtocolError("no question for a value"));
    }
    stream.asked.push_back(FromWire(*asked->id()));
  }
}

bool ValueServer::OnTurn() {
  std::erase_if(streams_, [this](const auto& one) {
    if (one.second.is_closed) core_->store().OnClientGone(one.first);
    return one.second.is_closed;
  });
  bool takes_more = false;
  for (auto& [client, stream] : streams_) {
    Fill(client, stream);
    stream.connection->Flush();
    // What it has not taken it will take in a turn of its own.
    const bool is_idle = stream.asked.empty() && !stream.sending;
    takes_more = takes_more || (!is_idle && stream.connection->backlog_bytes() == 0);
  }
  return takes_more;
}

void ValueServer::Fill(ClientId client, Stream& stream) {
  while (!stream.is_closed && stream.connection->backlog_bytes() < limits::kValueBacklogBytes) {
    if (stream.sending) {
      const Status sent = SendSome(client, stream);
      if (!sent.ok()) return stream.connection->Close(sent);
    } else if (stream.asked.empty()) {
      return;
    } else {
      const ObjectId id = stream.asked.front();
      stream.asked.pop_front();
      Begin(client, stream, id);
    }
  }
}

void ValueServer::Begin(ClientId client, Stream& stream, const ObjectId& id) {
  flatbuffers::FlatBufferBuilder builder(256);
  const Result<plasma::ObjectLocation> place = core_->store().Pin(client, id);
  // Small values travel in sessions.
  if (!place.ok() || place->is_inline || place->is_elsewhere) {
    builder.Finish(protocol::CreateValueMissing(builder, ToWire(id)));
    return Send(*stream.connection, NodeMessageType::ValueMissing, builder);
  }
  const auto contained = ToWire(builder, core_->store().ContainedIn(id));
  builder.Finish(protocol::CreateValueBegins(builder, ToWire(id), place->size, contained));
  Send(*stream.connection, NodeMessageType::ValueBegins, builder);
  stream.sending = {.id = id, .offset = place->offset, .left = place->size};
}

Status ValueServer::SendSome(ClientId client, Stream& stream) {
  Sending& sending = *stream.sending;
  buffer_.resize(static_cast<size_t>(std::min<uint64_t>(sending.left, limits::kValueChunkBytes)));
  RAYX_RETURN_IF_ERROR(pool_->ReadAt(sending.offset, buffer_));
  stream.connection->Send(static_cast<uint16_t>(NodeMessageType::ValueBytes), buffer_);
  sending.offset += buffer_.size();
  sending.left -= buffer_.size();
  if (sending.left > 0) return Status::Ok();
  const ObjectId id = sending.id;
  stream.sending.reset();
  return core_->store().Unpin(client, id);
}

}  // namespace rayx::daemon
