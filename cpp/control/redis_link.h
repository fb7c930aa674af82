// Commands to one control server: pipelined, in order, each answered once or sent again.
//
// The queue holds every command that has no reply yet; the first `sent_` of them have been handed
// to the connection. When the connection is lost, sent_ becomes 0 and all are sent again, in order,
// on the next one. So a write is never lost and never overtaken, but it may be applied twice:
// writes must be idempotent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/io/event_loop.h"
#include "control/redis_connection.h"
#include "control/redis_protocol.h"

namespace rayx::control {

class RedisLink final : private RedisConnection::Events {
 public:
  using Words = std::span<const std::string_view>;
  using Done = std::function<void(Result<Reply>)>;
  // Whether a write may be dropped when more waits than limits::kControlQueue… allow: what the next
  // state of the same thing replaces may.
  enum class Loss { kMustArrive, kMayBeDropped };

  // `loop` must outlive the link.
  RedisLink(EventLoop* loop, RedisEndpoint endpoint);
  ~RedisLink();
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  // Queues a command whose reply only matters if it is an error (which is logged). Sent by Flush.
  void Write(Words words, Loss loss = Loss::kMustArrive);
  void Write(std::initializer_list<std::string_view> words, Loss loss = Loss::kMustArrive) {
    Write(Words(words.begin(), words.size()), loss);
  }
  // Queues a command that asks. `done` gets the reply (never of type kError: that is a
  // ProtocolError), or Unavailable if there is none within `timeout_ms` or the server does not let
  // us in (then maybe before Read returns). Outlives reconnections. `done` may queue further
  // commands.
  void Read(Words words, Done done, int64_t timeout_ms = limits::kControlReadTimeoutMs);
  void Read(std::initializer_list<std::string_view> words, Done done,
            int64_t timeout_ms = limits::kControlReadTimeoutMs) {
    Read(Words(words.begin(), words.size()), std::move(done), timeout_ms);
  }
  // Called each time that the connection is there again after it was lost: the server may have lost
  // what it had acknowledged. What is written then goes behind all writes that wait, and in front
  // of all reads: who asks is to see it.
  void set_on_again(std::function<void()> on_again) { on_again_ = std::move(on_again); }
  // What is queued now must arrive, all of it: somebody waits for it.
  void KeepQueued();
  // Hands what is queued to the socket. Call once a turn.
  void Flush();

  bool connected() const { return connection_.ready(); }
  const Status& health() const { return connection_.health(); }
  // Commands without a reply.
  size_t unacknowledged() const { return queue_.size(); }
  // Writes that were dropped or refused by the server, ever.
  uint64_t lost_writes() const { return lost_writes_; }

 private:
  struct Command {
    std::string bytes;
    Done done;                // empty: a write, or a read that was given up
    int64_t deadline_ms = 0;  // of a read
    Loss loss = Loss::kMustArrive;
  };

  void OnReady() override;
  void OnReply(Reply reply) override;
  void OnWritten() override;
  void OnLost() override;

  void TellAgain();
  void Push(Command command);
  void DropSome();
  void SetDeadlineTimer(int64_t deadline_ms);
  void FailLateReads();
  void FailReads(const std::function<bool(const Command&)>& which, const Status& why);
  void LogRefusedWrite(const Reply& reply);

  EventLoop* const loop_;
  std::deque<Command> queue_;
  size_t sent_ = 0;
  size_t queued_bytes_ = 0;
  size_t droppable_ = 0;  // unsent commands that may be dropped
  uint64_t lost_writes_ = 0;
  std::function<void()> on_again_;
  bool was_ready_ = false;
  int64_t timer_deadline_ms_ = 0;
  std::unique_ptr<EventLoop::Timer> deadline_timer_;
  // Last: it calls us.
  RedisConnection connection_;
};

}  // namespace rayx::control
