// Every message and every field of it, for tests, fuzzers and the printing of messages in failures.
//
//   std::optional<std::string> text = DescribeMessage(protocol::MessageType::Hello, bytes);
//
// verifies the bytes as that message and reads all its fields. A message that is not listed here
// fails messages_test.cc, as does one whose example leaves a field out.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "common/base/ids.h"
#include "common/protocol/generated/messages_generated.h"

namespace rayx {

// ---- the fields ---------------------------------------------------------------------------------

template <typename V>
void Fields(const protocol::Hello& m, V& v) {
  v("protocol_version", m.protocol_version());
  v("role", m.role());
  v("pid", m.pid());
  v("driver_id", m.driver_id());
  v("worker_number", m.worker_number());
  v("python_version", m.python_version());
  v("driver_config", m.driver_config());
}
template <typename V>
void Fields(const protocol::Welcome& m, V& v) {
  v("protocol_version", m.protocol_version());
  v("node_id", m.node_id());
  v("pool_bytes", m.pool_bytes());
  v("session_dir", m.session_dir());
}
template <typename V>
void Fields(const protocol::Refused& m, V& v) {
  v("reason", m.reason());
}
template <typename V>
void Fields(const protocol::ResourceItem& m, V& v) {
  v("name", m.name());
  v("units", m.units());
}
template <typename V>
void Fields(const protocol::TaskSpec& m, V& v) {
  v("task_id", m.task_id());
  v("driver_id", m.driver_id());
  v("function_id", m.function_id());
  v("name", m.name());
  v("args", m.args());
  v("args_in_store", m.args_in_store());
  v("dependencies", m.dependencies());
  v("contained", m.contained());
  v("return_count", m.return_count());
  v("resources", m.resources());
  v("max_retries", m.max_retries());
  v("kind", m.kind());
  v("actor_id", m.actor_id());
  v("method", m.method());
  v("max_concurrency", m.max_concurrency());
  v("actor_name", m.actor_name());
  v("actor_info", m.actor_info());
  v("priority", m.priority());
  v("timeout_ms", m.timeout_ms());
  v("stream_window", m.stream_window());
}
template <typename V>
void Fields(const protocol::ExportFunction& m, V& v) {
  v("function_id", m.function_id());
  v("name", m.name());
  v("pickled", m.pickled());
  v("contained", m.contained());
}
template <typename V>
void Fields(const protocol::FetchFunction& m, V& v) {
  v("function_id", m.function_id());
}
template <typename V>
void Fields(const protocol::ForgetFunction& m, V& v) {
  v("function_id", m.function_id());
}
template <typename V>
void Fields(const protocol::FunctionContent& m, V& v) {
  v("function_id", m.function_id());
  v("pickled", m.pickled());
}
template <typename V>
void Fields(const protocol::ObjectValue& m, V& v) {
  v("id", m.id());
  v("data", m.data());
  v("offset", m.offset());
  v("size", m.size());
  v("pinned", m.pinned());
}
template <typename V>
void Fields(const protocol::CancelTask& m, V& v) {
  v("task_id", m.task_id());
  v("force", m.force());
}
template <typename V>
void Fields(const protocol::KillActor& m, V& v) {
  v("actor_id", m.actor_id());
}
template <typename V>
void Fields(const protocol::WorkerSetup& m, V& v) {
  v("pickled", m.pickled());
}
template <typename V>
void Fields(const protocol::AddWorkerSetup& m, V& v) {
  v("setup", m.setup());
}
template <typename V>
void Fields(const protocol::RunTask& m, V& v) {
  v("sequence", m.sequence());
  v("attempt", m.attempt());
  v("spec", m.spec());
  v("values", m.values());
  v("driver_config", m.driver_config());
  v("gpus", m.gpus());
  v("setups", m.setups());
  v("state", m.state());
}
template <typename V>
void Fields(const protocol::ResultValue& m, V& v) {
  v("index", m.index());
  v("data", m.data());
  v("contained", m.contained());
}
template <typename V>
void Fields(const protocol::TaskDone& m, V& v) {
  v("sequence", m.sequence());
  v("task_id", m.task_id());
  v("results", m.results());
  v("error_text", m.error_text());
  v("wrote_output", m.wrote_output());
  v("failed", m.failed());
  v("state", m.state());
  v("delivered", m.delivered());
}
template <typename V>
void Fields(const protocol::OpenLine&, V&) {}
template <typename V>
void Fields(const protocol::LineOpened& m, V& v) {
  v("carries_line", m.carries_line());
  v("actor_id", m.actor_id());
  v("submitted", m.submitted());
  v("setups", m.setups());
}
template <typename V>
void Fields(const protocol::Blocked&, V&) {}
template <typename V>
void Fields(const protocol::Unblocked&, V&) {}
template <typename V>
void Fields(const protocol::ExitWorker&, V&) {}
template <typename V>
void Fields(const protocol::PutObject& m, V& v) {
  v("id", m.id());
  v("data", m.data());
  v("contained", m.contained());
}
template <typename V>
void Fields(const protocol::CreateObject& m, V& v) {
  v("request", m.request());
  v("id", m.id());
  v("size", m.size());
}
template <typename V>
void Fields(const protocol::ObjectCreated& m, V& v) {
  v("request", m.request());
  v("outcome", m.outcome());
  v("message", m.message());
  v("offset", m.offset());
  v("carries_pool", m.carries_pool());
  v("carries_rooms", m.carries_rooms());
}
template <typename V>
void Fields(const protocol::PutInRoom& m, V& v) {
  v("id", m.id());
  v("offset", m.offset());
  v("size", m.size());
  v("contained", m.contained());
  v("keeps_reference", m.keeps_reference());
}
template <typename V>
void Fields(const protocol::SealObject& m, V& v) {
  v("id", m.id());
  v("contained", m.contained());
}
template <typename V>
void Fields(const protocol::AbortObject& m, V& v) {
  v("id", m.id());
}
template <typename V>
void Fields(const protocol::GetObjects& m, V& v) {
  v("ids", m.ids());
  v("pin", m.pin());
  v("fence", m.fence());
}
template <typename V>
void Fields(const protocol::ObjectsReady& m, V& v) {
  v("objects", m.objects());
  v("fence", m.fence());
}
template <typename V>
void Fields(const protocol::ReleaseObjects& m, V& v) {
  v("unreferenced", m.unreferenced());
  v("unpinned", m.unpinned());
}
template <typename V>
void Fields(const protocol::AddReferences& m, V& v) {
  v("ids", m.ids());
}
template <typename V>
void Fields(const protocol::Query& m, V& v) {
  v("request", m.request());
  v("kind", m.kind());
  v("name", m.name());
}
template <typename V>
void Fields(const protocol::ErrorRecord& m, V& v) {
  v("driver_id", m.driver_id());
  v("task_id", m.task_id());
  v("name", m.name());
  v("kind", m.kind());
  v("text", m.text());
  v("time", m.time());
}
template <typename V>
void Fields(const protocol::Answer& m, V& v) {
  v("request", m.request());
  v("outcome", m.outcome());
  v("message", m.message());
  v("errors", m.errors());
  v("total", m.total());
  v("available", m.available());
  v("dump", m.dump());
  v("actor", m.actor());
  v("actor_info", m.actor_info());
  v("count", m.count());
}
template <typename V>
void Fields(const protocol::OutputLines& m, V& v) {
  v("pid", m.pid());
  v("name", m.name());
  v("is_stderr", m.is_stderr());
  v("lines", m.lines());
}
template <typename V>
void Fields(const protocol::TaskFailed& m, V& v) {
  v("text", m.text());
}
template <typename V>
void Fields(const protocol::Drain&, V&) {}
template <typename V>
void Fields(const protocol::Drained&, V&) {}
template <typename V>
void Fields(const protocol::TemplateReady& m, V& v) {
  v("pid", m.pid());
}
template <typename V>
void Fields(const protocol::ForkWorker& m, V& v) {
  v("number", m.number());
}
template <typename V>
void Fields(const protocol::WorkerForked& m, V& v) {
  v("number", m.number());
  v("pid", m.pid());
  v("error_number", m.error_number());
}
template <typename V>
void Fields(const protocol::WorkerExited& m, V& v) {
  v("pid", m.pid());
  v("wait_status", m.wait_status());
}

// ---- their values as text -----------------------------------------------------------------------

// Prints every field, and so reads every byte that the message reaches.
class FieldPrinter {
 public:
  template <typename Value>
  void operator()(std::string_view name, const Value& value) {
    if (!text_.empty() && text_.back() != '{') text_ += ' ';
    text_ += name;
    text_ += '=';
    Print(value);
  }
  std::string Take() { return std::move(text_); }

 private:
  template <typename Number>
  requires std::is_arithmetic_v<Number>
  void Print(Number number) { text_ += std::to_string(number); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void Print(Enum value) { text_ += std::to_string(static_cast<int>(value)); }
  void Print(const protocol::Id16* id) {
    text_ += id == nullptr ? "absent" : ToHex(id->bytes()->data(), sizeof(*id));
  }
  void Print(const protocol::Id20* id) {
    text_ += id == nullptr ? "absent" : ToHex(id->bytes()->data(), sizeof(*id));
  }
  void Print(const flatbuffers::String* string) {
    text_ += string == nullptr ? "absent" : "'" + string->str() + "'";
  }
  void Print(const flatbuffers::Vector<uint8_t>* bytes) {
    text_ += bytes == nullptr ? "absent" : ToHex(bytes->data(), bytes->size());
  }
  template <typename Element>
  void Print(const flatbuffers::Vector<Element>* elements) {
    if (elements == nullptr) {
      text_ += "absent";
      return;
    }
    text_ += '[';
    for (const auto element : *elements) {
      if (text_.back() != '[') text_ += ", ";
      PrintElement(element);
    }
    text_ += ']';
  }
  void Print(const protocol::WorkerSetup* setup) {
    if (setup == nullptr) {
      text_ += "absent";
    } else {
      PrintElement(setup);
    }
  }
  void PrintElement(uint32_t number) { Print(number); }
  void PrintElement(const protocol::Id20* id) { Print(id); }
  template <typename Table>
  void PrintElement(const Table* table) {
    text_ += '{';
    Fields(*table, *this);
    text_ += '}';
  }

  std::string text_;
};

// ---- by type ------------------------------------------------------------------------------------

template <typename Message>
std::optional<std::string> DescribeAs(std::span<const uint8_t> bytes) {
  flatbuffers::Verifier verifier(bytes.data(), bytes.size());
  if (!verifier.VerifyBuffer<Message>(nullptr)) return std::nullopt;
  FieldPrinter printer;
  Fields(*flatbuffers::GetRoot<Message>(bytes.data()), printer);
  return printer.Take();
}

struct MessageEntry {
  protocol::MessageType type;
  std::optional<std::string> (*describe)(std::span<const uint8_t>);
};

inline constexpr MessageEntry kMessages[] = {
    {protocol::MessageType::Hello, DescribeAs<protocol::Hello>},
    {protocol::MessageType::Welcome, DescribeAs<protocol::Welcome>},
    {protocol::MessageType::Refused, DescribeAs<protocol::Refused>},
    {protocol::MessageType::SubmitTask, DescribeAs<protocol::TaskSpec>},
    {protocol::MessageType::ExportFunction, DescribeAs<protocol::ExportFunction>},
    {protocol::MessageType::FetchFunction, DescribeAs<protocol::FetchFunction>},
    {protocol::MessageType::ForgetFunction, DescribeAs<protocol::ForgetFunction>},
    {protocol::MessageType::FunctionContent, DescribeAs<protocol::FunctionContent>},
    {protocol::MessageType::RunTask, DescribeAs<protocol::RunTask>},
    {protocol::MessageType::TaskDone, DescribeAs<protocol::TaskDone>},
    {protocol::MessageType::Blocked, DescribeAs<protocol::Blocked>},
    {protocol::MessageType::Unblocked, DescribeAs<protocol::Unblocked>},
    {protocol::MessageType::ExitWorker, DescribeAs<protocol::ExitWorker>},
    {protocol::MessageType::PutObject, DescribeAs<protocol::PutObject>},
    {protocol::MessageType::CreateObject, DescribeAs<protocol::CreateObject>},
    {protocol::MessageType::ObjectCreated, DescribeAs<protocol::ObjectCreated>},
    {protocol::MessageType::SealObject, DescribeAs<protocol::SealObject>},
    {protocol::MessageType::PutInRoom, DescribeAs<protocol::PutInRoom>},
    {protocol::MessageType::AbortObject, DescribeAs<protocol::AbortObject>},
    {protocol::MessageType::CancelTask, DescribeAs<protocol::CancelTask>},
    {protocol::MessageType::KillActor, DescribeAs<protocol::KillActor>},
    {protocol::MessageType::AddWorkerSetup, DescribeAs<protocol::AddWorkerSetup>},
    {protocol::MessageType::OpenLine, DescribeAs<protocol::OpenLine>},
    {protocol::MessageType::LineOpened, DescribeAs<protocol::LineOpened>},
    {protocol::MessageType::SubmitDirect, DescribeAs<protocol::RunTask>},
    {protocol::MessageType::GetObjects, DescribeAs<protocol::GetObjects>},
    {protocol::MessageType::ObjectsReady, DescribeAs<protocol::ObjectsReady>},
    {protocol::MessageType::ReleaseObjects, DescribeAs<protocol::ReleaseObjects>},
    {protocol::MessageType::AddReferences, DescribeAs<protocol::AddReferences>},
    {protocol::MessageType::Query, DescribeAs<protocol::Query>},
    {protocol::MessageType::Answer, DescribeAs<protocol::Answer>},
    {protocol::MessageType::OutputLines, DescribeAs<protocol::OutputLines>},
    {protocol::MessageType::TaskFailed, DescribeAs<protocol::TaskFailed>},
    {protocol::MessageType::Drain, DescribeAs<protocol::Drain>},
    {protocol::MessageType::Drained, DescribeAs<protocol::Drained>},
    {protocol::MessageType::ForkWorker, DescribeAs<protocol::ForkWorker>},
    {protocol::MessageType::WorkerForked, DescribeAs<protocol::WorkerForked>},
    {protocol::MessageType::WorkerExited, DescribeAs<protocol::WorkerExited>},
    {protocol::MessageType::TemplateReady, DescribeAs<protocol::TemplateReady>},
};

// The fields of a message as text; nothing if the bytes are malformed or the type is unknown.
inline std::optional<std::string> DescribeMessage(protocol::MessageType type,
                                                  std::span<const uint8_t> bytes) {
  for (const MessageEntry& entry : kMessages) {
    if (entry.type == type) return entry.describe(bytes);
  }
  return std::nullopt;
}

}  // namespace rayx
