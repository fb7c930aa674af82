#include "sim/value.h"

#include "testing/task_builder.h"

namespace rayx::sim {

// The node looks at the first byte of an error only (HoldsError).
std::string Encode(const Value& value) {
  std::string bytes(1, static_cast<char>(value.kind));
  const auto append = [&bytes](const ObjectId& id) {
    bytes.append(reinterpret_cast<const char*>(id.data()), ObjectId::kSize);
  };
  append(value.id);
  for (const ObjectId& id : value.contained) append(id);
  return bytes;
}

bool Decode(std::span<const uint8_t> bytes, Value* value) {
  *value = {};
  if (bytes.empty()) return false;
  value->kind = static_cast<ObjectKind>(bytes[0]);
  if (value->kind == ObjectKind::kSystemError) {
    const Result<ObjectParts> parts = ParseObject(bytes);
    if (!parts.ok() || parts->stream.empty()) return false;
    value->code = static_cast<SystemErrorCode>(parts->stream[0]);
    return true;
  }
  if (bytes.size() % ObjectId::kSize != 1 || bytes.size() == 1) return false;
  for (size_t at = 1; at < bytes.size(); at += ObjectId::kSize) {
    value->contained.push_back(ObjectId::FromBytes(bytes.data() + at));
  }
  value->id = value->contained.front();
  value->contained.erase(value->contained.begin());
  return true;
}

std::string NameOf(const TaskId& id) { return "t" + std::to_string(testing::NumberOf(id)); }

std::string NameOf(const ObjectId& id) {
  if (id.IsFunction()) return "f" + std::to_string(testing::NumberOf(id.Task()));
  const uint32_t index = id.Index();
  std::string kind = ".";
  if (id.IsPut()) kind = ".put";
  if ((index & ObjectId::kStreamCreditBit) != 0) kind = ".credit";
  return NameOf(id.Task()) + kind +
         std::to_string(index & ~(ObjectId::kPutBit | ObjectId::kStreamCreditBit));
}

}  // namespace rayx::sim
