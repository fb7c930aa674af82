#include "client/tasks/inquiry.h"

#include <utility>

#include "client/connection/message.h"
#include "client/link/outcome.h"
#include "client/tasks/questions.h"
#include "common/base/limits.h"
#include "common/os/clock.h"
#include "common/protocol/wire_ids.h"

namespace rayx {
namespace {

using protocol::MessageType;

const protocol::Answer& AnswerIn(const MessageCopy& reply) {
  // It was verified when it came.
  return *flatbuffers::GetRoot<protocol::Answer>(reply.bytes().data());
}

}  // namespace

template <typename Key>
Result<Inquiry::Reply> Inquiry::Exchange(ReplyBox<Key>* box, const Key& key, MessageType type,
                                         const flatbuffers::FlatBufferBuilder& message,
                                         int64_t timeout_ms, Looker* looker) {
  const Deadline deadline = Deadline::After(timeout_ms);
  {
    const NodeLink::Lock lock = link_->LockState();
    box->Expect(key);
  }
  Status status = link_->Send(static_cast<uint16_t>(type), MessageBytes(message));
  NodeLink::Lock lock = link_->LockState();
  if (status.ok()) {
    status = link_->Wait(&lock, deadline, Looking{looker, MonotonicMs()},
                         [&] { return box->arrived(key); });
  }
  if (status.code() == StatusCode::kForked) return status;
  Reply reply = box->Leave(key);
  if (reply == nullptr) return status;
  return reply;
}

// --- functions ---

Status Inquiry::ExportFunction(const FunctionId& id, const std::string& name,
                               std::span<const uint8_t> pickled,
                               std::span<const ObjectId> contained) {
  if (pickled.size() > limits::kFunctionBytesMax) {
    return Status::InvalidArgument("the pickled function " + name + " has " +
                                   std::to_string(pickled.size()) + " bytes, more than " +
                                   std::to_string(limits::kFunctionBytesMax) +
                                   "; what it closes over belongs into the object store");
  }
  if (name.size() > limits::kNameBytesMax) {
    return Status::InvalidArgument("a function's name has at most " +
                                   std::to_string(limits::kNameBytesMax) + " bytes");
  }
  flatbuffers::FlatBufferBuilder builder(pickled.size() + 256);
  const auto encoded_name = builder.CreateString(name);
  const auto content = builder.CreateVector(pickled.data(), pickled.size());
  flatbuffers::Offset<flatbuffers::Vector<const protocol::Id20*>> ids;
  if (!contained.empty()) ids = ToWire(builder, contained);
  builder.Finish(protocol::CreateExportFunction(builder, ToWire(id), encoded_name, content, ids));
  return link_->Send(static_cast<uint16_t>(MessageType::ExportFunction), MessageBytes(builder));
}

Result<std::string> Inquiry::FetchFunction(const FunctionId& id, Looker* looker) {
  flatbuffers::FlatBufferBuilder builder(128);
  builder.Finish(protocol::CreateFetchFunction(builder, ToWire(id)));
  const Result<Reply> reply =
      Exchange(&functions_, id, MessageType::FetchFunction, builder, -1, looker);
  if (!reply.ok()) return reply.status();
  const auto* message = flatbuffers::GetRoot<protocol::FunctionContent>((*reply)->bytes().data());
  if (message->pickled() == nullptr) {
    return Status::NotFound("function " + id.Hex() + " has not been exported, or was forgotten");
  }
  const std::span<const uint8_t> pickled = BytesOf(*message->pickled());
  return std::string(pickled.begin(), pickled.end());
}

Status Inquiry::AddWorkerSetup(std::span<const uint8_t> pickled) {
  if (pickled.size() > limits::kFunctionBytesMax) {
    return Status::InvalidArgument("a pickled function for all workers has at most " +
                                   std::to_string(limits::kFunctionBytesMax) + " bytes");
  }
  flatbuffers::FlatBufferBuilder builder(pickled.size() + 64);
  const auto content = builder.CreateVector(pickled.data(), pickled.size());
  const auto setup = protocol::CreateWorkerSetup(builder, content);
  builder.Finish(protocol::CreateAddWorkerSetup(builder, setup));
  return link_->Send(static_cast<uint16_t>(MessageType::AddWorkerSetup), MessageBytes(builder));
}

Status Inquiry::OnFunctionContent(std::span<const uint8_t> payload) {
  const auto* message = VerifiedMessage<protocol::FunctionContent>(payload);
  if (message == nullptr) return MalformedMessage("FunctionContent");
  functions_.Deliver(FromWire<FunctionId>(*message->function_id()), payload);
  return Status::Ok();
}

// --- questions ---

Result<Inquiry::Reply> Inquiry::AskNode(const std::string& question, const Value& fields,
                                        int64_t timeout_ms, Looker* looker) {
  const uint64_t request = next_request_.fetch_add(1);
  flatbuffers::FlatBufferBuilder builder(128);
  RAYX_RETURN_IF_ERROR(EncodeQuestion(&builder, request, question, fields));
  Result<Reply> reply =
      Exchange(&answers_, request, MessageType::Query, builder, timeout_ms, looker);
  if (!reply.ok()) return reply;
  const protocol::Answer& answer = AnswerIn(**reply);
  RAYX_RETURN_IF_ERROR(FromWire(answer.outcome(), answer.message()));
  if (protocol::EnumNameReply(answer.reply_type()) != question) {
    return Status::ProtocolError("the node answered another question than " + question);
  }
  return reply;
}

Result<Value> Inquiry::Ask(const std::string& question, const Value& fields, int64_t timeout_ms,
                           Looker* looker) {
  if (question == protocol::EnumNameQuestion(protocol::Question::NamedActor)) {
    return Status::InvalidArgument("FindActor asks for actors, to which whoever asks refers");
  }
  const Result<Reply> reply = AskNode(question, fields, timeout_ms, looker);
  if (!reply.ok()) return reply.status();
  return DecodeReply(AnswerIn(**reply));
}

Status Inquiry::OnAnswer(std::span<const uint8_t> payload) {
  const auto* message = VerifiedMessage<protocol::Answer>(payload);
  if (message == nullptr) return MalformedMessage("Answer");
  const protocol::NamedActorReply* found = message->reply_as_NamedActor();
  if (found != nullptr && found->actor() != nullptr) {
    // The node counts us from now on, even if the caller has left meanwhile.
    const ObjectId actor = FromWire(*found->actor());
    objects_->AddReferenceLocked(actor);
    // That goes to the node with the next message: an actor that lives a while longer does no harm.
    if (!answers_.expected(message->request())) (void)objects_->RemoveReferenceLocked(actor);
  }
  answers_.Deliver(message->request(), payload);
  return Status::Ok();
}

Result<std::optional<NamedActor>> Inquiry::FindActor(const std::string& name, int64_t timeout_ms,
                                                     Looker* looker) {
  if (name.empty() || name.size() > limits::kNameBytesMax) {
    return Status::InvalidArgument("an actor's name has 1 to " +
                                   std::to_string(limits::kNameBytesMax) + " bytes");
  }
  const Value fields = Value::OfTable({{"name", Value::OfText(name)}});
  const Result<Reply> reply = AskNode("NamedActor", fields, timeout_ms, looker);
  if (!reply.ok()) return reply.status();
  const protocol::NamedActorReply& answer = *AnswerIn(**reply).reply_as_NamedActor();
  std::optional<NamedActor> found;
  if (answer.actor() == nullptr) return found;
  found.emplace();
  found->id = FromWire(*answer.actor());
  if (answer.info() != nullptr) {
    const std::span<const uint8_t> info = BytesOf(*answer.info());
    found->info.assign(info.begin(), info.end());
  }
  return found;
}

}  // namespace rayx
