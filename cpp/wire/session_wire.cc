#include "wire/session_wire.h"

#include <cstring>
#include <string>
#include <utility>

#include "common/protocol/generated/nodes_generated.h"
#include "common/protocol/message.h"
#include "common/protocol/wire_ids.h"

namespace rayx::wire {
namespace {

using protocol::NodeMessageType;
using Builder = flatbuffers::FlatBufferBuilder;
using Decoded = std::variant<cluster::Notice, IncomingMessage>;

// The enums of cluster and of the schema have the same values.
template <typename To, typename From>
constexpr To Same(From from) {
  return static_cast<To>(from);
}
static_assert(Same<uint8_t>(cluster::RefusalReason::kDeclaredDead) ==
              Same<uint8_t>(protocol::SessionRefusalReason::MAX));
static_assert(Same<uint8_t>(cluster::EndReason::kLeft) ==
              Same<uint8_t>(protocol::SessionEndReason::MAX));
static_assert(cluster::kEndReasons == Same<uint8_t>(protocol::SessionEndReason::MAX) + 1);

constexpr size_t kHeadBytes = sizeof(protocol::SessionMessageHead);
static_assert(kHeadBytes % 8 == 0, "the message behind it stays aligned");

struct Encoder {
  Builder builder{128};

  NodeMessageType operator()(const cluster::Hello& hello) {
    builder.Finish(protocol::CreateSessionHello(builder, ToWire(hello.node), ToWire(hello.target),
                                                hello.session, hello.attempt, hello.attempt_seen,
                                                hello.processed));
    return NodeMessageType::SessionHello;
  }
  NodeMessageType operator()(const cluster::Welcome& welcome) {
    builder.Finish(protocol::CreateSessionWelcome(builder, welcome.attempt, welcome.processed));
    return NodeMessageType::SessionWelcome;
  }
  NodeMessageType operator()(const cluster::Refusal& refusal) {
    builder.Finish(protocol::CreateSessionRefusal(
        builder, Same<protocol::SessionRefusalReason>(refusal.reason), refusal.session_ended));
    return NodeMessageType::SessionRefusal;
  }
  NodeMessageType operator()(const cluster::Acknowledgement& acknowledgement) {
    builder.Finish(protocol::CreateAcknowledgement(builder, acknowledgement.processed));
    return NodeMessageType::Acknowledgement;
  }
  NodeMessageType operator()(const cluster::Farewell& farewell) {
    builder.Finish(
        protocol::CreateFarewell(builder, Same<protocol::SessionEndReason>(farewell.reason)));
    return NodeMessageType::Farewell;
  }
};

Result<Decoded> NoSuch(NodeMessageType type) {
  return Status::ProtocolError(std::string("a malformed ") +
                               protocol::EnumNameNodeMessageType(type));
}

Result<Decoded> DecodeMessage(std::span<const uint8_t> payload) {
  if (payload.size() < kHeadBytes) return NoSuch(NodeMessageType::SessionMessage);
  protocol::SessionMessageHead head;
  std::memcpy(&head, payload.data(), kHeadBytes);
  return Decoded(
      IncomingMessage{.numbers = {.number = head.number(), .processed = head.processed()},
                      .type = head.type(),
                      .payload = payload.subspan(kHeadBytes)});
}

template <typename Table, typename Convert>
Result<Decoded> DecodeAs(NodeMessageType type, std::span<const uint8_t> payload,
                         const Convert& convert) {
  const auto* table = VerifiedMessage<Table>(payload);
  if (table == nullptr) return NoSuch(type);
  return Decoded(cluster::Notice(convert(*table)));
}

}  // namespace

EncodedFrame Encode(const cluster::Notice& notice) {
  Encoder encoder;
  const NodeMessageType type = std::visit(encoder, notice);
  const uint8_t* bytes = encoder.builder.GetBufferPointer();
  return {.type = static_cast<uint16_t>(type),
          .payload = {bytes, bytes + encoder.builder.GetSize()}};
}

EncodedFrame Encode(const cluster::Frame& frame) {
  const protocol::SessionMessageHead head(frame.numbers.number, frame.numbers.processed,
                                          frame.message.type);
  const std::span<const uint8_t> message = frame.message.payload.span();
  EncodedFrame made{.type = static_cast<uint16_t>(NodeMessageType::SessionMessage), .payload = {}};
  made.payload.resize(kHeadBytes + message.size());
  std::memcpy(made.payload.data(), &head, kHeadBytes);
  if (!message.empty()) {
    std::memcpy(made.payload.data() + kHeadBytes, message.data(), message.size());
  }
  return made;
}

Result<Decoded> DecodeSessionFrame(const Frame& frame) {
  const auto type = static_cast<NodeMessageType>(frame.type);
  switch (type) {
    case NodeMessageType::SessionHello:
      return DecodeAs<protocol::SessionHello>(
          type, frame.payload, [](const protocol::SessionHello& said) {
            return cluster::Hello{.node = FromWire<NodeId>(*said.node()),
                                  .target = FromWire<NodeId>(*said.target()),
                                  .session = said.session(),
                                  .attempt = said.attempt(),
                                  .attempt_seen = said.attempt_seen(),
                                  .processed = said.processed()};
          });
    case NodeMessageType::SessionWelcome:
      return DecodeAs<protocol::SessionWelcome>(
          type, frame.payload, [](const protocol::SessionWelcome& said) {
            return cluster::Welcome{.attempt = said.attempt(), .processed = said.processed()};
          });
    case NodeMessageType::SessionRefusal: {
      const auto* said = VerifiedMessage<protocol::SessionRefusal>(frame.payload);
      if (said == nullptr || said->reason() > protocol::SessionRefusalReason::MAX) {
        return NoSuch(type);
      }
      return Decoded(
          cluster::Notice(cluster::Refusal{.reason = Same<cluster::RefusalReason>(said->reason()),
                                           .session_ended = said->session_ended()}));
    }
    case NodeMessageType::Acknowledgement:
      return DecodeAs<protocol::Acknowledgement>(
          type, frame.payload, [](const protocol::Acknowledgement& said) {
            return cluster::Acknowledgement{.processed = said.processed()};
          });
    case NodeMessageType::Farewell: {
      const auto* said = VerifiedMessage<protocol::Farewell>(frame.payload);
      if (said == nullptr || said->reason() > protocol::SessionEndReason::MAX) return NoSuch(type);
      return Decoded(cluster::Notice(cluster::Farewell{Same<cluster::EndReason>(said->reason())}));
    }
    case NodeMessageType::SessionMessage:
      return DecodeMessage(frame.payload);
    default:
      return Status::ProtocolError("a message that has no place in a session of nodes (type " +
                                   std::to_string(frame.type) + ")");
  }
}

}  // namespace rayx::wire
