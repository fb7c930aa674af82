#include "sim/submission.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sim/world.h"
#include "testing/task_builder.h"

namespace rayx::sim {
namespace {

// Of a driver; each is exported when it is first used.
FunctionId FunctionOf(World& world, uint64_t driver) {
  return testing::NumberedId<FunctionId>(driver * 10 + world.dice().Below(3));
}

void Export(World& world, Process& process, Activity& activity, const FunctionId& id) {
  const ObjectId object = ObjectId::ForFunction(id);
  if (process.handles.contains(object)) return;
  world.Hold(process, activity, object, /*implied=*/true);
  // What the function has captured.
  std::vector<ObjectId> contained = SomeOf(world, activity.plain);
  world.Send(process, "exports " + NameOf(object), [&world, id, contained](node::Peer& peer) {
    const std::string pickled = NameOf(ObjectId::ForFunction(id));
    return world.core().functions().OnExport(peer, id, "f", node::BytesOf(pickled), contained);
  });
}

void MakeFunctionCall(World& world, Activity& activity, TaskSpec* spec) {
  Dice& dice = world.dice();
  spec->resources.Set(kCpu, ResourceAmount::Of(1));
  if (dice.OneIn(6)) spec->resources.Set("lamp", ResourceAmount::Of(1));
  if (dice.OneIn(8)) spec->resources.Set(kCpu, world.total().Get(kCpu));
  if (dice.OneIn(8)) spec->resources.Set(kCpu, ResourceAmount::FromUnits(2500));
  spec->options.max_retries = static_cast<int32_t>(dice.Below(4)) - (dice.OneIn(8) ? 1 : 0);
  spec->return_count = 1 + static_cast<uint32_t>(dice.OneIn(3) ? dice.Below(3) : 0);
  spec->options.priority = static_cast<int32_t>(dice.Below(3));
  if (dice.OneIn(12)) spec->options.timeout_ms = 1 + dice.Below(20);
  if (dice.OneIn(8)) {
    spec->return_count = 1;
    // It waits for its consumer, who may wait for somebody that needs a lamp.
    spec->resources.Set("lamp", ResourceAmount());
    spec->options.stream_window = 1 + static_cast<uint32_t>(dice.Below(4));
  }
  spec->contained = SomeOf(world, activity.plain);
  if (!activity.actors.empty() && dice.OneIn(2))
    spec->contained.push_back(dice.Of(activity.actors));
}

void MakeCreation(World& world, TaskSpec* spec) {
  Dice& dice = world.dice();
  spec->kind = TaskKind::kActorCreation;
  spec->options.max_concurrency = 1 + static_cast<uint32_t>(dice.Below(3));
  spec->options.max_retries = static_cast<int32_t>(dice.Below(3));
  if (dice.OneIn(4)) spec->actor_name = NameOf(spec->id);
}

void MakeCall(World& world, const Process& process, const Activity& activity, TaskSpec* spec) {
  const ObjectId actor = world.dice().Of(activity.actors);
  spec->kind = TaskKind::kActorCall;
  spec->actor = actor.Task();
  spec->contained = SomeOf(world, activity.plain);
  spec->contained.push_back(actor);
  // One that never waits for its consumer, who may wait for a later call.
  if (world.dice().OneIn(6)) {
    spec->options.stream_window = 1 + static_cast<uint32_t>(world.dice().Below(3));
  }
  const bool in_function = process.is_worker() && activity.spec.kind == TaskKind::kFunction;
  spec->run = in_function ? activity.sequence + 1 : 0;
}

void OpenStreamOf(World& world, Process& process, Activity& activity, const TaskSpec& spec) {
  for (uint32_t i = 0; i < spec.options.stream_window; ++i) {
    world.Hold(process, activity, ObjectId::ForStreamItem(spec.id, i), /*implied=*/true);
  }
  activity.streams.push_back(
      {.task = spec.id, .window = spec.options.stream_window, .next = 0, .credits = {}});
}

// The room that was asked for is there, or is not.
void OnRoom(World& world, Process& process, const ObjectId& id, const Result<uint64_t>& offset) {
  const auto found =
      std::find_if(process.activities.begin(), process.activities.end(),
                   [&](const Activity& one) { return one.making && one.making->id == id; });
  if (found == process.activities.end()) return world.Break("room for what nobody makes");
  Activity& activity = *found;
  const Making making = *std::exchange(activity.making, std::nullopt);
  activity.state = making.is_return ? Activity::State::kFinishing : Activity::State::kRunning;
  if (!offset.ok()) {
    world.ReleaseLeftOver(process, id);
    // The store is full: the task fails. Or another attempt has made the value.
    const bool is_full = offset.status().code() == StatusCode::kStoreFull;
    if (is_full && process.is_worker()) activity.raises = true;
    if (!is_full && making.is_return) activity.stored_returns.push_back(id);
    return;
  }
  if (!making.is_return && world.dice().OneIn(8)) {
    world.Send(process, "gives up " + NameOf(id),
               [&world, id](node::Peer& peer) { return world.core().objects().OnAbort(peer, id); });
    return world.ReleaseLeftOver(process, id);
  }
  world.pool()[offset.value()] = making.bytes;
  process.left_over.erase(id);
  world.Hold(process, activity, id, /*implied=*/true);
  making.is_return ? activity.stored_returns.push_back(id) : activity.plain.push_back(id);
  world.Send(process, "seals " + NameOf(id),
             [&world, id, contained = making.contained](node::Peer& peer) {
               return world.core().objects().OnSeal(peer, id, contained);
             });
}

}  // namespace

std::vector<ObjectId> SomeOf(World& world, const std::vector<ObjectId>& ids) {
  std::vector<ObjectId> some;
  for (size_t i = world.dice().Below(3); i > 0 && !ids.empty(); --i) {
    const ObjectId id = ids[world.dice().Below(ids.size())];
    if (std::find(some.begin(), some.end(), id) == some.end()) some.push_back(id);
  }
  return some;
}

void Submit(World& world, Process& process, Activity& activity) {
  if (world.tasks_left() == 0) return;
  world.CountTask();
  Dice& dice = world.dice();
  TaskSpec spec;
  spec.id = testing::TaskNumber(world.NextNumber());
  spec.driver = testing::DriverNumber(process.driver);
  spec.function = FunctionOf(world, process.driver);
  spec.name = NameOf(spec.id);
  spec.dependencies = SomeOf(world, activity.plain);
  if (!activity.actors.empty() && dice.OneIn(2)) {
    MakeCall(world, process, activity, &spec);
  } else if (dice.OneIn(6)) {
    MakeCreation(world, &spec);
  } else {
    MakeFunctionCall(world, activity, &spec);
  }
  if (spec.kind != TaskKind::kActorCall) Export(world, process, activity, spec.function);
  world.facts().Add(spec, process.driver, process.peer.id, &world);
  for (uint32_t i = 0; i < spec.return_count; ++i) {
    world.Hold(process, activity, spec.ReturnId(i), /*implied=*/true);
    if (spec.options.stream_window > 0) continue;
    (spec.kind == TaskKind::kActorCreation ? activity.actors : activity.plain)
        .push_back(spec.ReturnId(i));
  }
  if (spec.options.stream_window > 0) OpenStreamOf(world, process, activity, spec);
  std::string text = "submits " + spec.name;
  if (spec.kind == TaskKind::kActorCall) text += ", a call of " + NameOf(spec.actor);
  if (spec.kind == TaskKind::kActorCreation) text += ", an actor";
  if (spec.options.stream_window > 0) text += ", a stream";
  for (const ObjectId& id : spec.dependencies) text += ", on " + NameOf(id);
  world.Send(process, text, [&world, spec](node::Peer& peer) {
    return world.core().tasks().OnSubmit(peer, spec);
  });
}

void Cancel(World& world, Process& process, const TaskId& task, bool force) {
  world.facts().Find(task)->cancelled = true;
  world.Send(process, "cancels " + NameOf(task), [&world, task, force](node::Peer& peer) {
    world.core().tasks().OnCancel(peer, task, force);
    return Status::Ok();
  });
}

void Put(World& world, Process& process, const Value& value) {
  world.Send(process, "puts " + NameOf(value.id), [&world, value](node::Peer& peer) {
    const std::string bytes = Encode(value);
    Process& putter = *world.processes().at(peer.id);
    if (putter.handles.contains(value.id) && value.id.IsPut()) putter.sealed.insert(value.id);
    return world.core().objects().OnPut(peer, value.id, node::BytesOf(bytes), value.contained);
  });
}

void MakeLarge(World& world, Process& process, Activity& activity, const Value& value,
               bool is_return) {
  const ObjectId id = value.id;
  activity.making = Making{id, Encode(value), value.contained, is_return};
  activity.state = Activity::State::kMaking;
  const uint64_t size = 1000 + world.dice().Below(10000);
  world.Send(process, "wants room for " + NameOf(id), [&world, id, size](node::Peer& peer) {
    const Result<uint64_t> offset = world.core().objects().Create(peer, id, size);
    world.processes().at(peer.id)->from_node.push_back(
        {"of room for " + NameOf(id),
         [&world, id, offset](Process& reader) { OnRoom(world, reader, id, offset); }});
    return Status::Ok();
  });
}

void Receive(World& world, Process& process, Activity& activity, const ObjectId& id) {
  const TaskFacts* task = world.facts().Find(id.Task());
  const bool is_actor = task != nullptr && !id.IsPut() && task->kind == TaskKind::kActorCreation;
  world.Hold(process, activity, id, /*implied=*/false);
  (is_actor ? activity.actors : activity.plain).push_back(id);
}

void TakeIn(World& world, Process& process, Activity& activity, const Value& value) {
  for (const ObjectId& id : value.contained) Receive(world, process, activity, id);
  if (value.IsError() && process.is_worker() && world.dice().OneIn(2)) activity.raises = true;
}

void CloseStream(World& world, Process& process, Activity& activity) {
  const OpenStream stream = std::move(activity.streams.back());
  activity.streams.pop_back();
  const ObjectId end = ObjectId::ForReturn(stream.task, 0);
  if (!process.values.contains(end)) Cancel(world, process, stream.task, /*force=*/false);
  for (uint32_t i = 0; i < stream.window; ++i) {
    world.Drop(process, activity, ObjectId::ForStreamItem(stream.task, stream.next + i));
  }
  for (const ObjectId& credit : stream.credits) world.Drop(process, activity, credit);
  world.Drop(process, activity, end);
}

}  // namespace rayx::sim
