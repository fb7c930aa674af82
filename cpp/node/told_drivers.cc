#include "node/told_drivers.h"

#include <algorithm>
#include <span>
#include <string>

#include "node/mutation.h"

namespace rayx::node {

void ToldDrivers::Tell(ClientId session, const DriverId& driver) {
  const auto [told, is_new] = told_.try_emplace({session, driver});
  if (!drivers_->IsKnown(driver)) return;
  const std::span<const std::string> setups =
      drivers_->SetupsOf(driver).subspan(told->second.setups);
  if (!is_new && setups.empty()) return;
  remote::DriverInfo info{.driver = driver};
  if (is_new) info.config = drivers_->ConfigOf(driver);
  info.setups.assign(setups.begin(), setups.end());
  told->second.setups += setups.size();
  remote_->Send(session, std::move(info));
}

void ToldDrivers::CancelAll(const DriverId& driver, bool force) {
  for (const auto& [told, what] : told_) {
    if (told.second == driver) remote_->Send(told.first, remote::CancelTask{driver, {}, force});
  }
}

void ToldDrivers::Drain(const DriverId& driver) {
  for (auto& [told, what] : told_) {
    if (told.second != driver || what.is_draining) continue;
    what.is_draining = true;
    remote_->Send(told.first, remote::DrainDriver{driver});
  }
}

Status ToldDrivers::OnDrained(ClientId session, const DriverId& driver) {
  const auto told = told_.find({session, driver});
  // It has ended meanwhile, without waiting.
  if (told == told_.end() && !drivers_->IsKnown(driver)) return Status::Ok();
  if (told == told_.end() || !told->second.is_draining) {
    return Status::ProtocolError("DriverDrained that nobody asked for");
  }
  told->second.is_draining = false;
  return Status::Ok();
}

bool ToldDrivers::IsDraining(const DriverId& driver) const {
  return std::any_of(told_.begin(), told_.end(), [&](const auto& entry) {
    return entry.first.second == driver && entry.second.is_draining;
  });
}

void ToldDrivers::OnDriverGone(const DriverId& driver) {
  for (const auto& [told, what] : told_) {
    if (RAYX_MUTATION(kForgetDriverGone)) continue;
    if (told.second == driver) remote_->Send(told.first, remote::DriverGone{driver});
  }
  std::erase_if(told_, [&](const auto& entry) { return entry.first.second == driver; });
}

void ToldDrivers::OnSessionEnded(ClientId session) {
  std::erase_if(told_, [&](const auto& entry) { return entry.first.first == session; });
}

}  // namespace rayx::node
