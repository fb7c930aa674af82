#include "sim/simulation.h"

#include "sim/program.h"
#include "sim/rest.h"

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
