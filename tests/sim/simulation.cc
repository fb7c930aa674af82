#include "sim/simulation.h"

#include "sim/program.h"

namespace rayx::sim {
namespace {

// Far more than any seed needs.
constexpr size_t kStepsMax = 3'000'000;
// Timers that are still set then are not worth waiting for: workers that are kept, heartbeats.
constexpr int64_t kRestMs = 60'000;

void ComeToRest(World& world) {
  for (size_t steps = 0; world.broken().empty(); ++steps) {
    if (steps > kStepsMax) return world.Break("it does not come to rest");
    if (world.Step()) continue;
    if (!world.Pass(world.now_ms() + kRestMs)) return;
  }
}

void CheckNobodyWaits(World& world) {
  for (const auto& [id, process] : world.processes()) {
    for (const Activity& activity : process->activities) {
      if (activity.state == Activity::State::kOver) continue;
      std::string text = process->Name() + " with " + NameOf(activity.spec.id) + " waits for ever";
      for (const ObjectId& wanted : activity.wanted) {
        text += ", for " + NameOf(wanted) + ": " +
                world.core().scheduler().reports().Explain(wanted.Task());
      }
      if (!activity.loaded) text += ", for its function";
      for (const auto& [task, facts] : world.facts().tasks()) {
        if (facts.submitted && !facts.ended)
          text += "\n" + world.core().scheduler().reports().Explain(task);
      }
      return world.Break(text);
    }
    if (!process->inbox.empty()) return world.Break(process->Name() + " leaves a task alone");
  }
}

void CheckTasks(World& world, bool with_actors) {
  for (const auto& [id, task] : world.facts().tasks()) {
    // Of an actor that is still alive, the creation lasts.
    if (task.kind == TaskKind::kActorCreation && !with_actors) continue;
    if (!task.submitted || task.ended) continue;
    return world.Break(NameOf(id) +
                       " has not ended: " + world.core().scheduler().reports().Explain(id));
  }
}

// Of those that may be: results, items and credits that nobody has made, and somebody refers to.
std::string NamesOfExpected(World& world) {
  constexpr uint32_t kMost = 16;
  std::string names;
  for (const auto& [task, facts] : world.facts().tasks()) {
    for (uint32_t i = 0; i < kMost; ++i) {
      for (const ObjectId& id :
           {ObjectId::ForReturn(task, i), ObjectId::ForStreamCredit(task, i)}) {
        if (world.core().store().IsExpected(id)) names += " " + NameOf(id);
      }
    }
  }
  return names;
}

void CheckNothingIsHeld(World& world) {
  node::NodeCore& core = world.core();
  const scheduler::SchedulerStats stats = core.scheduler().Stats();
  if (core.store().Stats().objects > 0) {
    return world.Break("objects are left:" + NamesOfExpected(world) + "\n" +
                       plasma::StoreText(core.store().Stats(), core.store().Summaries(), 10));
  }
  if (stats.tasks_waiting + stats.tasks_ready + stats.tasks_assigned > 0) {
    return world.Break("the scheduler has tasks left:\n" +
                       core.scheduler().reports().DebugText(10));
  }
  if (core.scheduler().available().ToString() != world.total().ToString()) {
    return world.Break("resources are in use: " + core.scheduler().available().ToString());
  }
  if (core.actors().held() > 0) return world.Break("the books hold actors or their states");
  if (core.functions().size() > 0) return world.Break("functions are left");
  if (core.tasks().streams().size() > 0) return world.Break("streams are left");
  if (core.objects().delivering() > 0) return world.Break("deliveries are left");
}

}  // namespace

Report Simulate(const Options& options) {
  World world(options, {.can_step = CanStep, .step = StepActivity, .begin = BeginTask});
  ComeToRest(world);
  if (world.broken().empty()) CheckNobodyWaits(world);
  if (world.broken().empty()) CheckTasks(world, /*with_actors=*/false);
  // Actors with names live on until their drivers leave.
  if (world.broken().empty() && world.core().actors().held() == 0) CheckNothingIsHeld(world);
  if (world.broken().empty()) world.CloseDrivers();
  ComeToRest(world);
  if (world.broken().empty()) CheckTasks(world, /*with_actors=*/true);
  if (world.broken().empty()) CheckNothingIsHeld(world);
  if (world.broken().empty() && world.core().drivers().size() > 0) world.Break("drivers are left");

  Report report;
  report.seed = options.seed;
  report.broken = world.broken();
  report.trace_hash = world.trace().hash();
  report.events = world.trace().count();
  report.simulated_ms = world.now_ms();
  for (const auto& [id, task] : world.facts().tasks()) {
    ++report.tasks;
    report.failed += task.failed ? 1 : 0;
    report.calls += task.kind == TaskKind::kActorCall ? 1 : 0;
    report.actors += task.kind == TaskKind::kActorCreation ? 1 : 0;
    report.streams += task.is_stream ? 1 : 0;
    report.retried += task.begun > 1 ? 1 : 0;
    report.cancelled += task.cancelled ? 1 : 0;
  }
  report.trace.assign(world.trace().lines().begin(), world.trace().lines().end());
  return report;
}

std::string TextOf(const Report& report, const Options& options) {
  const auto number = [](uint64_t value) { return std::to_string(value); };
  std::string text = "seed " + number(report.seed) + ": " + number(report.tasks) + " tasks (" +
                     number(report.calls) + " calls, " + number(report.actors) + " actors, " +
                     number(report.streams) + " streams), " + number(report.failed) + " failed, " +
                     number(report.retried) + " tried again, " + number(report.cancelled) +
                     " cancelled or their driver gone; " + number(report.events) + " events in " +
                     std::to_string(report.simulated_ms) + " ms of simulated time, trace " +
                     number(report.trace_hash) + "\n";
  if (report.broken.empty()) return text;
  for (const std::string& line : report.trace) text += line + "\n";
  return text + "BROKEN " + report.broken + "\nreplay: python -m rayx.simulation --tasks " +
         number(options.tasks) + " --seed " + number(report.seed) + " --trace 200\n";
}

}  // namespace rayx::sim
