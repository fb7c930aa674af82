#include "scheduler/resources/resource_ledger.h"

namespace rayx::scheduler {

ResourceLedger::ResourceLedger(const ResourceSet& total) : total_(total) {
  for (const auto& [name, amount] : total_.items()) {
    const auto index = static_cast<ResourceIndex>(total_amounts_.size());
    if (name == kCpu) cpu_ = index;
    if (name == kGpu) gpu_ = index;
    total_amounts_.push_back(amount.units());
  }
  available_ = total_amounts_;
  kept_.assign(total_amounts_.size(), 0);
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

void ResourceLedger::Keep(const Shape::Item& item, int64_t sign) {
  kept_[item.resource] += sign * item.units;
  if (item.resource != gpu_) return;
  constexpr int64_t kOne = ResourceAmount::kUnitsPerOne;
  gpu_units_touched_ += sign * ((item.units + kOne - 1) / kOne * kOne);
}

void ResourceLedger::Block(const Shape& shape) {
  GiveBackCpu(shape);
  for (const Shape::Item& item : shape.items) {
    if (item.resource != cpu_) Keep(item, +1);
  }
}

void ResourceLedger::Unblock(const Shape& shape) {
  TakeCpuAgain(shape);
  for (const Shape::Item& item : shape.items) {
    if (item.resource != cpu_) Keep(item, -1);
  }
}

void ResourceLedger::KeepForLife(const Shape& shape) {
  for (const Shape::Item& item : shape.items) Keep(item, +1);
}

void ResourceLedger::EndOfLife(const Shape& shape) {
  for (const Shape::Item& item : shape.items) Keep(item, -1);
}

void ResourceLedger::GiveBackCpu(const Shape& shape) {
  for (const Shape::Item& item : shape.items) {
    if (item.resource == cpu_) available_[item.resource] += item.units;
  }
}

void ResourceLedger::TakeCpuAgain(const Shape& shape) {
  for (const Shape::Item& item : shape.items) {
    if (item.resource == cpu_) available_[item.resource] -= item.units;
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
    const int64_t kept = item.resource == gpu_ ? gpu_units_touched_ : kept_[item.resource];
    if (total_amounts_[item.resource] - kept < item.units) return false;
  }
  return true;
}

}  // namespace rayx::scheduler
