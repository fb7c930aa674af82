#include "control/table_bridge.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/limits.h"

namespace rayx::control {

TableBridge::TableBridge(EventLoop* loop, const RedisEndpoint& server,
                         std::unique_ptr<ByteStream> node, OnClosed on_closed)
    : loop_(loop), on_closed_(std::move(on_closed)), node_(std::move(node)) {
  Result<std::unique_ptr<ByteStream>> stream = DialUnix(server.path);
  if (!stream.ok()) {
    Close(stream.status());
    return;
  }
  server_ = std::move(*stream);
  const std::string_view words[] = {"AUTH", server.user, server.password};
  AppendCommand(words, &login_);
  watcher_ = loop_->Watch(
      server_->fd(), [this] { ReadLogin(); }, [this] { WriteLogin(); });
  timer_ = loop_->CallAt(loop_->now_ms() + limits::kControlGreetingMs, [this] {
    Close(Status::TimedOut("the control server did not answer the login"));
  });
  WriteLogin();
}

TableBridge::~TableBridge() = default;

// ---- logging in ---------------------------------------------------------------------------------

void TableBridge::WriteLogin() {
  while (!login_.empty()) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(login_.data());
    const Result<size_t> wrote = server_->Write({bytes, login_.size()}, {});
    if (!wrote.ok()) return Close(wrote.status());
    if (*wrote == 0) break;
    login_.erase(0, *wrote);
  }
  watcher_->WantWrite(!login_.empty());
}

void TableBridge::ReadLogin() {
  std::array<uint8_t, 512> room;
  const auto outcome = server_->Read(room);
  if (!outcome.ok()) return Close(outcome.status());
  if (outcome->would_block) return;
  if (outcome->bytes == 0) return Close(Status::Disconnected("the control server closed it"));
  const Status fed = reply_.Feed(std::span(room).first(outcome->bytes));
  if (!fed.ok()) return Close(fed);
  const auto reply = reply_.Next();
  if (!reply.ok()) return Close(reply.status());
  if (!reply->has_value()) return;
  if (!(*reply)->Is(Reply::Type::kStatus)) {
    return Close(Status::Unavailable("the control server refused us with " + (*reply)->Describe()));
  }
  Join();
}

void TableBridge::Join() {
  timer_.reset();
  watcher_.reset();
  joined_ = std::make_unique<StreamBridge>(
      loop_, StreamBridge::Side{.stream = std::move(node_), .name = "the node"},
      StreamBridge::Side{.stream = std::move(server_), .name = "the control server"}, on_closed_);
}

// ---- the end ------------------------------------------------------------------------------------

void TableBridge::Close(const Status& reason) {
  if (joined_) return joined_->Close(reason);
  if (std::exchange(is_closed_, true)) return;
  watcher_.reset();
  server_.reset();
  node_.reset();
  timer_ = loop_->CallAt(loop_->now_ms(), [this, reason] {
    // A copy, since the timer may be destroyed by what is called.
    const Status why = reason;
    on_closed_(why);
  });
}

}  // namespace rayx::control
