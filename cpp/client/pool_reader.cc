#include "client/pool_reader.h"

#include <utility>

namespace rayx {
namespace {

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

PoolReader::PoolReader(SharedMapping pool, std::shared_ptr<ReferenceQueue> references)
    : pool_(std::make_shared<const SharedMapping>(std::move(pool))),
      references_(std::move(references)) {}

Result<ObjectView> PoolReader::Pinned(const ObjectId& id, uint64_t offset, uint64_t size) const {
  if (offset > pool_->size() || size > pool_->size() - offset) {
    return Status::ProtocolError("the node placed an object of " + std::to_string(size) +
                                 " bytes at " + std::to_string(offset) + ", outside its pool of " +
                                 std::to_string(pool_->size()));
  }
  return ObjectView(std::make_shared<Pin>(pool_, references_, id), {pool_->data() + offset, size});
}

}  // namespace rayx
