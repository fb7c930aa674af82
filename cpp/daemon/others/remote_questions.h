// Questions of this node's clients that other nodes answer: each on a stream of its own, since an
// answer may be long, and what nodes owe each other must not wait behind it.
//
//   client ──Query──▶ Questions ──Ask──▶ stream ──Query──▶ an observer there (peers/peer_table.h)
//   client ◀──────────Answer──────────── stream ◀──Answer──┘
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/connection.h"
#include "common/io/event_loop.h"

namespace rayx::daemon {

class RemoteQuestions {
 public:
  using Dial = std::function<Result<std::unique_ptr<ByteStream>>(const NodeId& node)>;
  // Exactly one of them follows a question: the answer's frame, or why there is none.
  struct Events {
    std::function<void(ClientId asker, const Frame& answer)> on_answer;
    std::function<void(ClientId asker, uint64_t request, const std::string& why)> on_failed;
  };
  RemoteQuestions(EventLoop* loop, Dial dial, Events events)
      : loop_(loop), dial_(std::move(dial)), events_(std::move(events)) {}
  ~RemoteQuestions();

  // `query`: the payload of the client's Query, of which `request` is the number. The node gives up
  // after limits::kRemoteAnswerMs. A failure may be told before this returns.
  void Ask(const NodeId& node, ClientId asker, uint64_t request, std::span<const uint8_t> query);
  // Each turn of the loop: writes, and destroys what is over.
  void OnTurn();

  size_t size() const { return asked_.size(); }

 private:
  struct Asked {
    NodeId node;
    ClientId asker = kNoClient;
    uint64_t request = 0;
    bool is_answered = false;
    bool is_closed = false;
    std::string why;
    std::unique_ptr<Connection> connection;
    std::unique_ptr<EventLoop::Timer> patience;
  };

  void OnFrames(uint64_t number);
  void Fail(const NodeId& node, ClientId asker, uint64_t request, const std::string& why);

  EventLoop* const loop_;
  const Dial dial_;
  const Events events_;
  std::map<uint64_t, Asked> asked_;
  uint64_t last_ = 0;
};

}  // namespace rayx::daemon
