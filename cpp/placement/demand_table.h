// What tasks ask for, written once: offers with equal demands share one Demand, and the names of
// resources become numbers that all nodes share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/resources.h"

namespace rayx::placement {

// Number of a resource of the cluster, in order of first mention. Names are never forgotten: a
// cluster has few.
using ResourceIndex = uint32_t;
// Each task asks for one unit of what no user can name, so that there is a bound for tasks that ask
// for nothing else.
inline constexpr ResourceIndex kTasks = 0;

class ResourceNames {
 public:
  ResourceNames();

  ResourceIndex Intern(std::string_view name);
  const std::string& NameOf(ResourceIndex resource) const { return names_[resource]; }
  size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, ResourceIndex> numbers_;
};

struct Demand {
  struct Item {
    ResourceIndex resource = kTasks;
    int64_t units = 0;  // 1/10000; of kTasks: 1
  };
  ResourceSet set;
  std::vector<Item> items;  // rising by resource, kTasks first
  // Among those of its table; that of one that was dropped is given out again.
  uint32_t number = 0;
  // Offers that have it.
  size_t users = 0;
};

class DemandTable {
 public:
  // `names` must outlive the table.
  explicit DemandTable(ResourceNames* names) : names_(names) {}

  // The demand with one user more; valid until it has none. REQUIRES: no amount is negative.
  Demand* Use(const ResourceSet& set);
  // It has one user less; forgotten with the last. Tells whether it was.
  bool Drop(Demand* demand);
  size_t size() const { return demands_.size(); }

 private:
  ResourceNames* const names_;
  std::unordered_map<ResourceSet, std::unique_ptr<Demand>> demands_;
  std::vector<uint32_t> free_numbers_;
};

}  // namespace rayx::placement
