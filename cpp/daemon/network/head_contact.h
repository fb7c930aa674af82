// Asks the node at the head's address who it is, until it answers: what a node does before it
// joins, and when the head that it knew is gone.
//
//   dialling ──(welcomed, refused)──▶ done, told once
//      ▲ │ nobody there, no answer
//      └─┘ after a pause, as long as there is patience
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "daemon/network/node_streams.h"
#include "wire/greeting.h"

namespace rayx::daemon {

class HeadContact {
 public:
  struct Answer {
    // Of a failure the text says what to do; it is InvalidArgument if the head has refused this
    // node, and Unavailable if it has not answered in time.
    Result<wire::NodeAdmission> admission;
    // It was refused since it was declared dead.
    bool declared_dead = false;
  };
  // Told from the loop, once.
  using Done = std::function<void(const Answer& answer)>;

  // `loop` and `streams` must outlive it. With a patience of 0 the first failure is the answer.
  HeadContact(EventLoop* loop, NodeStreams* streams, HostPort head, int64_t patience_ms, Done done);
  ~HeadContact();
  HeadContact(const HeadContact&) = delete;
  HeadContact& operator=(const HeadContact&) = delete;

 private:
  void Dial();
  void OnReady();
  void Fail(const Status& why);
  std::string Advice(const Status& why) const;
  // Calls `done_`, from a turn of its own: it may destroy this object.
  void Tell(Answer answer);

  EventLoop* const loop_;
  NodeStreams* const streams_;
  const HostPort head_;
  const int64_t give_up_ms_;
  const Done done_;
  int64_t pause_ms_;
  std::unique_ptr<ByteStream> stream_;
  // After the stream, so that it goes first.
  std::unique_ptr<EventLoop::Watcher> watcher_;
  // Ends a dial that is not answered, begins the next one, or tells.
  std::unique_ptr<EventLoop::Timer> timer_;
  // What the stream has said from inside a read.
  std::optional<Answer> answer_;
};

}  // namespace rayx::daemon
