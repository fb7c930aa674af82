#include "node/driver_endings.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace rayx::node {

void DriverEndings::OnDrain(ClientId client, const DriverId& driver) {
  const auto [it, is_new] = endings_.try_emplace(client);
  if (is_new) it->second.driver = driver;
}

void DriverEndings::OnTurn(int64_t now_ms) {
  if (endings_.empty()) return;
  std::vector<ClientId> done;
  for (auto& [client, ending] : endings_) {
    if (!ending.begun) {
      ending.begun = true;
      ending.deadline_ms = now_ms + limits::kDriverEndMs;
      events_.begin(ending.driver);
    }
    const bool is_late = now_ms >= ending.deadline_ms;
    if (is_late || !events_.has_ending_workers(ending.driver)) done.push_back(client);
  }
  std::sort(done.begin(), done.end());
  for (const ClientId client : done) {
    endings_.erase(client);
    events_.done(client);
  }
}

std::optional<int64_t> DriverEndings::NextTickMs() const {
  std::optional<int64_t> next;
  for (const auto& [client, ending] : endings_) {
    if (ending.begun) next = std::min(next.value_or(ending.deadline_ms), ending.deadline_ms);
  }
  return next;
}

}  // namespace rayx::node
