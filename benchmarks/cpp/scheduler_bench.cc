// Decisions of the local scheduler: what a task costs from submission to end, without messages and
// processes.
//
// Each item is one task: submitted, assigned, finished, its effects drained. Specifications are
// made outside the measured time, as the daemon gets them parsed.

#include <benchmark/benchmark.h>

#include <deque>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "scheduler/local_scheduler.h"
#include "testing/task_builder.h"

namespace rayx::scheduler {
namespace {

using testing::Task;

constexpr uint64_t kBatch = 10000;

// Workers that finish at once what they are given, first in, first out over all workers.
class InstantWorkers {
 public:
  explicit InstantWorkers(int64_t cpus, bool pipeline = true) : core_(Options(cpus, pipeline)) {
    Turn();
    while (core_.Stats().workers_idle < static_cast<size_t>(cpus)) Turn();
  }

  LocalScheduler& core() { return core_; }
  size_t held() const { return held_.size(); }

  void Turn() {
    core_.Schedule(now_ms_);
    for (Effect& effect : core_.TakeEffects()) {
      if (const auto* assign = std::get_if<AssignTask>(&effect)) {
        held_.push_back(*assign);
      } else if (const auto* start = std::get_if<StartWorker>(&effect)) {
        core_.OnWorkerStarted(start->worker);
      } else if (const auto* recall = std::get_if<RevokeTasks>(&effect)) {
        Recalled(recall->worker);
      }
    }
  }
  // Up to `most` tasks end.
  void Finish(size_t most) {
    for (; most > 0 && !held_.empty(); --most) {
      const AssignTask assign = held_.front();
      held_.pop_front();
      RAYX_CHECK(core_.OnTaskFinished(assign.worker, assign.task, assign.sequence).ok());
    }
  }

 private:
  static SchedulerOptions Options(int64_t cpus, bool pipeline) {
    SchedulerOptions options;
    options.total.Set(kCpu, ResourceAmount::Of(cpus));
    options.prestart_workers = static_cast<size_t>(cpus);
    options.pipeline = pipeline;
    options.node_name = "bench";
    return options;
  }
  // The worker has begun only the oldest of its tasks.
  void Recalled(WorkerNumber worker) {
    uint32_t first = 0;
    bool seen = false;
    std::erase_if(held_, [&](const AssignTask& assign) {
      if (assign.worker != worker) return false;
      if (!std::exchange(seen, true)) {
        first = assign.sequence + 1;
        return false;
      }
      return true;
    });
    core_.OnTasksRevoked(worker, first);
  }

  LocalScheduler core_;
  std::deque<AssignTask> held_;
  int64_t now_ms_ = 0;
};

std::vector<TaskSpec> MakeTasks(uint64_t& next, uint64_t count, uint64_t shapes = 1,
                                uint64_t drivers = 1) {
  std::vector<TaskSpec> specs;
  specs.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    Task task(++next);
    const auto units = static_cast<int64_t>(10000 - 1000 * (i % shapes));
    specs.push_back(std::move(task)
                        .Driver(1 + i % drivers)
                        .Needs(kCpu, ResourceAmount::FromUnits(units))
                        .Build());
    specs.back().encoded.assign(200, 'x');
  }
  return specs;
}

// One task at a time, a turn for its start and a turn for its end: the path of a single round trip.
void OneTaskATurn(benchmark::State& state) {
  InstantWorkers node(2);
  uint64_t next = 0;
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    std::vector<TaskSpec> specs = MakeTasks(next, kBatch);
    state.ResumeTiming();
    for (TaskSpec& spec : specs) {
      node.core().OnTaskSubmitted(std::move(spec), {});
      node.Turn();
      node.Finish(1);
      node.Turn();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OneTaskATurn);

// A burst of tasks, then turns in which some tasks end: the path under load. Argument: CPUs.
void Burst(benchmark::State& state) {
  InstantWorkers node(state.range(0));
  uint64_t next = 0;
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    std::vector<TaskSpec> specs = MakeTasks(next, kBatch);
    state.ResumeTiming();
    for (TaskSpec& spec : specs) node.core().OnTaskSubmitted(std::move(spec), {});
    node.Turn();
    while (node.held() > 0) {
      node.Finish(8);
      node.Turn();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Burst)->Arg(2)->Arg(64);

// As Burst, but a turn for each task that ends, and no tails: every end is a decision.
void BurstOneByOne(benchmark::State& state) {
  InstantWorkers node(state.range(0), false);
  uint64_t next = 0;
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    std::vector<TaskSpec> specs = MakeTasks(next, kBatch);
    state.ResumeTiming();
    for (TaskSpec& spec : specs) node.core().OnTaskSubmitted(std::move(spec), {});
    node.Turn();
    while (node.held() > 0) {
      node.Finish(1);
      node.Turn();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BurstOneByOne)->Arg(2)->Arg(64);

// Five shapes of each of four drivers on 16 CPUs.
void BurstOfManyKinds(benchmark::State& state) {
  InstantWorkers node(16);
  uint64_t next = 0;
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    std::vector<TaskSpec> specs = MakeTasks(next, kBatch, 5, 4);
    state.ResumeTiming();
    for (TaskSpec& spec : specs) node.core().OnTaskSubmitted(std::move(spec), {});
    node.Turn();
    while (node.held() > 0) {
      node.Finish(8);
      node.Turn();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BurstOfManyKinds);

// Each task waits for the result of the one before.
void ChainOfDependencies(benchmark::State& state) {
  InstantWorkers node(2);
  uint64_t next = 0;
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    std::vector<TaskSpec> specs = MakeTasks(next, kBatch);
    state.ResumeTiming();
    const uint64_t first = next - kBatch + 1;
    for (uint64_t i = 0; i < kBatch; ++i) {
      const ObjectId missing = testing::ResultOf(first + i - 1);
      node.core().OnTaskSubmitted(std::move(specs[i]), {&missing, i == 0 ? 0u : 1u});
    }
    for (uint64_t i = 0; i < kBatch; ++i) {
      node.Turn();
      node.Finish(1);
      node.core().OnObjectAvailable(testing::ResultOf(first + i));
    }
    node.Turn();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ChainOfDependencies);

// Calls of one actor. Argument: how many are submitted before the next turn.
void CallsOfOneActor(benchmark::State& state) {
  InstantWorkers node(2);
  uint64_t next = 1;
  node.core().OnTaskSubmitted(Task(1).Creation().Build(), {});
  node.Turn();
  node.Finish(1);
  node.Turn();
  const auto burst = static_cast<uint64_t>(state.range(0));
  while (state.KeepRunningBatch(kBatch)) {
    state.PauseTiming();
    std::vector<TaskSpec> specs;
    for (uint64_t i = 0; i < kBatch; ++i) specs.push_back(Task(++next).CallOf(1).Build());
    state.ResumeTiming();
    for (uint64_t i = 0; i < kBatch;) {
      for (uint64_t k = 0; k < burst && i < kBatch; ++k) {
        node.core().OnTaskSubmitted(std::move(specs[i++]), {}, kNoWorker,
                                    {.node = {}, .client = ClientId(7)});
      }
      node.Turn();
      while (node.held() > 0) {
        node.Finish(8);
        node.Turn();
      }
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CallsOfOneActor)->Arg(1)->Arg(1000);

// A turn in which nothing happened, with a queue of 100,000 tasks and 64 busy workers.
void NothingHappened(benchmark::State& state) {
  InstantWorkers node(64);
  uint64_t next = 0;
  for (TaskSpec& spec : MakeTasks(next, 100000)) node.core().OnTaskSubmitted(std::move(spec), {});
  node.Turn();
  for (auto _ : state) node.core().Schedule(0);
}
BENCHMARK(NothingHappened);

}  // namespace
}  // namespace rayx::scheduler

BENCHMARK_MAIN();
