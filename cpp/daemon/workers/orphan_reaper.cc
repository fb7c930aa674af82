#include "daemon/workers/orphan_reaper.h"

#include <csignal>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/process/process_mark.h"
#include "common/process/process_tree.h"

namespace rayx::daemon {
namespace {

// A process that is just being forked is seen by the next sweep.
constexpr int64_t kSweepPauseMs = 50;
constexpr int kCleanSweeps = 2;
// A process that does not die of SIGKILL in that time hangs in the kernel.
constexpr int64_t kSearchMs = 2000;
static_assert(limits::kTrackerMs < kSearchMs);

}  // namespace

void OrphanReaper::OnDriverGone(const DriverId& driver) {
  ++begun_;
  searches_[driver].deadline_ms = loop_->now_ms() + kSearchMs;
  // The search must not begin before the driver's workers are told to end, since they would go on
  // making processes.
  SweepIn(0, driver);
}

void OrphanReaper::SweepIn(int64_t delay_ms, const DriverId& driver) {
  searches_[driver].timer =
      loop_->CallAt(loop_->now_ms() + delay_ms, [this, driver] { Sweep(driver); });
}

void OrphanReaper::Sweep(const DriverId& driver) {
  Search& search = searches_[driver];
  // Resource trackers end by themselves when all processes that they served have ended.
  const bool spares_trackers =
      loop_->now_ms() + kSearchMs - limits::kTrackerMs < search.deadline_ms;
  const size_t found = KillMarked(driver.Hex(), spares_trackers);
  search.clean_sweeps = found == 0 ? search.clean_sweeps + 1 : 0;
  const bool is_late = loop_->now_ms() >= search.deadline_ms;
  if (search.clean_sweeps < kCleanSweeps && !is_late) return SweepIn(kSweepPauseMs, driver);
  if (found > 0) {
    LogWarning(std::to_string(found) + " processes of the ended driver " + driver.Hex() +
               " could not be ended");
  }
  // Posted, since this may run in the search's own timer.
  loop_->Post([this, driver] { searches_.erase(driver); });
}

std::string OrphanReaper::DebugText() const {
  return "searches for what ended drivers left: " + std::to_string(begun_) + "\n";
}

size_t OrphanReaper::KillMarked(const std::string& mark, bool spares_trackers) const {
  size_t found = 0;
  for (const pid_t pid : Descendants(root_)) {
    // The environment of a dead process is empty.
    if (ProcessMarkOf(pid) != mark) continue;
    ++found;
    if (!spares_trackers) {
      for (const pid_t below : Descendants(pid)) ::kill(below, SIGKILL);
      ::kill(pid, SIGKILL);
    } else if (!IsResourceTracker(pid)) {
      KillTree(pid);
    }
  }
  return found;
}

}  // namespace rayx::daemon
