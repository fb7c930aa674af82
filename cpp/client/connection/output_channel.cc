#include "client/connection/output_channel.h"

#include <mutex>
#include <optional>
#include <utility>

#include "client/connection/deadline.h"
#include "client/connection/frame_stream.h"
#include "client/connection/handshake.h"
#include "client/connection/message.h"
#include "common/io/socket.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

Result<OutputEvent> EventOf(const Frame& frame) {
  OutputEvent event;
  switch (static_cast<MessageType>(frame.type)) {
    case MessageType::OutputLines: {
      const auto* message = VerifiedMessage<protocol::OutputLines>(frame.payload);
      if (message == nullptr) return MalformedMessage("OutputLines");
      event.kind = OutputEvent::Kind::kLines;
      event.pid = message->pid();
      if (message->name() != nullptr) event.name = message->name()->str();
      if (message->node() != nullptr) event.node = FromWire<NodeId>(*message->node()).Hex();
      event.is_stderr = message->is_stderr();
      const std::span<const uint8_t> lines = BytesOf(*message->lines());
      event.text.assign(lines.begin(), lines.end());
      return event;
    }
    case MessageType::TaskFailed: {
      const auto* message = VerifiedMessage<protocol::TaskFailed>(frame.payload);
      if (message == nullptr) return MalformedMessage("TaskFailed");
      event.kind = OutputEvent::Kind::kTaskFailed;
      event.text = message->text()->str();
      return event;
    }
    case MessageType::Drained:
      event.kind = OutputEvent::Kind::kDrained;
      return event;
    default:
      return Status::ProtocolError("the node sent a message of type " + std::to_string(frame.type) +
                                   " as output");
  }
}

}  // namespace

struct OutputChannel::Impl {
  std::unique_ptr<FrameStream> stream;
  std::mutex write_mutex;
};

OutputChannel::OutputChannel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OutputChannel::~OutputChannel() = default;

Result<std::unique_ptr<OutputChannel>> OutputChannel::Connect(const DriverOptions& options) {
  Result<ScopedFd> socket = ConnectUnix(options.socket_path);
  if (!socket.ok()) return socket.status();
  auto impl = std::make_unique<Impl>();
  impl->stream = std::make_unique<FrameStream>(std::move(*socket));
  Greeting greeting;
  greeting.role = ClientRole::kOutput;
  greeting.driver = options.driver;
  greeting.python_version = options.python_version;
  const Result<NodeWelcome> welcome = ShakeHands(impl->stream.get(), greeting);
  if (!welcome.ok()) return welcome.status();
  return std::make_unique<OutputChannel>(std::move(impl));
}

Result<OutputEvent> OutputChannel::Next(int64_t timeout_ms) {
  FrameStream& stream = *impl_->stream;
  const Deadline deadline = Deadline::After(timeout_ms);
  while (true) {
    const Result<std::optional<Frame>> frame = stream.Next();
    if (!frame.ok()) return frame.status();
    if (*frame) return EventOf(**frame);
    const auto ready = stream.Wait(true, false, deadline.RemainingMs());
    if (!ready.ok() && ready.status().code() != StatusCode::kInterrupted) return ready.status();
    if (ready.ok() && ready->readable) {
      RAYX_RETURN_IF_ERROR(stream.ReadSome());
    } else if (deadline.passed()) {
      OutputEvent nothing;
      nothing.kind = OutputEvent::Kind::kNothing;
      return nothing;
    }
  }
}

Status OutputChannel::Drain() {
  flatbuffers::FlatBufferBuilder builder(64);
  builder.Finish(protocol::CreateDrain(builder));
  const std::lock_guard lock(impl_->write_mutex);
  return impl_->stream->SendAll(static_cast<uint16_t>(MessageType::Drain), MessageBytes(builder));
}

// The descriptor stays until the channel is destroyed, since another thread may be waiting on it.
void OutputChannel::Close() { impl_->stream->Shutdown(); }

}  // namespace rayx
