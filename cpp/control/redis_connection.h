// A connection to one control server that keeps coming back: connects, logs in, makes sure that the
// server answers for its data, and does so again, with growing pauses, whenever the connection is
// lost.
//
//            connect           logged in and probed
//     Down ----------> Greeting ------------------> Ready
//      ^  <---------------'  lost, refused, late      |
//      '----------------------------------------------'  lost, Fail()
//
// What is sent and what the replies mean is the business of its user (RedisLink,
// RedisSubscription).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "control/redis_protocol.h"

namespace rayx::control {

// A stream to a server, which may still be connecting: it takes no bytes before it is connected,
// and its first failure says why it could not.
using DialServer = std::function<Result<std::unique_ptr<ByteStream>>()>;
// To a server's Unix socket.
Result<std::unique_ptr<ByteStream>> DialUnix(const std::string& path);

// Where a control server listens and how to log in. The password appears in no message.
struct RedisEndpoint {
  // Of its Unix socket; if `dial` is set, only what messages call the server.
  std::string path;
  std::string user;
  std::string password;
  // Another way than that socket, to a server on another machine: the other end of the stream
  // (table_bridge.h) has logged in already, since the password does not leave that machine.
  DialServer dial = nullptr;
};

class RedisConnection {
 public:
  // Called from the loop's handlers, and OnLost also from Send, Flush and Fail.
  class Events {
   public:
    // Commands may be sent. Nothing that was sent before has a meaning any more.
    virtual void OnReady() = 0;
    // One reply, in the order of the commands. May call Fail.
    virtual void OnReply(Reply reply) = 0;
    // Everything sent has been written.
    virtual void OnWritten() = 0;
    // Was ready and is not any more, or could not become ready (see health). Also called on each
    // further failed attempt.
    virtual void OnLost() = 0;

   protected:
    ~Events() = default;
  };

  // `loop` and `events` must outlive the connection. The first attempt is made in the next turn.
  RedisConnection(EventLoop* loop, RedisEndpoint endpoint, Events* events);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  bool ready() const { return state_ == State::kReady; }
  // The server answers, but does not let us in: waiting does not help.
  bool refused() const { return refused_; }
  // OK when ready, else Unavailable with the reason.
  const Status& health() const { return health_; }
  const std::string& path() const { return endpoint_.path; }

  // Queues bytes of commands. REQUIRES: ready().
  void Send(std::string_view bytes);
  // Writes what the socket takes; the rest is written when it takes more.
  void Flush();
  // Bytes queued and not yet written.
  size_t backlog_bytes() const { return out_.size() - written_; }

  // The server does what it may not do, or cannot serve us now: gives this connection up and tries
  // again later.
  void Fail(const Status& why);
  // The server has done something useful: after the next loss, pauses start short again.
  void ConfirmGood() { pause_ms_ = 0; }

 private:
  enum class State { kDown, kGreeting, kReady };

  void Connect();
  void Greet();
  void OnGreetingReply(const Reply& reply);
  void OnReadable();
  void OnWritable();
  void Read();
  // Has the socket watched for what the stream waits for.
  void Watch();
  void PostRead();
  // False if the connection was lost meanwhile.
  bool HandleReplies();
  void Lose(const Status& why, bool refused);

  EventLoop* const loop_;
  const RedisEndpoint endpoint_;
  Events* const events_;

  State state_ = State::kDown;
  Status health_;
  bool refused_ = false;
  int64_t pause_ms_ = 0;

  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<ReplyReader> reader_;
  std::string out_;
  size_t written_ = 0;
  // The stream took no more; the watcher tells when it does.
  bool waits_for_room_ = false;
  size_t greeting_replies_ = 0;
  // After the stream, so that it goes first.
  std::unique_ptr<EventLoop::Watcher> watcher_;
  std::unique_ptr<EventLoop::Timer> timer_;
  // Reads what the stream holds, in the next turn.
  std::unique_ptr<EventLoop::Timer> reading_;
};

}  // namespace rayx::control
