#include "sim/program.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sim/ending.h"
#include "sim/submission.h"
#include "sim/talk.h"
#include "sim/world.h"

namespace rayx::sim {
namespace {

// Calls of actors, and what holds something that its children may need, wait for nothing.
bool MayWait(const Process& process, const Activity& activity) {
  if (!process.is_worker()) return true;
  return activity.spec.kind != TaskKind::kActorCall &&
         activity.spec.resources.Get("lamp").units() == 0;
}

void Wait(World& world, Process& process, Activity& activity, std::vector<ObjectId> wanted) {
  activity.wanted = std::move(wanted);
  activity.state = Activity::State::kGetting;
  if (!process.is_worker() || activity.told_blocked) return;
  activity.told_blocked = true;
  world.Send(process, "is blocked",
             [&world](node::Peer& peer) { return world.core().tasks().OnBlocked(peer); });
}

void GoOn(World& world, Process& process, Activity& activity) {
  activity.wanted.clear();
  activity.state = Activity::State::kRunning;
  if (!std::exchange(activity.told_blocked, false)) return;
  world.Send(process, "is not blocked any more",
             [&world](node::Peer& peer) { return world.core().tasks().OnUnblocked(peer); });
}

void Get(World& world, Process& process, Activity& activity) {
  if (activity.plain.empty() || !MayWait(process, activity)) return;
  const ObjectId id = world.dice().Of(activity.plain);
  if (const auto found = process.values.find(id); found != process.values.end()) {
    return TakeIn(world, process, activity, Value(found->second));
  }
  world.Ask(process, id, /*pin=*/true);
  Wait(world, process, activity, {id});
}

void DropOne(World& world, Process& process, Activity& activity) {
  if (activity.plain.empty()) return;
  const size_t at = world.dice().Below(activity.plain.size());
  const ObjectId id = activity.plain[at];
  activity.plain.erase(activity.plain.begin() + static_cast<std::ptrdiff_t>(at));
  world.Drop(process, activity, id);
}

void PutSmall(World& world, Process& process, Activity& activity) {
  const ObjectId id = ObjectId::ForPut(activity.spec.id, static_cast<uint32_t>(world.NextNumber()));
  const Value value{.id = id, .contained = SomeOf(world, activity.plain)};
  world.Hold(process, activity, id, /*implied=*/true);
  activity.plain.push_back(id);
  Put(world, process, value);
}

void CancelOne(World& world, Process& process, Activity& activity) {
  if (activity.plain.empty()) return;
  const ObjectId id = world.dice().Of(activity.plain);
  if (id.IsPut() || world.facts().Find(id.Task()) == nullptr) return;
  Cancel(world, process, id.Task(), world.dice().OneIn(3));
}

void KillOne(World& world, Process& process, Activity& activity) {
  if (activity.actors.empty()) return;
  const TaskId actor = world.dice().Of(activity.actors).Task();
  world.facts().Find(actor)->cancelled = true;
  world.Send(process, "kills " + NameOf(actor), [&world, actor](node::Peer& peer) {
    world.core().actors().OnKill(peer, actor);
    return Status::Ok();
  });
}

void CancelAll(World& world, Process& process) {
  const uint64_t driver = process.driver;
  if (world.has_others()) world.facts().NoteFarCancellation(driver);
  world.Send(process, "cancels everything", [&world, driver](node::Peer& peer) {
    for (auto& [id, task] : world.facts().tasks()) {
      if (task.driver == driver && task.submitted && !task.ended) task.cancelled = true;
    }
    world.core().tasks().OnCancel(peer, TaskId(), /*force=*/false);
    return Status::Ok();
  });
}

// --- streams ---

// The consumer's side: takes an item, waits for one, or finds that it was the last.
void Consume(World& world, Process& process, Activity& activity) {
  if (activity.streams.empty() || !MayWait(process, activity)) return;
  OpenStream& stream = activity.streams.back();
  const ObjectId item = ObjectId::ForStreamItem(stream.task, stream.next);
  const ObjectId end = ObjectId::ForReturn(stream.task, 0);
  const auto found = process.values.find(item);
  if (found == process.values.end()) {
    // A large one comes only to those who ask for it.
    world.Ask(process, end, /*pin=*/true);
    if (!process.values.contains(end)) return Wait(world, process, activity, {item, end});
    return CloseStream(world, process, activity);
  }
  TakeIn(world, process, activity, Value(found->second));
  const ObjectId further = ObjectId::ForStreamItem(stream.task, stream.next + stream.window);
  const ObjectId credit = ObjectId::ForStreamCredit(stream.task, stream.next);
  ++stream.next;
  world.Hold(process, activity, further, /*implied=*/true);
  world.Ask(process, further, /*pin=*/false);
  world.Hold(process, activity, credit, /*implied=*/true);
  stream.credits.push_back(credit);
  Put(world, process, {.id = credit});
  world.Drop(process, activity, item);
}

// The task's side: makes an item, or waits for the credit to do so.
void Yield(World& world, Process& process, Activity& activity) {
  const TaskId task = activity.spec.id;
  const uint32_t item = activity.items;
  if (item >= activity.spec.options.stream_window) {
    const ObjectId credit =
        ObjectId::ForStreamCredit(task, item - activity.spec.options.stream_window);
    if (!process.values.contains(credit)) {
      world.Hold(process, activity, credit, /*implied=*/true);
      world.Ask(process, credit, /*pin=*/false);
      return Wait(world, process, activity, {credit});
    }
    world.Drop(process, activity, credit);
  }
  ++activity.items;
  const ObjectId id = ObjectId::ForStreamItem(task, item);
  world.Hold(process, activity, id, /*implied=*/true);
  Put(world, process, {.id = id, .contained = SomeOf(world, activity.plain)});
  world.Drop(process, activity, id);
}

void StepRunning(World& world, Process& process, Activity& activity) {
  if (activity.items < activity.items_end && !activity.raises) {
    return Yield(world, process, activity);
  }
  if ((activity.steps_left == 0 && (process.is_worker() || world.tasks_left() == 0)) ||
      activity.raises) {
    activity.state = Activity::State::kFinishing;
    return;
  }
  // A driver goes on until all tasks are submitted.
  if (process.is_worker() || world.tasks_left() == 0) --activity.steps_left;
  switch (world.dice().Below(18)) {
    case 0:
    case 1:
      return PutSmall(world, process, activity);
    case 2:
      return MakeLarge(
          world, process, activity,
          {.id = ObjectId::ForPut(activity.spec.id, static_cast<uint32_t>(world.NextNumber())),
           .contained = SomeOf(world, activity.plain)},
          /*is_return=*/false);
    case 3:
    case 4:
    case 5:
    case 6:
      return Submit(world, process, activity);
    case 7:
    case 8:
      return Get(world, process, activity);
    case 9:
    case 10:
      return DropOne(world, process, activity);
    case 11:
    case 12:
      return Consume(world, process, activity);
    case 13:
      if (world.dice().OneIn(2)) CancelOne(world, process, activity);
      return;
    case 14:
      if (world.dice().OneIn(3)) KillOne(world, process, activity);
      return;
    case 15:
      return LookForActor(world, process, activity);
    case 16:
      if (process.is_worker()) return Print(process);
      if (world.dice().OneIn(8)) AddSetup(world, process);
      return;
    default:
      if (world.dice().OneIn(30)) CancelAll(world, process);
      return;
  }
}

bool HasCome(const Process& process, const Activity& activity) {
  return std::any_of(activity.wanted.begin(), activity.wanted.end(),
                     [&](const ObjectId& id) { return process.values.contains(id); });
}

}  // namespace

bool CanStep(const Process& process, const Activity& activity) {
  switch (activity.state) {
    case Activity::State::kRunning:
    case Activity::State::kFinishing:
      return activity.loaded;
    case Activity::State::kGetting:
      return activity.loaded && (activity.interrupted || HasCome(process, activity));
    case Activity::State::kMaking:
    case Activity::State::kLooking:
    case Activity::State::kOver:
      return false;
  }
  return false;
}

void StepActivity(World& world, Process& process, size_t index) {
  Activity& activity = process.activities[index];
  if (activity.state == Activity::State::kGetting) {
    GoOn(world, process, activity);
    if (activity.interrupted) activity.state = Activity::State::kFinishing;
    return;
  }
  if (activity.interrupted) activity.state = Activity::State::kFinishing;
  if (activity.state == Activity::State::kRunning) return StepRunning(world, process, activity);
  if (!FinishStep(world, process, activity)) return;
  if (process.is_worker()) {
    process.activities.erase(process.activities.begin() + static_cast<std::ptrdiff_t>(index));
  } else {
    activity.state = Activity::State::kOver;
  }
}

void BeginTask(World& world, Process& process, Activity& activity, Handed handed) {
  activity.spec = std::move(handed.spec);
  activity.sequence = handed.sequence;
  activity.steps_left = world.dice().Below(6);
  const TaskSpec& spec = activity.spec;
  if (spec.options.stream_window > 0) {
    const bool may_wait = spec.kind != TaskKind::kActorCall;
    const uint32_t most = (may_wait ? 3 : 1) * spec.options.stream_window;
    activity.items_end = static_cast<uint32_t>(world.dice().Below(most + (may_wait ? 0 : 1)));
  }
  activity.raises = world.dice().OneIn(12);
  for (const Handed::Dependency& value : handed.values) {
    if (value.pinned) activity.pinned.push_back(value.id);
    if (value.value.IsError()) {
      activity.raises = true;
    } else if (world.dice().OneIn(2)) {
      TakeIn(world, process, activity, value.value);
    }
  }
  for (const ObjectId& id : spec.contained) {
    if (spec.kind != TaskKind::kActorCall || id != node::ActorBook::ObjectOf(spec.actor)) {
      Receive(world, process, activity, id);
    }
  }
  if (spec.kind != TaskKind::kActorCall && !process.functions.contains(spec.function)) {
    activity.loaded = false;
    const FunctionId function = spec.function;
    world.Send(process, "fetches a function", [&world, function](node::Peer& peer) {
      world.core().functions().OnFetch(peer, function);
      return Status::Ok();
    });
  }
  if (!handed.state) return;
  // What the actor was before it is made again.
  world.Hold(process, activity, *handed.state, /*implied=*/true);
  world.Ask(process, *handed.state, /*pin=*/true);
  Wait(world, process, activity, {*handed.state});
}

}  // namespace rayx::sim
