#include "client/tasks/direct_channel.h"

#include <utility>
#include <vector>

namespace rayx {
namespace {

// One task is under way at a time, and few are larger.
constexpr size_t kReadBytes = 16u << 10;

}  // namespace

void DirectChannel::Open(ScopedFd socket, std::shared_ptr<const ClaimWord> memory,
                         ScopedFd doorbell) {
  Close();
  link_->policy().SetDoorbell(std::move(memory), std::move(doorbell));
  channel_ = std::make_shared<Channel>(
      std::make_unique<FrameStream>(std::move(socket), kReadBytes), /*references=*/nullptr,
      Channel::Handler{
          .on_frame = [this](FrameStream*, const Frame& frame) { return handler_.on_frame(frame); },
          .on_lost =
              [this](const Status&) {
                Close();
                handler_.on_lost();
              }},
      Channel::Answers::kAtOnce);
  link_->waits().Add(channel_);
}

Status DirectChannel::OnOpenChannel(FrameStream* stream, std::shared_ptr<const ClaimWord> memory) {
  Result<std::vector<ScopedFd>> ends = stream->TakeFds(2);
  // This process has no descriptors left; the client finds the channel closed.
  if (ends.status().code() == StatusCode::kIoError) return Status::Ok();
  if (!ends.ok()) return ends.status();
  Open(std::move((*ends)[0]), std::move(memory), std::move((*ends)[1]));
  return Status::Ok();
}

void DirectChannel::Close() {
  // The channel may be in the midst of telling that it is lost.
  const std::shared_ptr<Channel> channel = std::exchange(channel_, nullptr);
  link_->waits().Remove(channel);
}

bool DirectChannel::Send(uint16_t type, std::span<const uint8_t> payload) {
  std::shared_ptr<Channel> channel;
  {
    const NodeLink::Lock lock = link_->LockState();
    channel = channel_;
  }
  if (channel == nullptr) return false;
  // Noted before the answer can come, since the thread that looks for it may be another one.
  link_->policy().OnPeerAsked();
  const Status sent =
      channel->Send(type, payload, [] { return Status::IoError("the direct channel is full"); });
  // The leader finds it broken.
  if (!sent.ok()) channel->Break();
  return sent.ok();
}

}  // namespace rayx
