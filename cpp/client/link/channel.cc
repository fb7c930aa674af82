#include "client/link/channel.h"

#include <optional>
#include <utility>

namespace rayx {

Channel::Channel(std::unique_ptr<FrameStream> stream, std::shared_ptr<ReferenceQueue> references,
                 Handler handler, Answers answers)
    : stream_(std::move(stream)),
      references_(std::move(references)),
      handler_(std::move(handler)),
      answers_(answers) {}

// --- writing ---

void Channel::QueueReferences() {
  if (references_ == nullptr) return;
  references_->Drain(
      [this](uint16_t type, std::span<const uint8_t> payload) { stream_->Queue(type, payload); });
}

Status Channel::Send(uint16_t type, std::span<const uint8_t> payload,
                     const WaitForRoom& wait_for_room) {
  token_.Acquire();
  Status status;
  if (closed_.load()) {
    status = Status::Disconnected("the channel is closed");
  } else {
    // The frame may name an object whose reference is queued: the peer has to count that first.
    QueueReferences();
    stream_->Queue(type, payload);
    status = stream_->Flush();
    while (status.ok() && stream_->unsent_bytes() > 0) {
      status = wait_for_room();
      if (status.ok()) status = stream_->Flush();
    }
  }
  token_.Release();
  // Looked at when the token is back: a thread that wants a flush sets the flag, then tries for the
  // token. Either it gets that, or we see the flag.
  if (flush_wanted_.load()) TryFlush();
  return status;
}

bool Channel::Append(uint16_t type, std::span<const uint8_t> payload, size_t unsent_bytes_max) {
  token_.Acquire();
  const bool appends =
      !closed_.load() && stream_->unsent_bytes() + payload.size() < unsent_bytes_max;
  if (appends) {
    QueueReferences();
    stream_->Queue(type, payload);
  }
  token_.Release();
  if (appends && flush_wanted_.load()) TryFlush();
  return appends;
}

void Channel::TryFlush() {
  // Set before the token is tried for, as Send says.
  flush_wanted_.store(true);
  while (flush_wanted_.load() && token_.TryAcquire()) {
    // Cleared before the writing: a thread that sets it again has queued something that this may be
    // too late to write.
    flush_wanted_.store(false);
    if (!closed_.load()) {
      QueueReferences();
      // The leader notices a broken stream when it reads.
      (void)stream_->Flush();
    }
    token_.Release();
  }
}

bool Channel::HasUnsent() const {
  return stream_->unsent_bytes() > 0 || (references_ != nullptr && !references_->empty());
}

// --- reading ---

Status Channel::HandleFrames(const Status& read) {
  Status handled;
  // This goes on when the peer has closed, since what it said before counts. A handler may drop
  // this channel.
  while (!dropped_ && handled.ok()) {
    const Result<std::optional<Frame>> frame = stream_->Next();
    if (frame.ok() && !*frame) break;
    handled = frame.ok() ? handler_.on_frame(stream_.get(), **frame) : frame.status();
  }
  const Status& status = read.ok() ? handled : read;
  if (!status.ok()) Lose(status);
  return status;
}

// --- the end ---

void Channel::Lose(const Status& reason) {
  if (lost_ || dropped_) return;
  lost_ = true;
  closed_.store(true);
  stream_->Shutdown();
  handler_.on_lost(reason);
}

void Channel::Drop() {
  dropped_ = true;
  closed_.store(true);
  stream_->Shutdown();
}

void Channel::Close() {
  // A thread that has the token leaves soon, as the stream is shut down; one that gets it later
  // finds the channel closed. So no thread uses the descriptor when it is closed and its number is
  // given to another file.
  token_.Acquire();
  stream_->Close();
  token_.Release();
}

}  // namespace rayx
