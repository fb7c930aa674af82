#include "control/table_bridge.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/limits.h"

namespace rayx::control {
namespace {

constexpr size_t kPassedBytes = 64u << 10;

}  // namespace

TableBridge::TableBridge(EventLoop* loop, const RedisEndpoint& server,
                         std::unique_ptr<ByteStream> node, OnClosed on_closed)
    : loop_(loop), on_closed_(std::move(on_closed)) {
  node_.stream = std::move(node);
  Connect(server);
  if (state_ == State::kClosed) return;
  Open(&node_, &server_);
  Open(&server_, &node_);
  timer_ = loop_->CallAt(loop_->now_ms() + limits::kControlGreetingMs, [this] {
    Close(Status::TimedOut("the control server did not answer the login"));
  });
  WriteOut(&server_);
  Watch();
}

TableBridge::~TableBridge() = default;

void TableBridge::Connect(const RedisEndpoint& server) {
  Result<std::unique_ptr<ByteStream>> stream = DialUnix(server.path);
  if (!stream.ok()) return Close(stream.status());
  server_.stream = std::move(*stream);
  std::string login;
  const std::string_view words[] = {"AUTH", server.user, server.password};
  AppendCommand(words, &login);
  server_.out.assign(login.begin(), login.end());
  login_.emplace();
}

void TableBridge::Open(End* end, End* other) {
  end->watcher = loop_->Watch(
      end->stream->fd(), [this, end, other] { OnReadable(end, other); },
      [this, end, other] { OnWritable(end, other); });
}

// ---- passing on ---------------------------------------------------------------------------------

bool TableBridge::MayRead(const End& end, const End& other) const {
  // Before the server has let us in, what the node sends stays where it is.
  if (state_ == State::kLoggingIn) return &end == &server_;
  return other.backlog_bytes() < limits::kTableBridgeBytesMax;
}

void TableBridge::OnReadable(End* end, End* other) {
  if (end->backlog_bytes() > 0 && end->stream->write_wants_read()) WriteOut(end);
  Pass(end, other);
}

void TableBridge::OnWritable(End* end, End* other) {
  if (end->stream->read_wants_write()) Pass(end, other);
  if (state_ == State::kClosed) return;
  WriteOut(end);
  // There may be room again for what the other stream holds.
  if (state_ == State::kJoined && other->stream->holds_bytes()) Pass(other, end);
  Watch();
}

void TableBridge::Pass(End* from, End* to) {
  if (state_ == State::kLoggingIn && from == &server_) ReadLogin();
  std::array<uint8_t, kPassedBytes> room;
  size_t budget = limits::kReadBytesPerTurn;
  while (state_ == State::kJoined && budget > 0 && MayRead(*from, *to)) {
    const auto outcome = from->stream->Read(std::span(room).first(std::min(room.size(), budget)));
    if (!outcome.ok()) return Close(outcome.status());
    if (outcome->would_block) break;
    if (outcome->bytes == 0) {
      return Close(Status::Disconnected(from == &node_ ? "the node closed the connection"
                                                       : "the control server closed it"));
    }
    budget -= outcome->bytes;
    to->out.insert(to->out.end(), room.begin(),
                   room.begin() + static_cast<std::ptrdiff_t>(outcome->bytes));
    WriteOut(to);
  }
  if (state_ == State::kClosed) return;
  // The socket does not tell of bytes that the stream holds already. That of the server holds none.
  if (from->stream->holds_bytes() && MayRead(*from, *to)) {
    again_ = loop_->CallAt(loop_->now_ms(), [this, from, to] { Pass(from, to); });
  }
  Watch();
}

void TableBridge::ReadLogin() {
  std::array<uint8_t, 512> room;
  const auto outcome = server_.stream->Read(room);
  if (!outcome.ok()) return Close(outcome.status());
  if (outcome->would_block) return;
  if (outcome->bytes == 0) return Close(Status::Disconnected("the control server closed it"));
  const Status fed = login_->Feed(std::span(room).first(outcome->bytes));
  if (!fed.ok()) return Close(fed);
  const auto reply = login_->Next();
  if (!reply.ok()) return Close(reply.status());
  if (!reply->has_value()) return;
  if (!(*reply)->Is(Reply::Type::kStatus)) {
    return Close(Status::Unavailable("the control server refused us with " + (*reply)->Describe()));
  }
  login_.reset();
  timer_.reset();
  state_ = State::kJoined;
  Pass(&node_, &server_);
}

void TableBridge::WriteOut(End* end) {
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

void TableBridge::Watch() {
  if (state_ == State::kClosed) return;
  WatchEnd(&node_, server_);
  WatchEnd(&server_, node_);
}

void TableBridge::WatchEnd(End* end, const End& other) {
  const bool reads = MayRead(*end, other);
  const bool writes = end->backlog_bytes() > 0;
  const bool reading_wants_write = reads && end->stream->read_wants_write();
  const bool writing_wants_read = writes && end->stream->write_wants_read();
  end->watcher->WantRead((reads && !reading_wants_write) || writing_wants_read);
  end->watcher->WantWrite((writes && !writing_wants_read) || reading_wants_write);
}

// ---- the end ------------------------------------------------------------------------------------

void TableBridge::Close(const Status& reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  reason_ = reason;
  for (End* end : {&node_, &server_}) {
    end->watcher.reset();
    end->stream.reset();
    end->out.clear();
    end->written = 0;
  }
  again_.reset();
  timer_ = loop_->CallAt(loop_->now_ms(), [this] { on_closed_(reason_); });
}

}  // namespace rayx::control
