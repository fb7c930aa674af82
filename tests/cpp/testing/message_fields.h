// Every message and every field of it, for tests, fuzzers and the printing of messages in failures.
// What a message has for fields is told by the tables that flatc makes of the schema.
//
//   std::optional<std::string> text = DescribeMessage(protocol::MessageType::Hello, bytes);
//
// verifies the bytes as that message and reads all its fields. A message that is not listed here
// fails messages_test.cc, as does one whose example leaves a field out.
#pragma once

#include <flatbuffers/flatbuffers.h>
#include <flatbuffers/minireflect.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/protocol/generated/messages_generated.h"

namespace rayx {

struct MessageEntry {
  protocol::MessageType type;
  bool (*is_valid)(std::span<const uint8_t> bytes);
  const flatbuffers::TypeTable* (*fields)();
};

// Whether a union has a value exactly if it has a type. The verifier lets both be as they like.
template <typename Message>
bool UnionsAreWhole(const Message& message) {
  if constexpr (requires { message.question_type(); }) {
    return (message.question_type() != protocol::Question::NONE) == (message.question() != nullptr);
  } else if constexpr (requires { message.reply_type(); }) {
    return (message.reply_type() != protocol::Reply::NONE) == (message.reply() != nullptr);
  } else {
    return true;
  }
}

template <typename Message>
constexpr MessageEntry Entry(protocol::MessageType type) {
  const auto is_valid = [](std::span<const uint8_t> bytes) {
    flatbuffers::Verifier verifier(bytes.data(), bytes.size());
    return verifier.VerifyBuffer<Message>(nullptr) &&
           UnionsAreWhole(*flatbuffers::GetRoot<Message>(bytes.data()));
  };
  return {type, is_valid, Message::MiniReflectTypeTable};
}

inline constexpr MessageEntry kMessages[] = {
    Entry<protocol::Hello>(protocol::MessageType::Hello),
    Entry<protocol::Welcome>(protocol::MessageType::Welcome),
    Entry<protocol::Refused>(protocol::MessageType::Refused),
    Entry<protocol::TaskSpec>(protocol::MessageType::SubmitTask),
    Entry<protocol::ExportFunction>(protocol::MessageType::ExportFunction),
    Entry<protocol::FetchFunction>(protocol::MessageType::FetchFunction),
    Entry<protocol::ForgetFunction>(protocol::MessageType::ForgetFunction),
    Entry<protocol::FunctionContent>(protocol::MessageType::FunctionContent),
    Entry<protocol::RunTask>(protocol::MessageType::RunTask),
    Entry<protocol::TaskDone>(protocol::MessageType::TaskDone),
    Entry<protocol::Blocked>(protocol::MessageType::Blocked),
    Entry<protocol::Unblocked>(protocol::MessageType::Unblocked),
    Entry<protocol::ExitWorker>(protocol::MessageType::ExitWorker),
    Entry<protocol::PutObject>(protocol::MessageType::PutObject),
    Entry<protocol::CreateObject>(protocol::MessageType::CreateObject),
    Entry<protocol::ObjectCreated>(protocol::MessageType::ObjectCreated),
    Entry<protocol::SealObject>(protocol::MessageType::SealObject),
    Entry<protocol::PutReserved>(protocol::MessageType::PutReserved),
    Entry<protocol::AbortObject>(protocol::MessageType::AbortObject),
    Entry<protocol::CancelTask>(protocol::MessageType::CancelTask),
    Entry<protocol::KillActor>(protocol::MessageType::KillActor),
    Entry<protocol::AddWorkerSetup>(protocol::MessageType::AddWorkerSetup),
    Entry<protocol::OpenChannel>(protocol::MessageType::OpenChannel),
    Entry<protocol::LeaseGranted>(protocol::MessageType::LeaseGranted),
    Entry<protocol::RunTask>(protocol::MessageType::TaskGiven),
    Entry<protocol::GetObjects>(protocol::MessageType::GetObjects),
    Entry<protocol::ObjectsReady>(protocol::MessageType::ObjectsReady),
    Entry<protocol::ReleaseObjects>(protocol::MessageType::ReleaseObjects),
    Entry<protocol::AddReferences>(protocol::MessageType::AddReferences),
    Entry<protocol::Query>(protocol::MessageType::Query),
    Entry<protocol::Answer>(protocol::MessageType::Answer),
    Entry<protocol::OutputLines>(protocol::MessageType::OutputLines),
    Entry<protocol::TaskFailed>(protocol::MessageType::TaskFailed),
    Entry<protocol::Drain>(protocol::MessageType::Drain),
    Entry<protocol::Drained>(protocol::MessageType::Drained),
    Entry<protocol::ForkWorker>(protocol::MessageType::ForkWorker),
    Entry<protocol::WorkerForked>(protocol::MessageType::WorkerForked),
    Entry<protocol::WorkerExited>(protocol::MessageType::WorkerExited),
    Entry<protocol::TemplateReady>(protocol::MessageType::TemplateReady),
};

inline const MessageEntry* FindMessage(protocol::MessageType type) {
  for (const MessageEntry& entry : kMessages) {
    if (entry.type == type) return &entry;
  }
  return nullptr;
}

// The fields of a message as text, without those that have their defaults; nothing if the bytes are
// malformed or the type is unknown. Reads every byte that the message reaches.
inline std::optional<std::string> DescribeMessage(protocol::MessageType type,
                                                  std::span<const uint8_t> bytes) {
  const MessageEntry* entry = FindMessage(type);
  if (entry == nullptr || !entry->is_valid(bytes)) return std::nullopt;
  return flatbuffers::FlatBufferToString(bytes.data(), entry->fields());
}

// The names of the fields that a message leaves out or has empty, of tables inside it too.
// REQUIRES: `bytes` are a valid message of a type that is listed.
inline std::vector<std::string> UnsetFields(protocol::MessageType type,
                                            std::span<const uint8_t> bytes) {
  struct Visitor : flatbuffers::IterationVisitor {
    void Field(size_t, size_t, flatbuffers::ElementaryType, bool, const flatbuffers::TypeTable*,
               const char* name, const uint8_t* value) override {
      field = name;
      if (value == nullptr) unset.push_back(field);
    }
    void StartVector() override { vectors.push_back({field, 0}); }
    void Element(size_t, flatbuffers::ElementaryType, const flatbuffers::TypeTable*,
                 const uint8_t*) override {
      ++vectors.back().second;
    }
    void EndVector() override {
      if (vectors.back().second == 0) unset.push_back(vectors.back().first);
      vectors.pop_back();
    }
    std::string field;
    // Those that are being read, with how many elements they have had.
    std::vector<std::pair<std::string, size_t>> vectors;
    std::vector<std::string> unset;
  };
  Visitor visitor;
  flatbuffers::IterateFlatBuffer(bytes.data(), FindMessage(type)->fields(), &visitor);
  return visitor.unset;
}

}  // namespace rayx
