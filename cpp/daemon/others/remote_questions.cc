#include "daemon/others/remote_questions.h"

#include <utility>

#include "common/base/limits.h"
#include "common/protocol/generated/messages_generated.h"
#include "common/protocol/message.h"

namespace rayx::daemon {

using protocol::MessageType;

RemoteQuestions::~RemoteQuestions() = default;

void RemoteQuestions::Ask(const NodeId& node, ClientId asker, uint64_t request,
                          std::span<const uint8_t> query) {
  if (asked_.size() >= limits::kRemoteQuestionsMax) {
    return Fail(node, asker, request,
                "this node asks other nodes " + std::to_string(asked_.size()) +
                    " questions already, which have not been answered");
  }
  Result<std::unique_ptr<ByteStream>> stream = dial_(node);
  if (!stream.ok()) return Fail(node, asker, request, stream.status().message());
  const uint64_t number = ++last_;
  Asked& asked = asked_[number];
  asked.node = node;
  asked.asker = asker;
  asked.request = request;
  asked.connection = std::make_unique<Connection>(
      loop_, std::move(*stream), limits::kFrameBytesMax,
      Connection::Handlers{.on_frames = [this, number] { OnFrames(number); },
                           .on_closed =
                               [this, number](const Status& why) {
                                 asked_.at(number).is_closed = true;
                                 asked_.at(number).why = why.message();
                               },
                           .on_dirty = [] {}});
  asked.patience = loop_->CallAt(
      loop_->now_ms() + limits::kRemoteAnswerMs, [connection = asked.connection.get()] {
        connection->Close(Status::TimedOut("no answer within " +
                                           std::to_string(limits::kRemoteAnswerMs) + " ms"));
      });
  asked.connection->Send(static_cast<uint16_t>(MessageType::Query), query);
  asked.connection->Flush();
}

void RemoteQuestions::OnFrames(uint64_t number) {
  Asked& asked = asked_.at(number);
  const std::optional<Frame> frame = asked.connection->NextFrame();
  if (!frame || asked.is_answered) return;
  const auto* answer = frame->type == static_cast<uint16_t>(MessageType::Answer)
                           ? VerifiedMessage<protocol::Answer>(frame->payload)
                           : nullptr;
  if (answer == nullptr || answer->request() != asked.request) {
    return asked.connection->Close(Status::ProtocolError("what it says is no answer"));
  }
  asked.is_answered = true;
  events_.on_answer(asked.asker, *frame);
  asked.connection->Close(Status::Disconnected("it has answered"));
}

void RemoteQuestions::Fail(const NodeId& node, ClientId asker, uint64_t request,
                           const std::string& why) {
  events_.on_failed(asker, request, "node " + node.Hex() + " cannot be asked: " + why);
}

void RemoteQuestions::OnTurn() {
  std::erase_if(asked_, [this](const auto& entry) {
    const Asked& asked = entry.second;
    if (!asked.is_closed) return false;
    if (!asked.is_answered) Fail(asked.node, asked.asker, asked.request, asked.why);
    return true;
  });
  for (auto& [number, asked] : asked_) asked.connection->Flush();
}

}  // namespace rayx::daemon
