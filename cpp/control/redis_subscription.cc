#include "control/redis_subscription.h"

#include <string_view>
#include <utility>

namespace rayx::control {

RedisSubscription::RedisSubscription(EventLoop* loop, RedisEndpoint endpoint, std::string channel,
                                     std::function<void()> subscribed,
                                     std::function<void(std::string)> message)
    : channel_(std::move(channel)),
      subscribed_(std::move(subscribed)),
      message_(std::move(message)),
      connection_(loop, std::move(endpoint), this) {}

void RedisSubscription::OnReady() {
  const std::string_view words[] = {"SUBSCRIBE", channel_};
  std::string bytes;
  AppendCommand(words, &bytes);
  connection_.Send(bytes);
  connection_.Flush();
}

// ["subscribe", channel, count] once, then ["message", channel, text] for each message.
void RedisSubscription::OnReply(Reply reply) {
  constexpr size_t kParts = 3;
  if (!reply.Is(Reply::Type::kArray) || reply.elements.size() != kParts ||
      reply.elements[1].text != channel_) {
    return connection_.Fail(
        Status::ProtocolError("it sent " + reply.Describe() + " on channel '" + channel_ + "'"));
  }
  const std::string_view kind = reply.elements[0].text;
  Reply& content = reply.elements[2];
  if (kind == "subscribe") {
    connection_.ConfirmGood();
    subscribed_();
  } else if (kind == "message" && content.Is(Reply::Type::kString)) {
    message_(std::move(content.text));
  } else {
    connection_.Fail(Status::ProtocolError("it sent something that is no message on channel '" +
                                           channel_ + "'"));
  }
}

}  // namespace rayx::control
