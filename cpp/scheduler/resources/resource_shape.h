// What tasks ask for, written once: tasks with equal demands share one Shape, so that no name of a
// resource is looked at after submission.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "common/base/resources.h"

namespace rayx::scheduler {

// Number of a resource of this node: its place among the totals.
using ResourceIndex = uint32_t;
// Units (1/10000) by ResourceIndex.
using Amounts = std::vector<int64_t>;

struct Shape {
  struct Item {
    ResourceIndex resource = 0;
    int64_t units = 0;
  };
  ResourceSet demand;
  std::vector<Item> items;  // rising by resource
  // Of the GPUs, which are given out by index (gpu_slots.h).
  int64_t gpu_units = 0;
  // Scheduling classes that use it.
  size_t users = 0;

  bool Uses(ResourceIndex resource) const {
    for (const Item& item : items) {
      if (item.resource == resource) return true;
    }
    return false;
  }
  bool Shares(const Shape& other) const {
    for (const Item& item : items) {
      if (other.Uses(item.resource)) return true;
    }
    return false;
  }
};

inline bool Fits(const Amounts& free, const Shape& shape) {
  for (const Shape::Item& item : shape.items) {
    if (free[item.resource] < item.units) return false;
  }
  return true;
}
inline void Subtract(Amounts& free, const Shape& shape) {
  for (const Shape::Item& item : shape.items) free[item.resource] -= item.units;
}

class ShapeTable {
 public:
  explicit ShapeTable(const ResourceSet& total);

  // The node could run such a task if it did nothing else. False for negative amounts too, and for
  // more than one GPU if they are not whole ones.
  bool Feasible(const ResourceSet& demand) const;
  // The shape for `demand`; valid as long as it has users or Sweep is not called. REQUIRES:
  // Feasible(demand).
  Shape* Intern(const ResourceSet& demand);
  // Forgets shapes without users.
  void Sweep();
  size_t size() const { return shapes_.size(); }

 private:
  const ResourceSet total_;
  std::unordered_map<ResourceSet, std::unique_ptr<Shape>> shapes_;
};

}  // namespace rayx::scheduler
