#include "node/driver_endings.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace rayx::node {

void DriverEndings::OnDrain(ClientId client, const DriverId& driver) {
  endings_.try_emplace({client, driver});
}

void DriverEndings::OnTurn(int64_t now_ms) {
  if (endings_.empty()) return;
  std::vector<std::pair<ClientId, DriverId>> done;
  for (auto& [asked, ending] : endings_) {
    const DriverId& driver = asked.second;
    if (!ending.begun) {
      ending.begun = true;
      ending.deadline_ms = now_ms + limits::kDriverEndMs;
      events_.begin(driver);
    }
    const bool is_late = now_ms >= ending.deadline_ms;
    if (is_late || !events_.has_ending_workers(driver)) done.push_back(asked);
  }
  for (const auto& [client, driver] : done) {
    endings_.erase({client, driver});
    events_.done(client, driver);
  }
}

std::optional<int64_t> DriverEndings::NextTickMs() const {
  std::optional<int64_t> next;
  for (const auto& [asked, ending] : endings_) {
    if (ending.begun) next = std::min(next.value_or(ending.deadline_ms), ending.deadline_ms);
  }
  return next;
}

}  // namespace rayx::node
