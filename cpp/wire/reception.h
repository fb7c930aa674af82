// Where connections of other nodes are received: each says who it is and what it is for, is
// welcomed or refused, and is handed on.
//
//   Receive ──▶ greeting ──(decide)──▶ welcoming ──(answer written)──▶ handed on
//                  │                 └▶ refusing ──(answer written)──▶ closed
//                  └──(no greeting, or none in time)────────────────▶ closed
//
// The peers have proven that they have the cluster's key before they come here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "common/base/status.h"
#include "common/io/byte_stream.h"
#include "common/io/event_loop.h"
#include "wire/first_frame.h"
#include "wire/greeting.h"

namespace rayx::wire {

class Reception {
 public:
  struct Handlers {
    // What the node that greets is answered. Its versions fit.
    std::function<std::variant<NodeAdmission, NodeRefusal>(const NodeGreeting& greeting)> decide;
    // It has been welcomed; what it says next has not been read.
    std::function<void(const NodeGreeting& greeting, std::unique_ptr<ByteStream> stream)> welcomed;
    // For the log: `name` is what Receive was given.
    std::function<void(const std::string& name, const std::string& why)> turned_away;
  };

  // `loop` must outlive it. `python_version`: "3.11", of this node.
  Reception(EventLoop* loop, std::string python_version, Handlers handlers);
  ~Reception();
  Reception(const Reception&) = delete;
  Reception& operator=(const Reception&) = delete;

  // `name`: the peer's address, for people.
  void Receive(std::unique_ptr<ByteStream> stream, std::string name);
  // Those who have not been handed on.
  size_t guest_count() const { return guests_.size(); }

 private:
  struct Guest {
    std::string name;
    std::unique_ptr<ByteStream> stream;
    FirstFrame first{kGreetingBytesMax};
    // Once it has greeted; nothing if it is refused.
    std::optional<NodeGreeting> welcome;
    std::vector<uint8_t> answer;
    size_t answered = 0;
    std::unique_ptr<EventLoop::Timer> timer;
    // After the stream, so that it goes first.
    std::unique_ptr<EventLoop::Watcher> watcher;
  };

  // Goes as far as the stream does.
  void Serve(uint64_t number);
  void Answer(Guest* guest);
  // True once all is written.
  Result<bool> WriteAnswer(Guest* guest);
  void HandOn(uint64_t number);
  void TurnAway(uint64_t number, const std::string& why);

  EventLoop* const loop_;
  const std::string python_version_;
  const Handlers handlers_;
  uint64_t last_number_ = 0;
  std::unordered_map<uint64_t, Guest> guests_;
};

}  // namespace rayx::wire
