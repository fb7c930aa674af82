#include "client/connection/frame_stream.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "client/connection/poll_set.h"
#include "common/base/limits.h"
#include "common/io/socket.h"

namespace rayx {
namespace {

// A frame has few descriptors, and they are taken when it is there. More is a broken peer.
constexpr size_t kUntakenSetsMax = 16;

// Beyond this the buffer for writing is given back once it is empty.
constexpr size_t kKeptBytes = 1u << 20;

}  // namespace

FrameStream::FrameStream(ScopedFd socket, size_t read_bytes)
    : socket_(std::move(socket)),
      read_bytes_(read_bytes),
      fd_(socket_.get()),
      reader_(limits::kFrameBytesMax) {
  // Fails only for what is not a descriptor, which the first read tells better.
  if (socket_.valid()) (void)SetNonBlocking(socket_.get(), true);
}

Result<FrameStream::Readiness> FrameStream::Wait(bool read, bool write, int64_t timeout_ms) const {
  PollSet set;
  const size_t socket = set.Add(fd(), {.read = read, .write = write});
  RAYX_RETURN_IF_ERROR(set.Wait(timeout_ms));
  return Readiness{.readable = set.readable(socket), .writable = set.writable(socket)};
}

Status FrameStream::ReadSome() {
  const std::span<uint8_t> room = reader_.PrepareRead(read_bytes_);
  Result<ReadOutcome> outcome = ReadWithFds(socket_.get(), room);
  if (!outcome.ok()) return outcome.status();
  if (outcome->would_block) return Status::Ok();
  if (outcome->lost_fds) {
    fds_.emplace_back();
  } else if (!outcome->fds.empty()) {
    fds_.emplace_back(std::move(outcome->fds));
  }
  if (fds_.size() > kUntakenSetsMax)
    return Status::ProtocolError("the node sent too many descriptors");
  if (outcome->bytes == 0) return Status::Disconnected("the node closed the connection");
  reader_.Commit(outcome->bytes);
  return Status::Ok();
}

Result<std::optional<Frame>> FrameStream::Next() { return reader_.Next(); }

Result<std::vector<ScopedFd>> FrameStream::TakeFds(size_t count) {
  if (fds_.empty()) return Status::ProtocolError("a message came without its descriptors");
  std::optional<std::vector<ScopedFd>> fds = std::move(fds_.front());
  fds_.pop_front();
  if (!fds) {
    return Status::IoError("process " + std::to_string(::getpid()) + " cannot open " +
                           std::to_string(count) +
                           " more files: Too many open files. Close some, or let it open more "
                           "(ulimit -n, resource.setrlimit), and try again.");
  }
  if (fds->size() != count) {
    return Status::ProtocolError("a message came with " + std::to_string(fds->size()) +
                                 " descriptors instead of " + std::to_string(count));
  }
  return std::move(*fds);
}

void FrameStream::Queue(uint16_t type, std::span<const uint8_t> payload) {
  AppendFrame(type, payload, &unsent_);
  unsent_bytes_.store(unsent_.size() - sent_, std::memory_order_relaxed);
}

Status FrameStream::Flush() {
  while (sent_ < unsent_.size()) {
    const std::span<const uint8_t> rest = std::span(unsent_).subspan(sent_);
    const Result<size_t> written = WriteWithFds(socket_.get(), rest, {});
    if (!written.ok()) return written.status();
    if (*written == 0) break;
    sent_ += *written;
  }
  if (sent_ == unsent_.size()) {
    sent_ = 0;
    unsent_.clear();
    if (unsent_.capacity() > kKeptBytes) unsent_.shrink_to_fit();
  }
  unsent_bytes_.store(unsent_.size() - sent_, std::memory_order_relaxed);
  return Status::Ok();
}

Status FrameStream::SendAll(uint16_t type, std::span<const uint8_t> payload) {
  Queue(type, payload);
  while (true) {
    RAYX_RETURN_IF_ERROR(Flush());
    if (unsent_bytes() == 0) return Status::Ok();
    const Result<Readiness> ready = Wait(false, true, -1);
    if (!ready.ok() && ready.status().code() != StatusCode::kInterrupted) return ready.status();
  }
}

void FrameStream::Shutdown() const {
  if (fd() >= 0) ShutdownSocket(fd());
}

void FrameStream::Close() {
  fd_.store(-1, std::memory_order_relaxed);
  socket_.Reset();
}

}  // namespace rayx
