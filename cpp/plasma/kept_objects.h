// What a store keeps for other nodes, the homes of these objects (sharing.h).
#pragma once

#include <vector>

#include "common/base/ids.h"
#include "plasma/object_store.h"

namespace rayx::plasma {

// A view of a store. Valid as long as that is.
class KeptObjects {
 public:
  explicit KeptObjects(const ObjectStore* store) : store_(store) {}

  struct Kept {
    ObjectId id;
    // The session with its home.
    ClientId home = kNoClient;
    // It has a value; else that will be made here.
    bool is_sealed = false;
  };
  // In no order. Looks at all objects.
  std::vector<Kept> List() const;

 private:
  const ObjectStore* store_;
};

}  // namespace rayx::plasma
