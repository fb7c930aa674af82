#include "wire/greeting.h"

#include <optional>

#include "common/base/limits.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::wire {
namespace {

using protocol::NodeMessageType;

std::vector<uint8_t> FrameOf(NodeMessageType type, const flatbuffers::FlatBufferBuilder& builder) {
  std::vector<uint8_t> frame;
  AppendFrame(static_cast<uint16_t>(type), {builder.GetBufferPointer(), builder.GetSize()}, &frame);
  return frame;
}

template <typename Message>
const Message* ReadAs(NodeMessageType type, const Frame& frame) {
  if (frame.type != static_cast<uint16_t>(type)) return nullptr;
  return VerifiedMessage<Message>(frame.payload);
}

std::string Text(const flatbuffers::String* text) {
  return text == nullptr ? std::string() : text->str();
}

}  // namespace

std::vector<uint8_t> EncodeGreeting(const NodeGreeting& greeting,
                                    const std::string& python_version) {
  flatbuffers::FlatBufferBuilder builder(256);
  const auto python = builder.CreateString(python_version);
  builder.Finish(protocol::CreateNodeHello(
      builder, limits::kProtocolVersion, python, greeting.kind, ToWire(greeting.node),
      greeting.cluster.IsNil() ? nullptr : ToWire(greeting.cluster), greeting.server));
  return FrameOf(NodeMessageType::NodeHello, builder);
}

std::vector<uint8_t> EncodeAnswer(const NodeAdmission& admission) {
  flatbuffers::FlatBufferBuilder builder(128);
  builder.Finish(protocol::CreateNodeWelcome(builder, limits::kProtocolVersion,
                                             ToWire(admission.node), ToWire(admission.cluster),
                                             admission.servers));
  return FrameOf(NodeMessageType::NodeWelcome, builder);
}

std::vector<uint8_t> EncodeAnswer(const NodeRefusal& refusal) {
  flatbuffers::FlatBufferBuilder builder(256);
  const auto reason = builder.CreateString(refusal.reason);
  builder.Finish(protocol::CreateNodeRefused(builder, reason, refusal.declared_dead));
  return FrameOf(NodeMessageType::NodeRefused, builder);
}

Result<NodeGreeting> DecodeGreeting(const Frame& frame, const std::string& python_version) {
  const auto* hello = ReadAs<protocol::NodeHello>(NodeMessageType::NodeHello, frame);
  if (hello == nullptr) return Status::ProtocolError("the first message is no greeting of a node");
  if (hello->protocol_version() != limits::kProtocolVersion) {
    return Status::InvalidArgument(
        "this node speaks version " + std::to_string(limits::kProtocolVersion) +
        " of rayx's protocol, the node that dials version " +
        std::to_string(hello->protocol_version()) + ": install the same rayx on all machines");
  }
  const std::string python = Text(hello->python_version());
  if (python != python_version) {
    return Status::InvalidArgument("this node has Python " + python_version +
                                   ", the node that dials has Python " + python +
                                   ": nodes run each other's functions, so they need the same");
  }
  if (protocol::EnumNameConnectionKind(hello->kind())[0] == '\0') {
    return Status::ProtocolError("a connection of an unknown kind");
  }
  NodeGreeting greeting{.kind = hello->kind(),
                        .node = FromWire<NodeId>(*hello->node()),
                        .cluster = {},
                        .server = hello->server()};
  if (hello->cluster() != nullptr) greeting.cluster = FromWire<ClusterId>(*hello->cluster());
  if (greeting.node.IsNil()) return Status::ProtocolError("a greeting of no node");
  return greeting;
}

Result<std::variant<NodeAdmission, NodeRefusal>> DecodeAnswer(const Frame& frame) {
  using Answer = std::variant<NodeAdmission, NodeRefusal>;
  if (const auto* welcome = ReadAs<protocol::NodeWelcome>(NodeMessageType::NodeWelcome, frame)) {
    return Answer(NodeAdmission{.node = FromWire<NodeId>(*welcome->node()),
                                .cluster = FromWire<ClusterId>(*welcome->cluster()),
                                .servers = welcome->servers()});
  }
  if (const auto* refused = ReadAs<protocol::NodeRefused>(NodeMessageType::NodeRefused, frame)) {
    return Answer(
        NodeRefusal{.reason = Text(refused->reason()), .declared_dead = refused->declared_dead()});
  }
  return Status::ProtocolError("the node that was dialled answered with something else");
}

}  // namespace rayx::wire
