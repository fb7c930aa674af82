#include "client/memory/pool_reader.h"

#include <functional>
#include <string>
#include <utility>

namespace rayx {
namespace {

constexpr uint64_t kTensorPageBytes = 4096;

class Pin {
 public:
  Pin(std::shared_ptr<const SharedMapping> pool, std::shared_ptr<ReferenceQueue> references,
      const ObjectId& id)
      : pool_(std::move(pool)), references_(std::move(references)), id_(id) {}
  // What lies in the pool is large, so the node hears of it at once.
  ~Pin() {
    references_->Unpin(id_);
    references_->Nudge(/*urgent=*/true);
  }
  Pin(const Pin&) = delete;
  Pin& operator=(const Pin&) = delete;

 private:
  std::shared_ptr<const SharedMapping> pool_;
  std::shared_ptr<ReferenceQueue> references_;
  ObjectId id_;
};

}  // namespace

PoolReader::PoolReader(SharedMapping pool, ScopedFd file,
                       std::shared_ptr<ReferenceQueue> references)
    : pool_(std::make_shared<const SharedMapping>(std::move(pool))),
      references_(std::move(references)),
      file_(std::make_unique<File>(std::move(file))) {}

Result<ObjectView> PoolReader::Pinned(const ObjectId& id, uint64_t offset, uint64_t size) const {
  if (offset > pool_->size() || size > pool_->size() - offset) {
    return Status::ProtocolError("the node placed an object of " + std::to_string(size) +
                                 " bytes at " + std::to_string(offset) + ", outside its pool of " +
                                 std::to_string(pool_->size()));
  }
  return ObjectView(std::make_shared<Pin>(pool_, references_, id), {pool_->data() + offset, size});
}

Result<PrivateBytes> PoolReader::MapCopyOnWrite(std::span<const uint8_t> object) const {
  const uint8_t* const begin = pool_->data();
  if (object.size() < kMappedBytesMin || std::less<>()(object.data(), begin) ||
      !std::less<>()(object.data(), begin + pool_->size())) {
    return Status::NotFound("not mapped from the pool");
  }
  const auto offset = static_cast<uint64_t>(object.data() - begin);
  const uint64_t into_page = offset & (kTensorPageBytes - 1);
  const std::lock_guard lock(file_->mutex);
  if (!file_->file.IsOpen()) return Status::NotFound("the descriptor of the pool is closed");
  Result<SharedMapping> mapping = SharedMapping::MapCopyOnWrite(
      file_->file.get(), into_page + object.size(), offset - into_page);
  if (!mapping.ok()) return mapping.status();
  uint8_t* const data = mapping->data() + into_page;
  return PrivateBytes{std::move(*mapping), {data, object.size()}};
}

void PoolReader::CloseFile() const {
  const std::lock_guard lock(file_->mutex);
  file_->file.Close();
}

}  // namespace rayx
