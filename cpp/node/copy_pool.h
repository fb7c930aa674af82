// The pool of the store, as the transfers of copies need it (transfer/shell.h): rooms for copies
// that are made here, and values that are held in their places while they are sent.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>

#include "common/base/ids.h"
#include "node/shell.h"
#include "plasma/object_entry.h"
#include "plasma/shared_objects.h"
#include "transfer/shell.h"
#include "transfer/transfer_values.h"

namespace rayx::node {

class CopyPool final : public transfer::Pool {
 public:
  using OnWhole = std::function<void(const ObjectId& id, transfer::Version version)>;

  // All must outlive it. `on_whole`: a room has all of its value, and is the store's to seal.
  CopyPool(Reservations* reservations, plasma::ObjectStore* store, OnWhole on_whole)
      : reservations_(reservations),
        store_(store),
        shared_(store),
        on_whole_(std::move(on_whole)) {}

  bool MakeRoom(const ObjectId& id, uint64_t size_bytes) override;
  void DropRoom(const ObjectId& id) override;
  void Seal(const ObjectId& id, transfer::Version version) override;
  std::optional<uint64_t> Pin(const NodeId& reader, const ObjectId& id,
                              transfer::Version version) override;
  void Unpin(const NodeId& reader, const ObjectId& id) override;

  // A value that was sealed lives for those who need it from now on.
  void LetGo(const ObjectId& id);

  // Where a chunk lies: of a value that comes, REQUIRES: it has a room; of one that is here,
  // REQUIRES: it is pinned.
  plasma::Extent ChunkOfRoom(const transfer::ChunkName& name) const;
  plasma::Extent ChunkOfValue(const transfer::ChunkName& name) const;
  // It has a value here, which may have come in another way.
  bool IsHere(const ObjectId& id) const { return store_->IsSealed(id); }
  // Of the pool, that copies may take.
  uint64_t BytesForCopies() const;

 private:
  Reservations* const reservations_;
  plasma::ObjectStore* const store_;
  plasma::SharedObjects shared_;
  const OnWhole on_whole_;
  std::unordered_map<ObjectId, plasma::Extent> rooms_;
  uint64_t room_bytes_ = 0;
};

}  // namespace rayx::node
