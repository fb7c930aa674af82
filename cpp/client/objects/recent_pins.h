// The pins of objects that this process has got lately, kept when their last view has gone.
//
// A loop that gets an array in each step would otherwise ask the node each time, and tell it each
// time that it has done. A pin that is kept costs no memory: it is given back with the last
// ObjectID of this process, and until then the object stays anyway.
//
// It is not synchronized: a part of the ObjectCache.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace rayx {

class RecentPins {
 public:
  // Few, since the node may want to move what no process looks at.
  static constexpr size_t kMost = 32;

  // The one that was kept first goes when there are too many.
  void Keep(const ObjectId& id, std::shared_ptr<const void> pin) {
    Forget(id);
    if (pins_.size() == kMost) pins_.erase(pins_.begin());
    pins_.emplace_back(id, std::move(pin));
  }
  void Forget(const ObjectId& id) {
    std::erase_if(pins_, [&id](const auto& kept) { return kept.first == id; });
  }

 private:
  std::vector<std::pair<ObjectId, std::shared_ptr<const void>>> pins_;
};

}  // namespace rayx
