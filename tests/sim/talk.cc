#include "sim/talk.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sim/submission.h"
#include "sim/world.h"
#include "testing/task_builder.h"

namespace rayx::sim {
namespace {

// The named actors of its driver that a program may call and wait for: those that are older than
// the task which it runs for, so that none waits for itself; and that have been made, as the
// program may be a part of what makes one.
std::vector<TaskId> NamedActorsFor(World& world, const Process& process, const Activity& activity) {
  std::vector<TaskId> named;
  for (const auto& [id, task] : world.facts().tasks()) {
    if (!task.is_named || task.driver != process.driver) continue;
    const bool is_older = testing::NumberOf(id) < testing::NumberOf(activity.spec.id);
    if ((is_older && task.is_made) || !process.is_worker()) named.push_back(id);
  }
  return named;
}

// The node has said whether there is the actor; as the client library takes it in.
void OnFound(World& world, Process& process, const TaskId& actor, bool found) {
  const auto asker =
      std::find_if(process.activities.begin(), process.activities.end(), [&](const Activity& one) {
        return one.state == Activity::State::kLooking && one.looks_for == actor;
      });
  if (asker == process.activities.end()) return world.Break("an actor for nobody that looks");
  asker->state = Activity::State::kRunning;
  // The node counts the process already. It is told once more, since the process may have let go
  // of the actor while the answer was on its way.
  if (found) Receive(world, process, *asker, node::ActorBook::ObjectOf(actor));
}

// What the node says, when it does; another one's news of an end may be on its way.
void JudgeAnswer(World& world, const TaskId& actor, const TaskSpec* creation) {
  const TaskFacts& facts = *world.facts().Find(actor);
  const bool lives = facts.submitted && !facts.ended;
  const bool was_hurt = facts.cancelled || facts.raised || facts.deaths > 0 || world.has_others();
  if (creation != nullptr && (creation->id != actor || (!lives && !world.has_others()))) {
    world.Break("the name of " + NameOf(actor) + " leads to " + NameOf(creation->id));
  }
  if (creation == nullptr && lives && !was_hurt) {
    world.Break(NameOf(actor) + " lives, and is not found by its name");
  }
}

}  // namespace

void LookForActor(World& world, Process& process, Activity& activity) {
  const std::vector<TaskId> named = NamedActorsFor(world, process, activity);
  if (named.empty()) return;
  const TaskId actor = world.dice().Of(named);
  activity.state = Activity::State::kLooking;
  activity.looks_for = actor;
  world.Send(process, "looks for " + NameOf(actor), [&world, actor](node::Peer& peer) {
    const ClientId asker = peer.id;
    world.core().tasks().remote().names().Ask(
        peer, NameOf(actor), [&world, actor, asker](const TaskSpec* creation) {
          JudgeAnswer(world, actor, creation);
          world.processes().at(asker)->from_node.push_back(
              {"whether there is " + NameOf(actor),
               [&world, actor, found = creation != nullptr](Process& reader) {
                 OnFound(world, reader, actor, found);
               }});
        });
    return Status::Ok();
  });
}

void Print(Process& process) { process.printed.push_back(process.driver); }

void AddSetup(World& world, Process& process) {
  world.Send(process, "has something run by its workers", [&world](node::Peer& peer) {
    std::vector<std::string>& setups = world.processes().at(peer.id)->setups;
    setups.push_back("setup " + std::to_string(setups.size()));
    return world.core().drivers().OnSetup(peer, node::BytesOf(setups.back()));
  });
}

}  // namespace rayx::sim
