#include "node/task_spread.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/base/limits.h"
#include "scheduler/spreading.h"

namespace rayx::node {

bool TaskSpread::OnTurn(int64_t now_ms) {
  scheduler::Spreading spreading(scheduler_);
  if (!spreading.HasQueued() || !shell_.others->HasOthers()) {
    if (std::exchange(look_ms_, std::nullopt)) spreading.LookAtWorkers(false);
    return false;
  }
  // An actor stays where it begins, however soon that is: which node has it follows from how many
  // each has, and not from this one's pace.
  const bool has_sent = spreading.SendActors(std::numeric_limits<size_t>::max()) > 0;
  const bool is_first = !look_ms_;
  if (!is_first && now_ms < *look_ms_) return has_sent;
  const scheduler::SchedulerStats stats = scheduler_->Stats();
  // What is asked for here comes back in the next turn, and is given away with the next look.
  spreading.LookAtWorkers(true);
  const uint64_t ended = stats.tasks_finished - finished_;
  const auto passed_ms = static_cast<uint64_t>(std::max<int64_t>(1, now_ms - looked_ms_));
  look_ms_ = now_ms + limits::kSpreadLookMs;
  looked_ms_ = now_ms;
  finished_ = stats.tasks_finished;
  if (is_first) return true;
  const uint64_t kept = ended * limits::kSpreadKeepMs / passed_ms;
  const size_t surplus = spreading.Surplus();
  if (surplus > kept) GiveAway(surplus - kept);
  return true;
}

std::optional<int64_t> TaskSpread::NextTickMs() const { return look_ms_; }

bool TaskSpread::GiveAway(size_t most) {
  scheduler::Spreading spreading(scheduler_);
  const size_t actors = spreading.SendActors(most);
  std::vector<TaskSpec> taken = spreading.TakeSurplus(most - actors);
  for (TaskSpec& spec : taken) {
    if (drivers_->HomeOf(spec.driver).IsNil()) {
      given_->Add(std::move(spec));
    } else {
      shell_.records->OnTaskHandedOver(spec.id);
      guest_->HandOver(std::move(spec));
    }
  }
  return actors > 0 || !taken.empty();
}

}  // namespace rayx::node
