#include "sim/nodes/objects_simulation.h"

#include <utility>

#include "sim/dice.h"

namespace rayx::sim {
namespace {

// Far more than any seed needs.
constexpr size_t kStepsMax = 20'000;

ObjectBounds BoundsOf(Dice& dice) {
  ObjectBounds bounds;
  bounds.nodes = 2 + dice.Below(4);
  bounds.is_any_home = dice.OneIn(2);
  bounds.puts = 2 + dice.Below(12);
  bounds.tasks = dice.Below(6);
  bounds.loans = 4 + dice.Below(24);
  bounds.crashes = dice.OneIn(3) ? dice.Below(bounds.nodes) : 0;
  bounds.cuts = dice.OneIn(3) ? dice.Below(4) : 0;
  bounds.stream_cuts = dice.OneIn(3) ? dice.Below(6) : 0;
  bounds.with_large = !dice.OneIn(3);
  bounds.is_prompt = dice.OneIn(3);
  return bounds;
}

// One of the choices, by their weights.
ObjectsWorld::Choice& Chosen(Dice& dice, std::vector<ObjectsWorld::Choice>& choices) {
  size_t sum = 0;
  for (const ObjectsWorld::Choice& choice : choices) sum += choice.weight;
  size_t at = dice.Below(sum);
  for (ObjectsWorld::Choice& choice : choices) {
    if (at < choice.weight) return choice;
    at -= choice.weight;
  }
  return choices.back();
}

}  // namespace

ObjectsReport SimulateObjects(uint64_t seed, bool with_trace) {
  using Phase = ObjectsWorld::Phase;
  Dice dice(seed);
  ObjectsWorld world(BoundsOf(dice));
  ObjectsReport report;
  const size_t open_steps = 60 + dice.Below(400);
  for (const Phase phase : {Phase::kOpen, Phase::kSettling, Phase::kClosing}) {
    if (phase == Phase::kSettling && !dice.OneIn(4)) world.AskForAll();
    for (size_t step = 0; world.broken().empty(); ++step) {
      if (phase == Phase::kOpen && step == open_steps) break;
      std::vector<ObjectsWorld::Choice> choices = world.Choices(phase);
      if (choices.empty()) break;
      ObjectsWorld::Choice& choice = Chosen(dice, choices);
      if (with_trace) report.trace.push_back(choice.text);
      choice.happens();
      world.Check();
      if (++report.steps > kStepsMax) {
        report.broken = "it does not come to rest";
        return report;
      }
    }
    if (world.broken().empty() && phase != Phase::kOpen) world.CheckAtRest();
  }
  if (world.broken().empty()) world.CheckEmpty();
  report.broken = world.broken();
  report.messages = world.messages();
  report.values_got = world.values_got();
  return report;
}

std::string TextOf(uint64_t seed, const ObjectsReport& report) {
  std::string text = "seed " + std::to_string(seed) + ": " + std::to_string(report.steps) +
                     " steps, " + std::to_string(report.messages) + " messages, " +
                     std::to_string(report.values_got) + " values got\n";
  if (report.broken.empty()) return text;
  for (const std::string& line : report.trace) text += line + "\n";
  return text + "BROKEN " + report.broken +
         "\nreplay: build/editable/tests/nodes_simulation --objects 1 --seed " +
         std::to_string(seed) + " --trace 1\n";
}

}  // namespace rayx::sim
