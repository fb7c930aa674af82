#include "common/io/connection.h"

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/io/socket.h"

namespace rayx {
namespace {

// One read. What the kernel queues for a Unix socket by default is about three of these.
constexpr size_t kReadBytes = 64u << 10;

// More than a socket holds, so that what has arrived is among it, however fast more comes.
constexpr size_t kReadNowBytes = 4u << 20;

// An output buffer beyond this is given back once it has been written.
constexpr size_t kKeptOutputBytesMax = 1u << 20;

// Bytes to write, and the descriptors that must leave with the first byte of their frame.
class OutputQueue {
 public:
  void Append(uint16_t type, std::span<const uint8_t> payload, std::vector<ScopedFd> fds) {
    if (!fds.empty()) attachments_.push_back({written_ + size(), std::move(fds)});
    AppendFrame(type, payload, &bytes_);
  }

  size_t size() const { return bytes_.size() - begin_; }

  // Writes until all is written or the stream takes no more; true if all.
  Result<bool> WriteTo(ByteStream* stream) {
    while (size() != 0) {
      std::array<int, kFdsPerReadMax> fds;
      const size_t fd_count = FdsOfNextByte(&fds);
      const std::span<const uint8_t> part(bytes_.data() + begin_, BytesUntilNextFds(fd_count != 0));
      Result<size_t> written = stream->Write(part, {fds.data(), fd_count});
      if (!written.ok()) return written.status();
      if (*written == 0) break;
      if (fd_count != 0) attachments_.pop_front();
      begin_ += *written;
      written_ += *written;
      // A short write means that the stream is full; asking again would only say so.
      if (*written < part.size()) break;
    }
    const bool all = size() == 0;
    Compact();
    return all;
  }

  void Clear() {
    attachments_.clear();
    GiveBackMemory();
    begin_ = 0;
  }

 private:
  struct Attachment {
    // Position in the whole stream of the byte that they go with.
    uint64_t position;
    std::vector<ScopedFd> fds;
  };

  size_t FdsOfNextByte(std::array<int, kFdsPerReadMax>* fds) const {
    if (attachments_.empty() || attachments_.front().position != written_) return 0;
    const std::vector<ScopedFd>& front = attachments_.front().fds;
    std::transform(front.begin(), front.end(), fds->begin(),
                   [](const ScopedFd& fd) { return fd.get(); });
    return front.size();
  }

  size_t BytesUntilNextFds(bool skip_first) const {
    const size_t next = skip_first ? 1 : 0;
    if (attachments_.size() <= next) return size();
    return static_cast<size_t>(attachments_[next].position - written_);
  }

  // Neither clear() nor `= {}` does.
  void GiveBackMemory() { std::vector<uint8_t>().swap(bytes_); }

  void Compact() {
    if (begin_ == bytes_.size()) {
      begin_ = 0;
      bytes_.clear();
      if (bytes_.capacity() > kKeptOutputBytesMax) GiveBackMemory();
    } else if (begin_ > bytes_.size() / 2) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
  }

  std::vector<uint8_t> bytes_;
  size_t begin_ = 0;
  // Bytes written since the connection was opened.
  uint64_t written_ = 0;
  std::deque<Attachment> attachments_;
};

}  // namespace

struct Connection::Impl {
  Impl(EventLoop* the_loop, std::unique_ptr<ByteStream> the_stream, size_t payload_bytes_max,
       Handlers the_handlers)
      : loop(the_loop),
        stream(std::move(the_stream)),
        reader(payload_bytes_max),
        handlers(std::move(the_handlers)) {}

  EventLoop* loop;
  // Nothing once closed.
  std::unique_ptr<ByteStream> stream;
  FrameReader reader;
  Handlers handlers;
  OutputQueue output;
  std::vector<ScopedFd> arrived_fds;
  bool closed = false;
  bool paused = false;
  // The last reading ended before the stream was empty.
  bool cut_short = false;
  bool dirty = false;
  // The stream took no more; the watcher tells when it does.
  bool waits_for_room = false;
  // What the watcher watches for.
  bool watches_read = true;
  bool watches_write = false;
  // Writing failed: what the peer sent before it went is still read, then this closes the
  // connection.
  Status write_failure;
  // Declared after `stream`, so that it is destroyed first.
  std::unique_ptr<EventLoop::Watcher> watcher;
  // Posted closures hold it weakly.
  std::shared_ptr<Impl*> self = std::make_shared<Impl*>(this);

  void OnSocketReadable();
  void OnSocketWritable();
  void Watch();
  void ReadUpTo(size_t budget);
  void PostReading();
  enum class ReadResult { kDrained, kMore, kClosed };
  ReadResult ReadOnce(size_t* budget);
  bool DeliverFrames();
  void WriteOut();
  void MarkDirty();
  void BeginClose(Status reason);
  template <typename Action>
  void PostIfAlive(Action action);
};

// ---- reading ------------------------------------------------------------------------------------

void Connection::Impl::ReadUpTo(size_t budget) {
  ReadResult result = ReadResult::kMore;
  // Frames are handed over after each read, while they are in the cache.
  while (result == ReadResult::kMore && !paused && budget != 0) result = ReadOnce(&budget);
  cut_short = result == ReadResult::kMore;
  if (result == ReadResult::kDrained && !write_failure.ok()) BeginClose(write_failure);
  if (closed) return;
  Watch();
  // The socket does not tell of bytes that the stream holds already.
  if (cut_short && !paused && stream->holds_bytes()) PostReading();
}

void Connection::Impl::PostReading() {
  PostIfAlive([](Impl* impl) {
    if (!impl->closed && !impl->paused) impl->ReadUpTo(limits::kPeerReadBytesPerTurn);
  });
}

Connection::Impl::ReadResult Connection::Impl::ReadOnce(size_t* budget) {
  std::span<uint8_t> room = reader.PrepareRead(kReadBytes);
  room = room.first(std::min(room.size(), *budget));
  Result<ReadOutcome> outcome = stream->Read(room);
  if (!outcome.ok()) {
    BeginClose(outcome.status());
    return ReadResult::kClosed;
  }
  if (outcome->lost_fds) {
    BeginClose(Status::FromErrno("the peer's descriptors", EMFILE));
    return ReadResult::kClosed;
  }
  if (outcome->would_block) return ReadResult::kDrained;
  if (outcome->bytes == 0) {
    BeginClose(write_failure.ok() ? Status::Disconnected("the peer closed the connection")
                                  : write_failure);
    return ReadResult::kClosed;
  }
  reader.Commit(outcome->bytes);
  *budget -= outcome->bytes;
  // The kernel ends a read at descriptors, so one that brought some may be short with more to come.
  const bool drained =
      outcome->bytes < room.size() && outcome->fds.empty() && !stream->holds_bytes();
  std::move(outcome->fds.begin(), outcome->fds.end(), std::back_inserter(arrived_fds));
  if (!DeliverFrames()) return ReadResult::kClosed;
  return drained ? ReadResult::kDrained : ReadResult::kMore;
}

// False if the connection was closed meanwhile.
bool Connection::Impl::DeliverFrames() {
  handlers.on_frames();
  if (closed) return false;
  reader.Trim();
  if (arrived_fds.size() > kUntakenFdsMax) {
    BeginClose(Status::ProtocolError("the peer sent " + std::to_string(arrived_fds.size()) +
                                     " descriptors that nobody expects"));
    return false;
  }
  return true;
}

std::optional<Frame> Connection::NextFrame() {
  if (impl_->closed) return std::nullopt;
  Result<std::optional<Frame>> next = impl_->reader.Next();
  if (next.ok()) return *next;
  impl_->BeginClose(next.status());
  return std::nullopt;
}

void Connection::ReadNow() {
  if (!impl_->closed) impl_->ReadUpTo(kReadNowBytes);
}

bool Connection::expects_more() const {
  return !impl_->closed && !impl_->paused &&
         (impl_->cut_short || impl_->reader.buffered_bytes() > 0);
}

std::vector<ScopedFd> Connection::TakeFds() { return std::exchange(impl_->arrived_fds, {}); }

void Connection::PauseReading(bool pause) {
  if (impl_->closed || impl_->paused == pause) return;
  impl_->paused = pause;
  impl_->Watch();
  if (pause) return;
  if (impl_->stream->holds_bytes()) impl_->PostReading();
  if (impl_->reader.buffered_bytes() == 0) return;
  // Frames that were read before the pause are told again; the socket may have no more to say.
  impl_->PostIfAlive([](Impl* impl) {
    if (!impl->closed && !impl->paused) impl->DeliverFrames();
  });
}

void Connection::set_payload_bytes_max(size_t bytes) { impl_->reader.set_payload_bytes_max(bytes); }

// ---- writing ------------------------------------------------------------------------------------

void Connection::Send(uint16_t type, std::span<const uint8_t> payload, std::vector<ScopedFd> fds) {
  RAYX_CHECK(payload.size() <= limits::kFrameBytesMax);
  RAYX_CHECK(fds.size() <= kFdsPerReadMax);
  RAYX_CHECK(fds.empty() || impl_->closed || impl_->stream->passes_fds());
  if (impl_->closed || !impl_->write_failure.ok()) return;
  if (impl_->output.size() + FrameBytes(payload.size()) > limits::kPeerBacklogBytesMax) {
    impl_->BeginClose(Status::Disconnected(
        "the peer does not read: " + std::to_string(impl_->output.size()) + " bytes wait for it"));
    return;
  }
  impl_->output.Append(type, payload, std::move(fds));
  impl_->MarkDirty();
}

void Connection::Flush() {
  impl_->dirty = false;
  if (!impl_->closed && !impl_->waits_for_room) impl_->WriteOut();
}

size_t Connection::backlog_bytes() const { return impl_->output.size(); }

void Connection::Impl::MarkDirty() {
  // A stream that takes no more is written to when it does; flushing would only try in vain.
  if (dirty || waits_for_room) return;
  dirty = true;
  if (handlers.on_dirty) handlers.on_dirty();
}

void Connection::Impl::WriteOut() {
  if (!write_failure.ok()) return;
  Result<bool> all = output.WriteTo(stream.get());
  if (!all.ok()) {
    write_failure = all.status();
    output.Clear();
  }
  waits_for_room = all.ok() && !*all;
  Watch();
  // Reads what is left, whether or not the socket says so, and closes; and what a write of TLS has
  // taken out of the socket while it shook hands, of which the socket tells no more.
  if (!all.ok() || (!paused && stream->holds_bytes())) PostReading();
}

// ---- the socket's readiness ---------------------------------------------------------------------

// Reading wants a readable socket and writing a writable one, or what the stream says.
void Connection::Impl::Watch() {
  const bool reading_wants_write = !paused && stream->read_wants_write();
  const bool writing_wants_read = waits_for_room && stream->write_wants_read();
  const bool want_read = (!paused && !reading_wants_write) || writing_wants_read;
  const bool want_write = (waits_for_room && !writing_wants_read) || reading_wants_write;
  if (want_read != watches_read) watcher->WantRead(watches_read = want_read);
  if (want_write != watches_write) watcher->WantWrite(watches_write = want_write);
}

void Connection::Impl::OnSocketReadable() {
  if (waits_for_room && stream->write_wants_read()) WriteOut();
  if (!paused) ReadUpTo(limits::kPeerReadBytesPerTurn);
}

void Connection::Impl::OnSocketWritable() {
  if (!paused && stream->read_wants_write()) ReadUpTo(limits::kPeerReadBytesPerTurn);
  if (!closed && waits_for_room) WriteOut();
}

// ---- closing ------------------------------------------------------------------------------------

Connection::Connection(EventLoop* loop, std::unique_ptr<ByteStream> stream,
                       size_t payload_bytes_max, Handlers handlers)
    : impl_(
          std::make_unique<Impl>(loop, std::move(stream), payload_bytes_max, std::move(handlers))) {
  Impl* impl = impl_.get();
  const int fd = impl->stream->fd();
  impl->watcher = loop->Watch(
      fd, [impl] { impl->OnSocketReadable(); }, [impl] { impl->OnSocketWritable(); });
  // asio makes it non-blocking when it first waits; a Flush may come sooner.
  const Status status = SetNonBlocking(fd, true);
  RAYX_CHECK_MSG(status.ok(), status.message());
  // What a stream has read before it came here, the socket does not tell again.
  if (impl->stream->holds_bytes()) impl->PostReading();
}

Connection::~Connection() = default;

void Connection::Close(Status reason) {
  if (impl_->closed) return;
  if (!impl_->waits_for_room) impl_->WriteOut();
  impl_->BeginClose(std::move(reason));
}

void Connection::Impl::BeginClose(Status reason) {
  if (closed) return;
  closed = true;
  watcher.reset();
  stream.reset();
  output.Clear();
  arrived_fds.clear();
  PostIfAlive([reason = std::move(reason)](Impl* impl) {
    if (impl->handlers.on_closed) impl->handlers.on_closed(reason);
  });
}

template <typename Action>
void Connection::Impl::PostIfAlive(Action action) {
  loop->Post([weak = std::weak_ptr<Impl*>(self), action = std::move(action)] {
    if (const std::shared_ptr<Impl*> alive = weak.lock()) action(*alive);
  });
}

bool Connection::closed() const { return impl_->closed; }
int Connection::fd() const { return impl_->closed ? -1 : impl_->stream->fd(); }

}  // namespace rayx
