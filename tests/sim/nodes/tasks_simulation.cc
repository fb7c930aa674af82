#include "sim/nodes/tasks_simulation.h"

#include "sim/nodes/tasks_world.h"

namespace rayx::sim {

NodesReport SimulateNodes(const NodesOptions& options) {
  TasksWorld world(options);
  Common& common = world.common();
  world.ComeToRest(/*with_harm=*/true);
  if (common.broken.empty()) world.CheckRest(/*is_over=*/false);
  if (common.broken.empty()) world.CloseDrivers();
  world.ComeToRest(/*with_harm=*/false);
  if (common.broken.empty()) world.CheckRest(/*is_over=*/true);
  NodesReport report = world.report();
  report.broken = common.broken;
  report.trace_hash = common.trace.hash();
  report.events = common.trace.count();
  report.tasks = common.facts.tasks().size();
  report.trace.assign(common.trace.lines().begin(), common.trace.lines().end());
  return report;
}

std::string TextOf(const NodesOptions& options, const NodesReport& report) {
  const auto number = [](uint64_t value) { return std::to_string(value); };
  std::string text = "seed " + number(options.seed) + ": " + number(report.tasks) + " tasks, " +
                     number(report.placed) + " placed, " + number(report.forwarded) +
                     " forwarded, " + number(report.given_away) + " times given away, " +
                     number(report.copies) + " copies, " + number(report.crashes) + " crashes, " +
                     number(report.cuts) + " cuts, " + number(report.drained) + " drained, " +
                     number(report.events) + " events\n";
  if (report.broken.empty()) return text;
  for (const std::string& line : report.trace) text += line + "\n";
  return text + "BROKEN " + report.broken +
         "\nreplay: build/editable/tests/nodes_simulation --tasks " + number(options.tasks) +
         " --seed " + number(options.seed) + " --trace 200\n";
}

}  // namespace rayx::sim
