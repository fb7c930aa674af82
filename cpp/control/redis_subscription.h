// Messages of one channel of one control server, on a connection of its own (a connection that
// listens can do nothing else). Subscribes anew whenever the connection has been lost; messages
// sent meanwhile are lost, which `subscribed` tells, so that its user can read what has changed.
#pragma once

#include <functional>
#include <string>

#include "common/io/event_loop.h"
#include "control/redis_connection.h"

namespace rayx::control {

class RedisSubscription final : private RedisConnection::Events {
 public:
  // `subscribed` is called each time messages begin (again) to arrive, `message` with the text of
  // each. Neither may destroy the subscription. `loop` must outlive it.
  RedisSubscription(EventLoop* loop, RedisEndpoint endpoint, std::string channel,
                    std::function<void()> subscribed, std::function<void(std::string)> message);

  bool connected() const { return connection_.ready(); }

 private:
  void OnReady() override;
  void OnReply(Reply reply) override;
  void OnWritten() override {}
  void OnLost() override {}

  const std::string channel_;
  const std::function<void()> subscribed_;
  const std::function<void(std::string)> message_;
  RedisConnection connection_;
};

}  // namespace rayx::control
