#include "common/io/stream_bridge.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "common/base/limits.h"

namespace rayx {

StreamBridge::StreamBridge(EventLoop* loop, Side left, Side right, OnClosed on_closed)
    : loop_(loop), on_closed_(std::move(on_closed)) {
  left_.stream = std::move(left.stream);
  left_.name = std::move(left.name);
  right_.stream = std::move(right.stream);
  right_.name = std::move(right.name);
  Open(&left_, &right_);
  Open(&right_, &left_);
  Pass(&left_, &right_);
  Pass(&right_, &left_);
}

StreamBridge::~StreamBridge() = default;

void StreamBridge::Open(End* end, End* other) {
  end->watcher = loop_->Watch(
      end->stream->fd(), [this, end, other] { OnReadable(end, other); },
      [this, end, other] { OnWritable(end, other); });
}

// ---- passing on ---------------------------------------------------------------------------------

bool StreamBridge::MayRead(const End& other) {
  return other.backlog_bytes() < limits::kStreamBridgeBytesMax;
}

void StreamBridge::OnReadable(End* end, End* other) {
  if (end->backlog_bytes() > 0 && end->stream->write_wants_read()) WriteOut(end);
  Pass(end, other);
}

void StreamBridge::OnWritable(End* end, End* other) {
  if (end->stream->read_wants_write()) Pass(end, other);
  if (is_closed_) return;
  WriteOut(end);
  // There may be room again for what the other stream holds.
  if (!is_closed_ && other->stream->holds_bytes()) Pass(other, end);
  Watch();
}

void StreamBridge::Pass(End* from, End* to) {
  constexpr size_t kPassedBytes = 64u << 10;
  std::array<uint8_t, kPassedBytes> room;
  size_t budget = limits::kReadBytesPerTurn;
  while (!is_closed_ && budget > 0 && MayRead(*to)) {
    const auto outcome = from->stream->Read(std::span(room).first(std::min(room.size(), budget)));
    if (!outcome.ok()) return Close(outcome.status());
    if (outcome->would_block) break;
    if (outcome->bytes == 0) return Close(Status::Disconnected(from->name + " has closed"));
    budget -= outcome->bytes;
    to->out.insert(to->out.end(), room.begin(),
                   room.begin() + static_cast<std::ptrdiff_t>(outcome->bytes));
    WriteOut(to);
  }
  if (is_closed_) return;
  // The socket does not tell of bytes that the stream holds already.
  if (from->stream->holds_bytes() && MayRead(*to)) {
    auto& again = from == &left_ ? again_left_ : again_right_;
    again = loop_->CallAt(loop_->now_ms(), [this, from, to] { Pass(from, to); });
  }
  Watch();
}

void StreamBridge::WriteOut(End* end) {
  while (end->backlog_bytes() > 0) {
    const std::span<const uint8_t> left = std::span(end->out).subspan(end->written);
    const Result<size_t> wrote = end->stream->Write(left, {});
    if (!wrote.ok()) return Close(wrote.status());
    if (*wrote == 0) return;
    end->written += *wrote;
  }
  end->out.clear();
  end->written = 0;
}

// ---- readiness ----------------------------------------------------------------------------------

void StreamBridge::Watch() {
  if (is_closed_) return;
  WatchEnd(&left_, right_);
  WatchEnd(&right_, left_);
}

void StreamBridge::WatchEnd(End* end, const End& other) {
  const bool reads = MayRead(other);
  const bool writes = end->backlog_bytes() > 0;
  const bool reading_wants_write = reads && end->stream->read_wants_write();
  const bool writing_wants_read = writes && end->stream->write_wants_read();
  end->watcher->WantRead((reads && !reading_wants_write) || writing_wants_read);
  end->watcher->WantWrite((writes && !writing_wants_read) || reading_wants_write);
}

// ---- the end ------------------------------------------------------------------------------------

void StreamBridge::Close(const Status& reason) {
  if (std::exchange(is_closed_, true)) return;
  reason_ = reason;
  for (End* end : {&left_, &right_}) {
    end->watcher.reset();
    end->stream.reset();
    end->out.clear();
    end->written = 0;
  }
  again_left_.reset();
  again_right_.reset();
  telling_ = loop_->CallAt(loop_->now_ms(), [this] { on_closed_(reason_); });
}

}  // namespace rayx
