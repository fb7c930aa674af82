#include "daemon/driver_endings.h"

#include "common/base/limits.h"

namespace rayx::daemon {

void DriverEndings::OnDrain(ClientId client, const DriverId& driver) {
  const auto [it, is_new] = endings_.try_emplace(client);
  if (is_new) it->second.driver = driver;
}

void DriverEndings::OnTurn() {
  if (endings_.empty()) return;
  std::vector<ClientId> done;
  for (auto& [client, ending] : endings_) {
    if (!ending.begun) {
      ending.begun = true;
      ending.deadline_ms = loop_->now_ms() + limits::kDriverEndMs;
      events_.begin(ending.driver);
    }
    const bool is_late = loop_->now_ms() >= ending.deadline_ms;
    if (is_late || !events_.has_ending_workers(ending.driver)) {
      done.push_back(client);
    } else if (ending.timer == nullptr) {
      ending.timer = loop_->CallAt(ending.deadline_ms, [] {});
    }
  }
  for (const ClientId client : done) {
    endings_.erase(client);
    events_.done(client);
  }
}

}  // namespace rayx::daemon
