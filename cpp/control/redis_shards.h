// The links to all control servers of a cluster, and which of them a name lives on.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "common/base/check.h"
#include "common/io/event_loop.h"
#include "control/redis_link.h"
#include "control/schema.h"

namespace rayx::control {

class RedisShards {
 public:
  // The first endpoint is the primary. REQUIRES: at least one. `loop` must outlive the links.
  RedisShards(EventLoop* loop, const std::vector<RedisEndpoint>& endpoints) {
    RAYX_CHECK(!endpoints.empty());
    for (const RedisEndpoint& endpoint : endpoints) {
      links_.push_back(std::make_unique<RedisLink>(loop, endpoint));
    }
  }

  size_t count() const { return links_.size(); }
  RedisLink* primary() const { return links_[schema::kPrimary].get(); }
  RedisLink* link(size_t shard) const { return links_[shard].get(); }
  template <typename IdType>
  RedisLink* For(const IdType& id) const {
    return link(schema::ShardOf(id, links_.size()));
  }
  std::vector<RedisLink*> All() const {
    std::vector<RedisLink*> all;
    for (const auto& link : links_) all.push_back(link.get());
    return all;
  }
  void Flush() {
    for (const auto& link : links_) link->Flush();
  }
  // The first failure; OK if all are connected.
  Status health() const {
    for (const auto& link : links_) {
      if (!link->connected()) return link->health();
    }
    return Status::Ok();
  }

 private:
  std::vector<std::unique_ptr<RedisLink>> links_;
};

}  // namespace rayx::control
