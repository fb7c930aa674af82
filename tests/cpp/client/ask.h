// Questions to a node, as tests ask them.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"

namespace rayx {

inline Result<std::string> AskText(Client& client, const std::string& question, const Value& fields,
                                   int64_t timeout_ms) {
  const Result<Value> reply = client.Ask(question, fields, timeout_ms);
  if (!reply.ok()) return reply.status();
  return (*reply)["text"].text;
}

inline Result<std::string> AskDump(Client& client, int64_t timeout_ms) {
  return AskText(client, "Dump", {}, timeout_ms);
}

inline Result<std::string> AskWhy(Client& client, const ObjectId& id, int64_t timeout_ms) {
  const TaskId task = id.Task();
  const std::string_view bytes(reinterpret_cast<const char*>(task.data()), 16);
  const Value fields = Value::OfTable({{"task_id", Value::OfBytes(bytes)}});
  return AskText(client, "Explain", fields, timeout_ms);
}

// As tables.
inline Result<std::vector<Value>> AskErrors(Client& client, int64_t timeout_ms) {
  const Result<Value> reply = client.Ask("Errors", {}, timeout_ms);
  if (!reply.ok()) return reply.status();
  return (*reply)["errors"].items;
}

}  // namespace rayx
