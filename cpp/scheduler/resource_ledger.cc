#include "scheduler/resource_ledger.h"

namespace rayx::scheduler {

ResourceLedger::ResourceLedger(const ResourceSet& total) : total_(total) {
  for (const auto& [name, amount] : total_.items()) {
    if (name == kCpu) cpu_ = static_cast<ResourceIndex>(total_amounts_.size());
    total_amounts_.push_back(amount.units());
  }
  available_ = total_amounts_;
  kept_by_blocked_.assign(total_amounts_.size(), 0);
}

ResourceSet ResourceLedger::AvailableSet() const {
  ResourceSet set;
  for (size_t i = 0; i < available_.size(); ++i) {
    set.Set(total_.items()[i].first, ResourceAmount::FromUnits(available_[i]));
  }
  return set;
}

void ResourceLedger::Take(const Shape& shape) { Subtract(available_, shape); }

void ResourceLedger::Return(const Shape& shape) {
  for (const Shape::Item& item : shape.items) available_[item.resource] += item.units;
}

void ResourceLedger::Block(const Shape& shape) {
  for (const Shape::Item& item : shape.items) {
    (item.resource == cpu_ ? available_ : kept_by_blocked_)[item.resource] += item.units;
  }
}

void ResourceLedger::Unblock(const Shape& shape) {
  for (const Shape::Item& item : shape.items) {
    (item.resource == cpu_ ? available_ : kept_by_blocked_)[item.resource] -= item.units;
  }
}

bool ResourceLedger::Overdrawn(const Shape& shape) const {
  for (const Shape::Item& item : shape.items) {
    if (available_[item.resource] < 0) return true;
  }
  return false;
}

bool ResourceLedger::FreeOnceRunningEnd(const Shape& shape) const {
  for (const Shape::Item& item : shape.items) {
    if (total_amounts_[item.resource] - kept_by_blocked_[item.resource] < item.units) return false;
  }
  return true;
}

}  // namespace rayx::scheduler
