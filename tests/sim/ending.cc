#include "sim/ending.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sim/submission.h"
#include "sim/world.h"

namespace rayx::sim {
namespace {

struct Returned {
  uint32_t index = 0;
  std::string bytes;
  std::vector<ObjectId> contained;
};

std::string Failure(const Activity& activity, const ObjectId& id) {
  if (!activity.interrupted) return Encode({.kind = ObjectKind::kTaskError, .id = id});
  const bool is_late = *activity.interrupted == scheduler::InterruptReason::kTimedOut;
  return EncodeSystemError(
      is_late ? SystemErrorCode::kTaskTimedOut : SystemErrorCode::kTaskCancelled, "interrupted");
}

// The results that were not stored before.
std::vector<Returned> ReturnedBy(World& world, const Activity& activity, bool failed) {
  std::vector<Returned> returned;
  for (uint32_t i = 0; i < activity.spec.return_count; ++i) {
    const ObjectId id = activity.spec.ReturnId(i);
    const auto& stored = activity.stored_returns;
    if (std::find(stored.begin(), stored.end(), id) != stored.end()) continue;
    if (failed) {
      returned.push_back({i, Failure(activity, id), {}});
      continue;
    }
    const Value value{.id = id, .contained = SomeOf(world, activity.plain)};
    returned.push_back({i, Encode(value), value.contained});
  }
  return returned;
}

void SendDone(World& world, Process& process, Activity& activity) {
  const bool failed = activity.raises || activity.interrupted;
  if (activity.raises) world.facts().Find(activity.spec.id)->raised = true;
  std::optional<ObjectId> state;
  if (activity.spec.kind == TaskKind::kActorCall && !failed && world.dice().OneIn(3)) {
    state = ObjectId::ForPut(activity.spec.id, static_cast<uint32_t>(world.NextNumber()));
    world.Hold(process, activity, *state, /*implied=*/true);
    Put(world, process, {.id = *state, .contained = SomeOf(world, activity.plain)});
  }
  const std::vector<Returned> returned = ReturnedBy(world, activity, failed);
  const std::string text = activity.raises ? "it raised" : "";
  const TaskId task = activity.spec.id;
  const uint32_t sequence = activity.sequence;
  const auto done = [&world, returned, text, state, task, sequence, failed](node::Peer& peer) {
    std::vector<node::TaskResult> results;
    for (const Returned& one : returned) {
      results.push_back({one.index, node::BytesOf(one.bytes), one.contained});
    }
    node::TaskDone message;
    message.task = task;
    message.sequence = sequence;
    message.results = results;
    message.failed = failed;
    message.error_text = text;
    message.state = state;
    Process& sender = *world.processes().at(peer.id);
    // What a task has printed is read before its worker has another.
    world.ReadPrinted(sender);
    sender.begun.erase(task);
    return world.core().tasks().OnTaskDone(peer, message);
  };
  world.Send(process, "is done with " + NameOf(task), done);
  if (activity.spec.kind == TaskKind::kActorCreation && !failed) {
    process.actor = task;
    process.max_concurrency = activity.spec.options.max_concurrency;
  }
}

}  // namespace

bool FinishStep(World& world, Process& process, Activity& activity) {
  const bool failed = activity.raises || activity.interrupted;
  if (process.is_worker() && !failed && activity.returns_done < activity.spec.return_count) {
    const ObjectId id = activity.spec.ReturnId(activity.returns_done++);
    if (world.dice().OneIn(5)) {
      MakeLarge(world, process, activity, {.id = id, .contained = SomeOf(world, activity.plain)},
                /*is_return=*/true);
    }
    return false;
  }
  while (!activity.streams.empty()) CloseStream(world, process, activity);
  if (process.is_worker()) SendDone(world, process, activity);
  world.DropAll(process, activity);
  return true;
}

}  // namespace rayx::sim
