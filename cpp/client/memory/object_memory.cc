#include "client/memory/object_memory.h"

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/slabs.h"

namespace rayx {
namespace {

constexpr uint64_t kAlignmentMask = limits::kObjectAlignment - 1;

struct FreeMemory {
  void operator()(uint8_t* memory) const { std::free(memory); }
};

// Whether the object claims to have buffers. Its header is not to be trusted, but only alignment
// hangs on this.
bool HasBuffers(std::span<const uint8_t> object) {
  ObjectHeader header;
  if (object.size() < sizeof(header)) return false;
  std::memcpy(&header, object.data(), sizeof(header));
  return header.buffer_count != 0;
}

}  // namespace

ObjectPlan PlanObject(const ObjectPieces& value) {
  std::vector<uint64_t> sizes;
  sizes.reserve(value.buffers.size());
  for (const std::span<const uint8_t> buffer : value.buffers) sizes.push_back(buffer.size());
  return ObjectPlan(value.kind, value.stream.size(), sizes);
}

namespace {

template <typename Copy>
void Write(const ObjectPlan& plan, const ObjectPieces& value, uint8_t* memory, Copy copy) {
  plan.WriteHeader(memory);
  uint64_t end = plan.stream_offset();
  // Fills the gap before each part, too: what lay there belonged to another object.
  const auto write = [memory, &end, &copy](uint64_t offset, std::span<const uint8_t> part) {
    std::memset(memory + end, 0, offset - end);
    if (!part.empty()) copy(part, memory + offset);
    end = offset + part.size();
  };
  write(plan.stream_offset(), value.stream);
  for (size_t i = 0; i < value.buffers.size(); ++i) {
    write(plan.buffers()[i].offset, value.buffers[i]);
  }
}

}  // namespace

void WriteObject(const ObjectPlan& plan, const ObjectPieces& value, uint8_t* memory) {
  Write(plan, value, memory, [](std::span<const uint8_t> part, uint8_t* to) {
    std::memcpy(to, part.data(), part.size());
  });
}

void WriteObject(const ObjectPlan& plan, const ObjectPieces& value, const PoolWriter& pool,
                 uint8_t* memory) {
  Write(plan, value, memory,
        [&pool](std::span<const uint8_t> part, uint8_t* to) { pool.Copy(part, to); });
}

OwnedMemory AllocateObject(size_t size_bytes, bool has_buffers) {
  if (!has_buffers) {
    std::shared_ptr<uint8_t[]> memory =
        std::allocate_shared_for_overwrite<uint8_t[]>(SharedSlabAllocator<uint8_t>(), size_bytes);
    uint8_t* const data = memory.get();
    return {std::move(memory), data};
  }
  const size_t room_bytes = (size_bytes + kAlignmentMask) & ~kAlignmentMask;
  auto* const data =
      static_cast<uint8_t*>(std::aligned_alloc(limits::kObjectAlignment, room_bytes));
  RAYX_CHECK(data != nullptr);
  return {std::shared_ptr<uint8_t>(data, FreeMemory()), data};
}

ObjectView CopyObject(std::span<const uint8_t> object) {
  OwnedMemory memory = AllocateObject(object.size(), HasBuffers(object));
  if (!object.empty()) std::memcpy(memory.data, object.data(), object.size());
  return ObjectView(std::move(memory.owner), {memory.data, object.size()});
}

ObjectView AlignedObject(std::shared_ptr<const void> owner, std::span<const uint8_t> object) {
  const bool aligned = (reinterpret_cast<uintptr_t>(object.data()) & kAlignmentMask) == 0;
  if (aligned || !HasBuffers(object)) return ObjectView(std::move(owner), object);
  return CopyObject(object);
}

}  // namespace rayx
