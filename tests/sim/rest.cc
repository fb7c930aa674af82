#include "sim/rest.h"

#include <string>

namespace rayx::sim {

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
        if (facts.submitted && !facts.ended && !facts.forgotten)
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
    if (!task.submitted || task.ended || task.forgotten) continue;
    return world.Break(NameOf(id) +
                       " has not ended: " + world.core().scheduler().reports().Explain(id));
  }
}

namespace {

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

}  // namespace

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

}  // namespace rayx::sim
