#include "common/protocol/object_layout.h"

#include <cstring>

#include "common/base/limits.h"

namespace rayx {
namespace {

constexpr uint64_t AlignUp(uint64_t value) {
  constexpr uint64_t kMask = limits::kObjectAlignment - 1;
  return (value + kMask) & ~kMask;
}

bool IsKnownKind(uint8_t kind) {
  return kind >= static_cast<uint8_t>(ObjectKind::kPickle) &&
         kind <= static_cast<uint8_t>(ObjectKind::kSystemError);
}

}  // namespace

ObjectPlan::ObjectPlan(ObjectKind kind, uint64_t stream_bytes,
                       std::span<const uint64_t> buffer_sizes)
    : header_{static_cast<uint8_t>(kind), ObjectHeader::kVersion, 0,
              static_cast<uint32_t>(buffer_sizes.size()), stream_bytes} {
  stream_offset_ = sizeof(ObjectHeader) + buffer_sizes.size() * sizeof(BufferEntry);
  uint64_t end = stream_offset_ + stream_bytes;
  buffers_.reserve(buffer_sizes.size());
  for (const uint64_t size : buffer_sizes) {
    const uint64_t offset = AlignUp(end);
    buffers_.push_back({offset, size});
    end = offset + size;
  }
  total_bytes_ = end;
}

void ObjectPlan::WriteHeader(uint8_t* memory) const {
  std::memcpy(memory, &header_, sizeof(header_));
  if (!buffers_.empty()) {
    std::memcpy(memory + sizeof(header_), buffers_.data(), buffers_.size() * sizeof(BufferEntry));
  }
}

Result<ObjectParts> ParseObject(std::span<const uint8_t> memory) {
  ObjectHeader header;
  if (memory.size() < sizeof(header))
    return Status::ProtocolError("object shorter than its header");
  std::memcpy(&header, memory.data(), sizeof(header));
  if (header.version != ObjectHeader::kVersion || !IsKnownKind(header.kind)) {
    return Status::ProtocolError("object of unknown kind " + std::to_string(header.kind) +
                                 " or version " + std::to_string(header.version));
  }
  const uint64_t room = memory.size() - sizeof(header);
  const uint64_t entry_bytes = uint64_t{header.buffer_count} * sizeof(BufferEntry);
  if (entry_bytes > room || header.stream_bytes > room - entry_bytes) {
    return Status::ProtocolError("object parts exceed its size");
  }
  ObjectParts parts;
  parts.kind = static_cast<ObjectKind>(header.kind);
  parts.stream = memory.subspan(sizeof(header) + entry_bytes, header.stream_bytes);
  parts.buffers.reserve(header.buffer_count);
  for (uint32_t i = 0; i < header.buffer_count; ++i) {
    BufferEntry entry;
    std::memcpy(&entry, memory.data() + sizeof(header) + i * sizeof(entry), sizeof(entry));
    if (entry.offset > memory.size() || entry.size > memory.size() - entry.offset) {
      return Status::ProtocolError("object buffer " + std::to_string(i) + " exceeds its size");
    }
    parts.buffers.push_back(memory.subspan(entry.offset, entry.size));
  }
  return parts;
}

std::string EncodeSystemError(SystemErrorCode code, std::string_view text) {
  const ObjectPlan plan(ObjectKind::kSystemError, 1 + text.size(), {});
  std::string object(plan.total_bytes(), '\0');
  plan.WriteHeader(reinterpret_cast<uint8_t*>(object.data()));
  object[plan.stream_offset()] = static_cast<char>(code);
  object.replace(plan.stream_offset() + 1, text.size(), text);
  return object;
}

}  // namespace rayx
