#include "client/connection/template_channel.h"

#include <cerrno>
#include <utility>
#include <vector>

#include "client/connection/frame_stream.h"
#include "client/connection/handshake.h"
#include "client/connection/message.h"

namespace rayx {
namespace {

using protocol::MessageType;

// With all descriptors -1 if this process had no room for them.
Result<ForkRequest> RequestOf(FrameStream* stream, const Frame& frame) {
  const auto* message = VerifiedMessage<protocol::ForkWorker>(frame.payload);
  if (message == nullptr) return MalformedMessage("ForkWorker");
  ForkRequest request;
  request.number = WorkerNumber(message->number());
  Result<std::vector<ScopedFd>> taken = stream->TakeFds(4);
  if (taken.status().code() == StatusCode::kIoError) return request;
  if (!taken.ok()) return taken.status();
  std::vector<ScopedFd>& fds = *taken;
  request.socket_fd = fds[0].Release();
  request.stdout_fd = fds[1].Release();
  request.stderr_fd = fds[2].Release();
  request.claim_fd = fds[3].Release();
  return request;
}

template <typename Message>
Status SendWhole(FrameStream* stream, flatbuffers::FlatBufferBuilder* builder, MessageType type,
                 flatbuffers::Offset<Message> message) {
  builder->Finish(message);
  return stream->SendAll(static_cast<uint16_t>(type), MessageBytes(*builder));
}

}  // namespace

struct TemplateChannel::Impl {
  explicit Impl(ScopedFd socket) : stream(std::move(socket)) {}
  FrameStream stream;
};

TemplateChannel::TemplateChannel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TemplateChannel::~TemplateChannel() = default;

Result<std::unique_ptr<TemplateChannel>> TemplateChannel::Adopt(int socket_fd) {
  auto impl = std::make_unique<Impl>(ScopedFd(socket_fd));
  Greeting greeting;
  greeting.role = ClientRole::kTemplate;
  // NextRequest takes the answer as it comes, so that the template does not wait for it.
  RAYX_RETURN_IF_ERROR(SendHello(&impl->stream, greeting));
  return std::make_unique<TemplateChannel>(std::move(impl));
}

int TemplateChannel::fd() const { return impl_->stream.fd(); }

Status TemplateChannel::ReportReady(int pid) {
  flatbuffers::FlatBufferBuilder builder(64);
  return SendWhole(&impl_->stream, &builder, MessageType::TemplateReady,
                   protocol::CreateTemplateReady(builder, pid));
}

Result<std::optional<ForkRequest>> TemplateChannel::NextRequest() {
  FrameStream& stream = impl_->stream;
  bool has_read = false;
  while (true) {
    const Result<std::optional<Frame>> frame = stream.Next();
    if (!frame.ok()) return frame.status();
    if (*frame) {
      const Frame& got = **frame;
      if (got.type == static_cast<uint16_t>(MessageType::Welcome)) continue;
      if (got.type == static_cast<uint16_t>(MessageType::Refused)) {
        return Status::ProtocolError("the node refused the worker template");
      }
      if (got.type != static_cast<uint16_t>(MessageType::ForkWorker)) {
        return Status::ProtocolError("the node sent the worker template a message of type " +
                                     std::to_string(got.type));
      }
      Result<ForkRequest> request = RequestOf(&stream, got);
      if (!request.ok()) return request.status();
      if (request->socket_fd < 0) {
        RAYX_RETURN_IF_ERROR(ReportForked(request->number, -1, EMFILE));
        continue;
      }
      return std::optional<ForkRequest>(*request);
    }
    if (has_read) return std::optional<ForkRequest>();
    RAYX_RETURN_IF_ERROR(stream.ReadSome());
    has_read = true;
  }
}

Status TemplateChannel::ReportForked(WorkerNumber number, int pid, int error_number) {
  flatbuffers::FlatBufferBuilder builder(64);
  return SendWhole(&impl_->stream, &builder, MessageType::WorkerForked,
                   protocol::CreateWorkerForked(builder, number.value(), pid, error_number));
}

Status TemplateChannel::ReportExited(int pid, int wait_status) {
  flatbuffers::FlatBufferBuilder builder(64);
  return SendWhole(&impl_->stream, &builder, MessageType::WorkerExited,
                   protocol::CreateWorkerExited(builder, pid, wait_status));
}

void TemplateChannel::Abandon() { impl_->stream.Close(); }

}  // namespace rayx
