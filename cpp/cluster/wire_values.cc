#include "cluster/wire_values.h"

#include "common/base/overload.h"

namespace rayx::cluster {

std::string_view TextOf(EndReason reason) {
  switch (reason) {
    case EndReason::kDeclaredDead:
      return "declared dead";
    case EndReason::kSelfDead:
      return "this node was declared dead";
    case EndReason::kGone:
      return "its process is gone";
    case EndReason::kReplaced:
      return "another node answers at its address";
    case EndReason::kSilent:
      return "silent";
    case EndReason::kBacklog:
      return "too much is not acknowledged";
    case EndReason::kBreach:
      return "a breach of the protocol";
    case EndReason::kEndedByPeer:
      return "ended by the other side";
    case EndReason::kLeft:
      return "left";
  }
  return "unknown";
}

std::string TextOf(const Notice& notice) {
  const auto number = [](uint64_t value) { return std::to_string(value); };
  return std::visit(
      Overload{
          [&](const Hello& hello) {
            return "hello " + number(hello.attempt) + "/" + number(hello.attempt_seen) + "/" +
                   number(hello.processed) + " of session " + number(hello.session);
          },
          [&](const Welcome& welcome) {
            return "welcome " + number(welcome.attempt) + "/" + number(welcome.processed);
          },
          [&](const Refusal& refusal) {
            switch (refusal.reason) {
              case RefusalReason::kAnotherNode:
                return std::string("refusal: another node");
              case RefusalReason::kSessionEnded:
                return "refusal: ended is " + number(refusal.session_ended);
              case RefusalReason::kDeclaredDead:
                return std::string("refusal: declared dead");
            }
            return std::string("refusal");
          },
          [&](const Acknowledgement& acknowledgement) {
            return "processed " + number(acknowledgement.processed);
          },
          [&](const Farewell& farewell) {
            return "farewell: " + std::string(TextOf(farewell.reason));
          },
      },
      notice);
}

SharedBytes SharedBytes::Of(std::vector<uint8_t> bytes) {
  const auto owner = std::make_shared<const std::vector<uint8_t>>(std::move(bytes));
  return {std::shared_ptr<const uint8_t>(owner, owner->data()), owner->size()};
}

}  // namespace rayx::cluster
