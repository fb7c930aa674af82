#include "daemon/peers/peer_messages.h"

#include <vector>

#include "common/protocol/wire_ids.h"
#include "daemon/messages/message_values.h"

namespace rayx::daemon {

void PeerMessages::SendObjects(node::Peer& peer, std::span<const node::ObjectView> objects,
                               uint64_t fence) {
  writer_->Send(ConnectionOf(peer), protocol::MessageType::ObjectsReady,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  std::vector<flatbuffers::Offset<protocol::ObjectValue>> values;
                  values.reserve(objects.size());
                  for (const node::ObjectView& object : objects) {
                    values.push_back(WriteObjectValue(builder, object));
                  }
                  return protocol::CreateObjectsReady(builder, builder.CreateVector(values), fence);
                });
}

void PeerMessages::SendFunction(node::Peer& peer, const FunctionId& id,
                                const std::string* pickled) {
  writer_->Send(ConnectionOf(peer), protocol::MessageType::FunctionContent,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  flatbuffers::Offset<flatbuffers::Vector<uint8_t>> data;
                  if (pickled != nullptr) {
                    const auto bytes = BytesOf(*pickled);
                    data = builder.CreateVector(bytes.data(), bytes.size());
                  }
                  return protocol::CreateFunctionContent(builder, ToWire(id), data);
                });
}

void PeerMessages::SendForgetFunction(node::Peer& peer, const FunctionId& id) {
  writer_->Send(ConnectionOf(peer), protocol::MessageType::ForgetFunction,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  return protocol::CreateForgetFunction(builder, ToWire(id));
                });
}

void PeerMessages::SendLines(node::Peer& peer, const node::PrintedLines& lines) {
  writer_->Send(ConnectionOf(peer), protocol::MessageType::OutputLines,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  const auto name = builder.CreateString(lines.function);
                  const auto bytes = BytesOf(lines.text);
                  const auto data = builder.CreateVector(bytes.data(), bytes.size());
                  const protocol::Id16 node = *ToWire(lines.node);
                  return protocol::CreateOutputLines(builder, static_cast<int32_t>(lines.pid), name,
                                                     lines.is_stderr, data,
                                                     lines.node.IsNil() ? nullptr : &node);
                });
}

void PeerMessages::SendTaskFailed(node::Peer& peer, std::string_view text) {
  writer_->Send(ConnectionOf(peer), protocol::MessageType::TaskFailed,
                [&](flatbuffers::FlatBufferBuilder& builder) {
                  return protocol::CreateTaskFailed(builder, builder.CreateString(text));
                });
}

void PeerMessages::SendDrained(node::Peer& peer) {
  writer_->Send(
      ConnectionOf(peer), protocol::MessageType::Drained,
      [](flatbuffers::FlatBufferBuilder& builder) { return protocol::CreateDrained(builder); });
}

}  // namespace rayx::daemon
