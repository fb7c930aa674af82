// Drives a real LocalScheduler and writes down, as short lines, everything that it asks for.
//
//   SchedulerRecorder scheduler({.cpus = 2});
//   scheduler.Submit(Task(1));
//   EXPECT_EQ(scheduler.Turn(), Lines({"start 1"}));      // this, and nothing else, happened
//
// The whole scheduler is checked (SanityCheck) after every step.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/local_scheduler.h"
#include "testing/task_builder.h"

namespace rayx::scheduler {

using Lines = std::vector<std::string>;
using testing::DriverNumber;
using testing::ResultOf;
using testing::Task;
using testing::TaskNumber;

inline ResourceAmount Amount(double value) { return ResourceAmount::FromDouble(value).value(); }

class SchedulerRecorder {
 public:
  struct Options {
    int64_t cpus = 2;
    size_t prestart = 0;
    size_t workers_max = 64;
    bool pipeline = true;
    uint32_t tasks_per_worker_max = 1u << 30;
    ResourceSet more = {};
  };

  explicit SchedulerRecorder(Options options) : core_(Make(options)) {}
  SchedulerRecorder() : SchedulerRecorder(Options{}) {}

  LocalScheduler& core() { return core_; }
  int64_t now_ms() const { return now_ms_; }
  void Advance(int64_t ms) { now_ms_ += ms; }
  std::string texts() const { return texts_; }

  void Submit(Task&& task, std::vector<ObjectId> missing = {}, WorkerNumber submitter = kNoWorker,
              ClientId caller = kNoClient) {
    core_.OnTaskSubmitted(std::move(task).Build(), missing, submitter,
                          {.node = {}, .client = caller});
    core_.SanityCheck();
  }
  void Submit(uint64_t first, uint64_t last) {
    for (uint64_t number = first; number <= last; ++number) Submit(Task(number));
  }
  void Available(const ObjectId& id) {
    Checked([&] { core_.OnObjectAvailable(id); });
  }
  void Started(WorkerNumber worker) {
    Checked([&] { core_.OnWorkerStarted(worker); });
  }
  // The same for a worker whose process is known.
  void StartedAs(WorkerNumber worker, int64_t pid) {
    Checked([&] { core_.OnWorkerStarted(worker, pid); });
  }
  Status Finished(WorkerNumber worker, uint64_t task, uint32_t sequence, bool failed = false) {
    const Status status = core_.OnTaskFinished(worker, TaskNumber(task), sequence, failed);
    core_.SanityCheck();
    return status;
  }
  Status Blocked(WorkerNumber worker) {
    const Status status = core_.OnWorkerBlocked(worker);
    core_.SanityCheck();
    return status;
  }
  Status Unblocked(WorkerNumber worker) {
    const Status status = core_.OnWorkerUnblocked(worker);
    core_.SanityCheck();
    return status;
  }
  void Revoked(WorkerNumber worker, uint32_t first) {
    Checked([&] { core_.OnTasksRevoked(worker, first); });
  }
  void Gone(WorkerNumber worker, uint32_t begun_sequence = 0, std::string description = "it died") {
    const WorkerEnd end{begun_sequence, std::move(description), false};
    Checked([&] { core_.OnWorkerGone(worker, end); });
  }
  void StartFailed(WorkerNumber worker, std::string description = "no interpreter") {
    const WorkerEnd end{0, std::move(description), true};
    Checked([&] { core_.OnWorkerGone(worker, end); });
  }
  void DriverGone(uint64_t driver) {
    Checked([&] { core_.OnDriverGone(DriverNumber(driver)); });
  }
  // `with_work`: the workers that have something to finish.
  void DriverEnding(uint64_t driver, const std::vector<WorkerNumber>& with_work = {}) {
    Checked([&] {
      core_.OnDriverEnding(DriverNumber(driver), [&](WorkerNumber worker) {
        return std::find(with_work.begin(), with_work.end(), worker) != with_work.end();
      });
    });
  }
  void Unreferenced(uint64_t actor) {
    Checked([&] { core_.OnActorUnreferenced(TaskNumber(actor)); });
  }
  void Killed(uint64_t actor, const std::string& reason = "it was killed") {
    Checked([&] { core_.OnActorKilled(TaskNumber(actor), reason); });
  }
  void Cancelled(uint64_t task, bool force = false) {
    Checked([&] { core_.OnTaskCancelled(TaskNumber(task), force); });
  }

  void AllCancelled(uint64_t driver, bool force = false) {
    Checked([&] { core_.OnAllCancelled(DriverNumber(driver), force); });
  }

  // One turn of the daemon's loop: decides, and returns what was asked for since the last turn.
  Lines Turn() {
    core_.OnTick(now_ms_);
    core_.Schedule(now_ms_);
    core_.SanityCheck();
    Lines lines;
    for (const Effect& effect : core_.TakeEffects()) {
      std::visit([&](const auto& one) { lines.push_back(Line(one)); }, effect);
    }
    return lines;
  }
  // Starts the workers that the scheduler asks for until it asks for none. REQUIRES: it does
  // nothing else.
  void StartAll() {
    for (Lines lines = Turn(); !lines.empty(); lines = Turn()) {
      for (const std::string& line : lines)
        Started(WorkerNumber(std::stoull(line.substr(line.find(' ')))));
    }
  }
  // The scheduler asks for this worker alone, it starts and is given what waits.
  void StartNext(WorkerNumber worker) {
    ASSERT_EQ(Turn().back(), "start " + worker.ToString());
    Started(worker);
    Turn();
  }

 private:
  static SchedulerOptions Make(const Options& options) {
    SchedulerOptions made;
    made.total = options.more;
    made.total.Set(kCpu, ResourceAmount::Of(options.cpus));
    made.prestart_workers = options.prestart;
    made.workers_max = options.workers_max;
    made.pipeline = options.pipeline;
    made.tasks_per_worker_max = options.tasks_per_worker_max;
    made.node_name = "node-a";
    return made;
  }
  template <typename Event>
  void Checked(Event event) {
    event();
    core_.SanityCheck();
  }

  static std::string Name(const TaskId& id) { return "t" + std::to_string(testing::NumberOf(id)); }
  static std::string Name(WorkerNumber worker) { return "w" + worker.ToString(); }
  std::string Line(const StartWorker& effect) { return "start " + effect.worker.ToString(); }
  std::string Line(const StopWorker& effect) {
    return (effect.kill ? "kill " : "stop ") + Name(effect.worker);
  }
  std::string Line(const AssignTask& effect) {
    return Name(effect.task) + " to " + Name(effect.worker) + " as " +
           std::to_string(effect.sequence) +
           (effect.attempt > 0 ? ", attempt " + std::to_string(effect.attempt) : "") +
           Gpus(effect.gpus);
  }
  static std::string Gpus(const std::vector<uint32_t>& gpus) {
    std::string text = gpus.empty() ? "" : ", GPU";
    for (const uint32_t gpu : gpus) text += " " + std::to_string(gpu);
    return text;
  }
  std::string Line(const InterruptTask& effect) {
    return std::string(effect.reason == InterruptReason::kTimedOut ? "time out " : "cancel ") +
           Name(effect.task) + " on " + Name(effect.worker) + " as " +
           std::to_string(effect.sequence);
  }
  std::string Line(const ReleaseInputs& effect) {
    return "release " + std::to_string(effect.ids.size()) + " inputs";
  }
  std::string Line(const ActorChanged& effect) {
    const auto actor = core_.FindActor(effect.actor);
    return Name(effect.actor) + " is " +
           (actor ? std::string(ActorStateName(actor->state)) : "forgotten");
  }
  std::string Line(const RevokeTasks& effect) { return "revoke " + Name(effect.worker); }
  std::string Line(const ReclaimWorker& effect) { return "reclaim " + Name(effect.worker); }
  std::string Line(const FailTask& effect) {
    texts_ += effect.text + "\n";
    return "fail " + Name(effect.task) + " code " + std::to_string(static_cast<int>(effect.code)) +
           (effect.like.IsNil() ? "" : " like " + Name(effect.like.Task())) +
           (effect.has_results ? " unless it has its results" : "");
  }
  std::string Line(const TaskEnded& effect) {
    return "ended " + Name(effect.spec.id) + (effect.failed_by_system ? " by system" : "");
  }

  LocalScheduler core_;
  int64_t now_ms_ = 0;
  std::string texts_;
};

}  // namespace rayx::scheduler
