// How often workers may be started when starting them fails.
//
// After a failed start nothing is started for a while, then one worker at a time, until one start
// succeeds, or a worker ends, whose process and descriptors may be just what was missing. What is
// missing may also come back unseen (a limit is raised, another program ends): so while tasks wait
// for a worker the attempts are a second apart at most. What nobody waits for is tried less and
// less often.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace rayx::scheduler {

class StartBackoff {
 public:
  // Long enough for a burst of load to pass, short enough that a worker killed while it started
  // delays nobody by a second.
  static constexpr int64_t kFirstWaitMs = 500;
  // While tasks wait. A fork that fails costs next to nothing.
  static constexpr int64_t kWaitMsMax = 1000;
  // Of what the pool wants for itself: a machine on which workers cannot start must not be kept
  // busy by trying.
  static constexpr int64_t kUnaskedWaitMsMax = 60000;
  // Rounds of failed starts before tasks that wait for a worker fail: one failure may be chance,
  // three are a reason.
  static constexpr int kFailedRoundsMax = 3;

  // A start was decided on.
  void OnAttempt() { is_counted_ = false; }
  void OnStarted();
  // A worker that had started is gone.
  void OnWorkerEnded();
  // Starts that were decided on before the first of them failed are one round, since they most
  // likely fail for one cause. Events know no time: it counts from the next OnTime.
  void OnFailed(std::string description);
  void OnTime(int64_t now_ms);

  // How many may be started now for tasks that wait, given that `starting` are on their way.
  // OnTime has been called.
  size_t Allowed(int64_t now_ms, size_t starting) const;
  // Whether as many may be started as are wanted, although no task waits.
  bool AllowsUnasked(int64_t now_ms) const { return rounds_ == 0 || now_ms >= next_unasked_ms_; }
  // When Allowed and AllowsUnasked may answer more; nothing if no failure is remembered.
  std::optional<int64_t> NextMs() const;
  std::optional<int64_t> NextUnaskedMs() const;
  // kFailedRoundsMax or more rounds have failed in a row, the last one since the previous call: who
  // has waited for its outcome need not wait for another one.
  bool TakeVerdict();
  // The last failure, in words.
  const std::string& description() const { return description_; }

 private:
  int rounds_ = 0;
  int64_t next_ms_ = 0;
  int64_t next_unasked_ms_ = 0;
  // The starts that are on their way belong to a round that has been counted as failed.
  bool is_counted_ = false;
  bool is_unstamped_ = false;
  bool has_verdict_ = false;
  std::string description_;
};

}  // namespace rayx::scheduler
