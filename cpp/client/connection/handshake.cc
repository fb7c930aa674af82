#include "client/connection/handshake.h"

#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "client/connection/deadline.h"
#include "client/connection/message.h"
#include "common/base/limits.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

Result<NodeWelcome> ReadAnswer(FrameStream* stream, const Frame& frame, bool with_pool) {
  if (frame.type == static_cast<uint16_t>(MessageType::Refused)) {
    const auto* refused = VerifiedMessage<protocol::Refused>(frame.payload);
    if (refused == nullptr) return MalformedMessage("Refused");
    return Status::ProtocolError("the node refused the connection: " + refused->reason()->str());
  }
  if (frame.type != static_cast<uint16_t>(MessageType::Welcome)) {
    return Status::ProtocolError("the node answered Hello with a message of type " +
                                 std::to_string(frame.type));
  }
  const auto* message = VerifiedMessage<protocol::Welcome>(frame.payload);
  if (message == nullptr) return MalformedMessage("Welcome");
  NodeWelcome welcome;
  welcome.node = FromWire<NodeId>(*message->node_id());
  welcome.pool_bytes = message->pool_bytes();
  if (with_pool) {
    Result<std::vector<ScopedFd>> pool = stream->TakeFds(1);
    if (!pool.ok()) return pool.status();
    welcome.pool = std::move(pool->front());
  }
  return welcome;
}

protocol::Role ToWireRole(ClientRole role) {
  switch (role) {
    case ClientRole::kDriver:
      return protocol::Role::Driver;
    case ClientRole::kWorker:
      return protocol::Role::Worker;
    case ClientRole::kOutput:
      return protocol::Role::Output;
    case ClientRole::kTemplate:
      return protocol::Role::Template;
    case ClientRole::kObserver:
      return protocol::Role::Observer;
  }
  return protocol::Role::Driver;
}

}  // namespace

Status SendHello(FrameStream* stream, const Greeting& greeting) {
  flatbuffers::FlatBufferBuilder builder;
  const auto version = builder.CreateString(greeting.python_version);
  const auto config =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(greeting.driver_config.data()),
                           greeting.driver_config.size());
  protocol::HelloBuilder hello(builder);
  hello.add_protocol_version(limits::kProtocolVersion);
  hello.add_role(ToWireRole(greeting.role));
  hello.add_pid(::getpid());
  if (!greeting.driver.IsNil()) hello.add_driver_id(ToWire(greeting.driver));
  hello.add_worker_number(greeting.worker.value());
  hello.add_python_version(version);
  if (!greeting.driver_config.empty()) hello.add_driver_config(config);
  builder.Finish(hello.Finish());
  if (builder.GetSize() > limits::kHelloBytesMax) {
    return Status::InvalidArgument("the driver's settings have " +
                                   std::to_string(builder.GetSize()) + " bytes, more than the " +
                                   std::to_string(limits::kHelloBytesMax) + " of a hello");
  }
  return stream->SendAll(static_cast<uint16_t>(MessageType::Hello), MessageBytes(builder));
}

Result<NodeWelcome> ShakeHands(FrameStream* stream, const Greeting& greeting) {
  RAYX_RETURN_IF_ERROR(SendHello(stream, greeting));
  const bool with_pool =
      greeting.role != ClientRole::kOutput && greeting.role != ClientRole::kTemplate;
  const Deadline deadline = Deadline::After(limits::kHelloTimeoutMs);
  while (true) {
    Result<std::optional<Frame>> frame = stream->Next();
    if (!frame.ok()) return frame.status();
    if (*frame) return ReadAnswer(stream, **frame, with_pool);
    if (deadline.passed()) return Status::TimedOut("the node did not answer the hello in time");
    const auto ready = stream->Wait(true, false, deadline.RemainingMs());
    if (!ready.ok() && ready.status().code() != StatusCode::kInterrupted) return ready.status();
    if (ready.ok() && ready->readable) RAYX_RETURN_IF_ERROR(stream->ReadSome());
  }
}

}  // namespace rayx
