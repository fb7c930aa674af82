// Changes of one table that are merged while they wait, and written late, by server.
//
// Nothing is lost while the servers are there: when more wait than
// limits::kControlPendingRecordsMax, the oldest goes out at once. While a server is away, the
// oldest is dropped instead, and told in the log.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "control/pending_writes.h"
#include "control/redis_link.h"
#include "control/redis_shards.h"
#include "control/schema.h"

namespace rayx::control {

// `Change`: what waits for one id.
template <typename RecordId, typename Change>
class LateWrites {
 public:
  // Queues the commands of one change.
  using Write = std::function<void(const RecordId& id, const Change& change, RedisLink::Loss loss)>;

  // `what`: of what the records are, for the log. `shards` must outlive it.
  LateWrites(RedisShards* shards, std::string_view what, Write write)
      : shards_(shards), what_(what), write_(std::move(write)), pending_(shards->count()) {}

  // The change that waits for `id`, or null.
  Change* Find(const RecordId& id) { return pending_[ShardOf(id)].Find(id); }
  // The change that waits for `id`, made if there is none.
  Change& At(const RecordId& id) {
    const size_t shard = ShardOf(id);
    auto& pending = pending_[shard];
    if (pending.size() >= limits::kControlPendingRecordsMax && pending.Find(id) == nullptr) {
      if (shards_->link(shard)->connected()) {
        WriteOut(shard, 1);
      } else {
        LogWarning("the control server is away and too much waits for it: an old update of " +
                   std::string(what_) + " " + pending.TakeOldest().first.Hex() + " is dropped");
      }
    }
    return pending.At(id);
  }
  // What waits for `id` is not written any more.
  void Forget(const RecordId& id) { pending_[ShardOf(id)].Take(id); }

  // Queues the change of `id` at once, if there is one; it may not be dropped.
  void WriteNow(const RecordId& id) {
    const auto waiting = pending_[ShardOf(id)].Take(id);
    if (waiting) write_(id, waiting->second, RedisLink::Loss::kMustArrive);
  }
  // Queues at most `records` changes for server `shard`; returns how many.
  size_t WriteOut(size_t shard, size_t records) {
    const size_t count = std::min(records, pending_[shard].size());
    WriteOldest(shard, count, RedisLink::Loss::kMayBeDropped);
    return count;
  }
  // Queues all, and none of them may be dropped.
  void WriteOutAll() {
    for (size_t shard = 0; shard < pending_.size(); ++shard) {
      shards_->link(shard)->KeepQueued();
      WriteOldest(shard, pending_[shard].size(), RedisLink::Loss::kMustArrive);
    }
  }
  // How many wait for server `shard`.
  size_t count(size_t shard) const { return pending_[shard].size(); }

 private:
  size_t ShardOf(const RecordId& id) const { return schema::ShardOf(id, pending_.size()); }
  void WriteOldest(size_t shard, size_t count, RedisLink::Loss loss) {
    for (size_t i = 0; i < count; ++i) {
      const auto [id, change] = pending_[shard].TakeOldest();
      write_(id, change, loss);
    }
  }

  RedisShards* const shards_;
  const std::string_view what_;
  const Write write_;
  std::vector<PendingWrites<RecordId, Change>> pending_;
};

}  // namespace rayx::control
