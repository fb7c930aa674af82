#include "control/redis_connection.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/io/socket.h"
#include "common/os/scoped_fd.h"
#include "control/schema.h"

namespace rayx::control {
namespace {

constexpr size_t kReadChunkBytes = 64u << 10;

std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

Result<std::unique_ptr<ByteStream>> DialUnix(const std::string& path) {
  Result<ScopedFd> socket = ConnectUnix(path);
  if (!socket.ok()) return socket.status();
  RAYX_RETURN_IF_ERROR(SetNonBlocking(socket->get(), true));
  std::unique_ptr<ByteStream> stream = std::make_unique<UnixStream>(std::move(*socket));
  return stream;
}

RedisConnection::RedisConnection(EventLoop* loop, RedisEndpoint endpoint, Events* events)
    : loop_(loop),
      endpoint_(std::move(endpoint)),
      events_(events),
      health_(
          Status::Unavailable("the control server at " + endpoint_.path + " is not reached yet")) {
  // Not here: the events may be a half-made object.
  timer_ = loop_->CallAt(loop_->now_ms(), [this] { Connect(); });
}

RedisConnection::~RedisConnection() = default;

void RedisConnection::Connect() {
  Result<std::unique_ptr<ByteStream>> stream =
      endpoint_.dial ? endpoint_.dial() : DialUnix(endpoint_.path);
  if (!stream.ok()) return Lose(stream.status(), false);
  stream_ = std::move(*stream);
  reader_ = std::make_unique<ReplyReader>();
  watcher_ = loop_->Watch(
      stream_->fd(), [this] { OnReadable(); }, [this] { OnWritable(); });
  state_ = State::kGreeting;
  timer_ = loop_->CallAt(loop_->now_ms() + limits::kControlGreetingMs, [this] {
    Lose(Status::TimedOut("it accepted the connection and did not answer"), false);
  });
  Greet();
}

void RedisConnection::Greet() {
  greeting_replies_ = 0;
  if (endpoint_.dial) {
    greeting_replies_ = 1;  // the other end has logged in
  } else {
    const std::string_view login[] = {"AUTH", endpoint_.user, endpoint_.password};
    AppendCommand(login, &out_);
  }
  // A server that still reads its data from disk takes the login but answers this with an error.
  const std::string_view probe[] = {"EXISTS", schema::kNodeIds};
  AppendCommand(probe, &out_);
  Flush();
}

void RedisConnection::OnGreetingReply(const Reply& reply) {
  const bool logging_in = greeting_replies_++ == 0;
  if (logging_in) {
    if (reply.Is(Reply::Type::kStatus)) return;
    return Lose(Status::Unavailable("it refused user '" + endpoint_.user +
                                    "' and its password with " + reply.Describe()),
                true);
  }
  if (!reply.Is(Reply::Type::kInteger)) {
    const bool not_allowed = reply.text.starts_with("NOPERM");
    return Lose(Status::Unavailable("it is not ready: " + reply.Describe()), not_allowed);
  }
  state_ = State::kReady;
  timer_.reset();
  refused_ = false;
  health_ = Status::Ok();
  LogInfo("connected to the control server at " + endpoint_.path);
  events_->OnReady();
}

void RedisConnection::Send(std::string_view bytes) {
  RAYX_CHECK(ready());
  out_ += bytes;
}

void RedisConnection::Flush() {
  if (state_ == State::kDown || written_ == out_.size()) return;
  while (written_ < out_.size()) {
    const auto wrote = stream_->Write(BytesOf(out_).subspan(written_), {});
    if (!wrote.ok()) return Lose(wrote.status(), false);
    if (*wrote == 0) {
      waits_for_room_ = true;
      return Watch();
    }
    written_ += *wrote;
  }
  out_.clear();
  written_ = 0;
  waits_for_room_ = false;
  Watch();
  if (ready()) events_->OnWritten();
}

void RedisConnection::OnReadable() {
  if (waits_for_room_ && stream_->write_wants_read()) Flush();
  if (state_ != State::kDown) Read();
}

void RedisConnection::OnWritable() {
  if (stream_->read_wants_write()) Read();
  if (state_ != State::kDown) Flush();
}

// Reading wants a readable socket and writing a writable one, or what the stream says.
void RedisConnection::Watch() {
  const bool writing_wants_read = waits_for_room_ && stream_->write_wants_read();
  watcher_->WantRead(!stream_->read_wants_write() || writing_wants_read);
  watcher_->WantWrite((waits_for_room_ && !writing_wants_read) || stream_->read_wants_write());
}

void RedisConnection::Read() {
  std::array<uint8_t, kReadChunkBytes> room;
  for (size_t budget = limits::kReadBytesPerTurn; budget > 0;) {
    const auto outcome = stream_->Read(std::span(room).first(std::min(room.size(), budget)));
    if (!outcome.ok()) return Lose(outcome.status(), false);
    if (outcome->would_block) return Watch();
    if (outcome->bytes == 0) return Lose(Status::Disconnected("it closed the connection"), false);
    budget -= outcome->bytes;
    const Status fed = reader_->Feed(std::span(room).first(outcome->bytes));
    if (!fed.ok()) return Lose(fed, false);
    if (!HandleReplies()) return;
    // The socket is most likely empty; if not, the loop calls again.
    if (outcome->bytes < room.size() && !stream_->holds_bytes()) return Watch();
  }
  Watch();
  // The socket does not tell of bytes that the stream holds already.
  if (stream_->holds_bytes()) PostRead();
}

void RedisConnection::PostRead() {
  reading_ = loop_->CallAt(loop_->now_ms(), [this] { Read(); });
}

bool RedisConnection::HandleReplies() {
  while (true) {
    auto reply = reader_->Next();
    if (!reply.ok()) {
      Lose(reply.status(), false);
      return false;
    }
    if (!reply->has_value()) return true;
    if (state_ == State::kGreeting) {
      OnGreetingReply(**reply);
    } else {
      events_->OnReply(std::move(**reply));
    }
    if (state_ == State::kDown) return false;
  }
}

void RedisConnection::Fail(const Status& why) { Lose(why, false); }

void RedisConnection::Lose(const Status& why, bool refused) {
  const bool was_ready = ready();
  state_ = State::kDown;
  watcher_.reset();
  reading_.reset();
  stream_.reset();
  out_.clear();
  written_ = 0;
  waits_for_room_ = false;
  refused_ = refused;
  const std::string text =
      "the control server at " + endpoint_.path + " is unavailable: " + why.message();
  // One line for each new reason, not for each attempt.
  if (was_ready || text != health_.message()) LogWarning(text);
  health_ = Status::Unavailable(text);
  pause_ms_ =
      std::clamp(pause_ms_ * 2, limits::kControlReconnectMsMin, limits::kControlReconnectMsMax);
  timer_ = loop_->CallAt(loop_->now_ms() + pause_ms_, [this] { Connect(); });
  events_->OnLost();
}

}  // namespace rayx::control
