#include "common/base/slabs.h"

#include <pthread.h>
#include <sys/mman.h>

#include <bit>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace rayx {
namespace {

// What a library keeps warm that is a guest in its process.
constexpr size_t kSharedWarmBytes = size_t{8} << 20;

std::byte* MapMemory(size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

// A region's bytes at a multiple of its size. The kernel puts one mapping beside the other, so that
// only the first needs room to move.
std::byte* MapRegion() {
  constexpr size_t kBytes = Slabs::kRegionBytes;
  std::byte* memory = MapMemory(kBytes);
  if (memory == nullptr || reinterpret_cast<uintptr_t>(memory) % kBytes == 0) return memory;
  ::munmap(memory, kBytes);
  memory = MapMemory(2 * kBytes);
  if (memory == nullptr) return nullptr;
  const size_t before = kBytes - reinterpret_cast<uintptr_t>(memory) % kBytes;
  if (before < kBytes) ::munmap(memory, before);
  std::byte* const region = memory + before % kBytes;
  ::munmap(region + kBytes, static_cast<size_t>(memory + 2 * kBytes - (region + kBytes)));
  return region;
}

}  // namespace

Slabs::~Slabs() {
  while (regions_ != nullptr) ::munmap(std::exchange(regions_, regions_->next), kRegionBytes);
}

// ---- where things lie --------------------------------------------------------------------------

size_t Slabs::ClassOf(size_t bytes) {
  if (bytes <= kFineClasses * 16) return bytes == 0 ? 0 : (bytes - 1) / 16;
  const auto exponent = static_cast<size_t>(std::bit_width(bytes - 1)) - 1;
  return kFineClasses + (exponent - 10) * 8 +
         ((bytes - 1 - (size_t{1} << exponent)) >> (exponent - 3));
}

constexpr size_t Slabs::BytesOf(size_t size_class) {
  if (size_class < kFineClasses) return (size_class + 1) * 16;
  const size_t exponent = 10 + (size_class - kFineClasses) / 8;
  return (size_t{1} << exponent) +
         ((size_class - kFineClasses) % 8 + 1) * (size_t{1} << (exponent - 3));
}

Slabs::Region* Slabs::RegionOf(const void* address) {
  return reinterpret_cast<Region*>(reinterpret_cast<uintptr_t>(address) & ~(kRegionBytes - 1));
}

std::byte* Slabs::BytesOf(Slab* slab) {
  Region* const region = RegionOf(slab);
  const auto index = static_cast<size_t>(slab - region->slabs.data());
  return reinterpret_cast<std::byte*>(region) + (index == 0 ? kHeaderBytes : index * kSlabBytes);
}

size_t Slabs::SizeOf(const Slab* slab) {
  const Region* const region = RegionOf(slab);
  const size_t whole = region->is_one_slab ? kRegionBytes : kSlabBytes;
  return slab == region->slabs.data() ? whole - kHeaderBytes : whole;
}

// ---- blocks ------------------------------------------------------------------------------------

void* Slabs::Allocate(size_t bytes) {
  const size_t size_class = ClassOf(bytes);
  Slab* slab = with_room_[size_class];
  if (slab == nullptr) {
    slab = TakeEmpty(size_class);
    if (slab == nullptr) return nullptr;
    Link(slab);
  }
  ++stats_.blocks;
  if (++slab->used == slab->capacity) Unlink(slab);
  if (Block* const block = slab->freed) {
    slab->freed = block->next;
    return block;
  }
  return BytesOf(slab) + slab->made++ * BytesOf(size_class);
}

void Slabs::Free(void* memory) {
  Region* const region = RegionOf(memory);
  const size_t index = reinterpret_cast<uintptr_t>(memory) % kRegionBytes / kSlabBytes;
  Slab* const slab = &region->slabs[region->is_one_slab ? 0 : index];
  auto* const block = static_cast<Block*>(memory);
  block->next = slab->freed;
  slab->freed = block;
  --stats_.blocks;
  if (slab->used == slab->capacity) Link(slab);
  if (--slab->used == 0) OnEmpty(slab);
}

void Slabs::Link(Slab* slab) {
  Slab*& first = with_room_[slab->size_class];
  slab->previous = nullptr;
  slab->next = first;
  if (first != nullptr) first->previous = slab;
  first = slab;
}

void Slabs::Unlink(Slab* slab) {
  (slab->previous == nullptr ? with_room_[slab->size_class] : slab->previous->next) = slab->next;
  if (slab->next != nullptr) slab->next->previous = slab->previous;
}

// ---- slabs without blocks ----------------------------------------------------------------------

Slabs::Slab* Slabs::TakeEmpty(size_t size_class) {
  const bool is_large = BytesOf(size_class) > kSmallBytesMax;
  Empty& empty = empty_[is_large ? 1 : 0];
  if (empty.warm == nullptr && empty.cold == nullptr && !AddRegion(is_large)) return nullptr;
  Slab*& first = empty.warm != nullptr ? empty.warm : empty.cold;
  Slab* const slab = first;
  first = slab->next;
  const size_t size = SizeOf(slab);
  if (&first == &empty.warm) stats_.warm_bytes -= size;
  stats_.used_bytes += size;
  *slab = Slab();
  slab->size_class = static_cast<uint32_t>(size_class);
  slab->capacity = static_cast<uint32_t>(size / BytesOf(size_class));
  return slab;
}

bool Slabs::AddRegion(bool is_one_slab) {
  std::byte* const memory = MapRegion();
  if (memory == nullptr) return false;
  auto* const region = ::new (memory) Region();  // allow(new): where the memory is
  region->is_one_slab = is_one_slab;
  region->next = regions_;
  regions_ = region;
  ++stats_.regions;
  Empty& empty = empty_[is_one_slab ? 1 : 0];
  // The first one is taken first.
  for (size_t left = is_one_slab ? 1 : kSlabsPerRegion; left > 0; --left) {
    Slab* const slab = &region->slabs[left - 1];
    slab->next = empty.cold;
    empty.cold = slab;
  }
  return true;
}

void Slabs::OnEmpty(Slab* slab) {
  Unlink(slab);
  const size_t size = SizeOf(slab);
  Empty& empty = empty_[RegionOf(slab)->is_one_slab ? 1 : 0];
  stats_.used_bytes -= size;
  const bool stays_warm = stats_.warm_bytes + size <= warm_bytes_max_;
  if (stays_warm) {
    stats_.warm_bytes += size;
  } else {
    // What has not been handed out is untouched.
    ::madvise(BytesOf(slab), slab->made * BytesOf(slab->size_class), MADV_DONTNEED);
  }
  Slab*& first = stays_warm ? empty.warm : empty.cold;
  slab->next = first;
  first = slab;
}

// ---- of a library ------------------------------------------------------------------------------

namespace {

struct Shared {
  std::mutex mutex;
  Slabs slabs{kSharedWarmBytes};
};

Shared* GetShared() {
  static Shared* const shared = [] {
    ::pthread_atfork([] { GetShared()->mutex.lock(); }, [] { GetShared()->mutex.unlock(); },
                     [] { GetShared()->mutex.unlock(); });
    return std::make_unique<Shared>().release();
  }();
  return shared;
}

}  // namespace

std::byte* AllocateShared(size_t bytes) {
  if (bytes > Slabs::kBlockBytesMax) return std::allocator<std::byte>().allocate(bytes);
  Shared* const shared = GetShared();
  const std::lock_guard<std::mutex> lock(shared->mutex);
  if (void* const block = shared->slabs.Allocate(bytes)) return static_cast<std::byte*>(block);
  throw std::bad_alloc();
}

void FreeShared(std::byte* memory, size_t bytes) {
  if (bytes > Slabs::kBlockBytesMax) return std::allocator<std::byte>().deallocate(memory, bytes);
  Shared* const shared = GetShared();
  const std::lock_guard<std::mutex> lock(shared->mutex);
  shared->slabs.Free(memory);
}

Slabs::Stats SharedStats() {
  Shared* const shared = GetShared();
  const std::lock_guard<std::mutex> lock(shared->mutex);
  return shared->slabs.stats();
}

}  // namespace rayx
