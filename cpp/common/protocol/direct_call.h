// Which tasks a client may give to a worker itself, over a direct channel, while it holds a lease
// on that worker.
//
// Client, daemon and scheduler must agree on it: the client would otherwise give what the node
// refuses, and the node would grant a lease to who cannot use it. Whose lease it is, and on which
// worker, is for each to check besides.
#pragma once

#include <cstddef>

#include "common/base/resources.h"
#include "common/protocol/task_spec.h"

namespace rayx {

// Of a task, what the decision depends on.
struct DirectCallTraits {
  TaskKind kind = TaskKind::kFunction;
  const ResourceSet& resources;
  const CallOptions& options;
  // Objects that it waits for, and ids inside its arguments; of the call of an actor, without the
  // actor itself.
  size_t objects = 0;
};

// True for a function that needs one CPU and nothing else, which is what the leased worker stands
// for, and for calls of actors. What the node must do something about before or while the task runs
// goes through the node: objects to wait for or to keep alive, a time limit, a stream, an order
// among others.
inline bool IsDirect(const DirectCallTraits& task) {
  if (task.objects != 0 || task.options.timeout_ms != 0 || task.options.stream_window != 0) {
    return false;
  }
  if (task.kind == TaskKind::kActorCall) return true;
  const auto& items = task.resources.items();
  return task.kind == TaskKind::kFunction && task.options.priority == 0 && items.size() == 1 &&
         items[0].first == kCpu && items[0].second == ResourceAmount::Of(1);
}

inline bool IsDirect(const TaskSpec& spec) {
  const size_t objects = spec.dependencies.size() + spec.contained.size();
  // A call keeps its actor alive.
  const bool names_actor = spec.kind == TaskKind::kActorCall && !spec.contained.empty();
  return IsDirect({.kind = spec.kind,
                   .resources = spec.resources,
                   .options = spec.options,
                   .objects = objects - (names_actor ? 1 : 0)});
}

}  // namespace rayx
