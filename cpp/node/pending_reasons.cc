#include "node/pending_reasons.h"

namespace rayx::node {

void PendingReasons::Tell(const DriverId& driver, const std::string& name,
                          const std::string& reason) {
  if (!told_.insert({driver, reason}).second) return;
  drivers_->SendLines(driver,
                      {.pid = 0,
                       .function = {},
                       .is_stderr = true,
                       .text = name + " waits: " + reason + ". It runs when such a node joins."});
}

void PendingReasons::OnDriverGone(const DriverId& driver) {
  std::erase_if(told_, [&](const auto& entry) { return entry.first == driver; });
}

}  // namespace rayx::node
