#include "common/base/resources.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

namespace rayx {
namespace {

struct ByName {
  bool operator()(const ResourceSet::Item& item, std::string_view name) const {
    return item.first < name;
  }
};

}  // namespace

Result<ResourceAmount> ResourceAmount::FromDouble(double value) {
  if (!std::isfinite(value) || value < 0 || value > kWholeMax) {
    return Status::InvalidArgument("a resource amount must be between 0 and 1e9, got " +
                                   std::to_string(value));
  }
  const int64_t units = std::llround(value * static_cast<double>(kUnitsPerOne));
  if (value > 0 && units == 0) {
    return Status::InvalidArgument("a resource amount must be 0 or at least 0.0001, got " +
                                   std::to_string(value));
  }
  return ResourceAmount(units);
}

std::string ResourceAmount::ToString() const {
  char text[40];
  std::snprintf(text, sizeof(text), "%.14g", ToDouble());
  return text;
}

ResourceSet::ResourceSet(std::initializer_list<Item> items) {
  for (const Item& item : items) Set(item.first, item.second);
}

void ResourceSet::Set(std::string_view name, ResourceAmount amount) {
  auto it = std::lower_bound(items_.begin(), items_.end(), name, ByName());
  const bool found = it != items_.end() && it->first == name;
  if (amount == ResourceAmount()) {
    if (found) items_.erase(it);
  } else if (found) {
    it->second = amount;
  } else {
    items_.insert(it, {std::string(name), amount});
  }
}

ResourceAmount ResourceSet::Get(std::string_view name) const {
  auto it = std::lower_bound(items_.begin(), items_.end(), name, ByName());
  return it != items_.end() && it->first == name ? it->second : ResourceAmount();
}

bool ResourceSet::Covers(const ResourceSet& demand) const {
  return std::all_of(demand.items_.begin(), demand.items_.end(),
                     [this](const Item& item) { return Get(item.first) >= item.second; });
}

void ResourceSet::Add(const ResourceSet& other) {
  for (const Item& item : other.items_) Set(item.first, Get(item.first) + item.second);
}

void ResourceSet::Subtract(const ResourceSet& other) {
  for (const Item& item : other.items_) Set(item.first, Get(item.first) - item.second);
}

std::string ResourceSet::ToString() const {
  std::string text = "{";
  for (const Item& item : items_) {
    if (text.size() > 1) text += ", ";
    text += item.first + ": " + item.second.ToString();
  }
  return text + "}";
}

}  // namespace rayx

size_t std::hash<rayx::ResourceSet>::operator()(const rayx::ResourceSet& set) const noexcept {
  size_t mixed = 0;
  for (const auto& [name, amount] : set.items()) {
    mixed = mixed * 31 + std::hash<std::string>()(name);
    mixed = mixed * 31 + static_cast<size_t>(amount.units());
  }
  return mixed;
}
