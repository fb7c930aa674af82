// A program that runs in a modelled process: a task, a call, or what a driver does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/task_spec.h"
#include "scheduler/types/effects.h"

namespace rayx::sim {

// The items of a stream, as its consumer takes them.
struct OpenStream {
  TaskId task;
  uint32_t window = 0;
  // The next one to take.
  uint32_t next = 0;
  std::vector<ObjectId> credits;
};

// A value that is being made in the pool.
struct Making {
  ObjectId id;
  std::string bytes;
  std::vector<ObjectId> contained;
  // Of a return value, which one; it is made when the activity ends.
  bool is_return = false;
};

struct Activity {
  enum class State { kRunning, kGetting, kMaking, kLooking, kFinishing, kOver };

  State state = State::kRunning;
  // Of a worker's; a driver's has its program's number as an id, and nothing else.
  TaskSpec spec;
  uint32_t sequence = 0;
  size_t steps_left = 0;
  // Handles that it holds, each as often as it has them.
  std::vector<ObjectId> handles;
  // Of those: what may be waited for and handed on, and what stands for actors.
  std::vector<ObjectId> plain;
  std::vector<ObjectId> actors;
  std::vector<OpenStream> streams;
  // Pins that came with the task.
  std::vector<ObjectId> pinned;
  // Its function is there.
  bool loaded = true;

  // kGetting: until one of these has a value.
  std::vector<ObjectId> wanted;
  bool told_blocked = false;
  // kMaking.
  std::optional<Making> making;
  // kLooking: for the actor of this name.
  TaskId looks_for;

  // The task is a stream and has made so many items, of so many.
  uint32_t items = 0;
  uint32_t items_end = 0;
  // kFinishing: the next return value.
  uint32_t returns_done = 0;
  bool raises = false;
  std::optional<scheduler::InterruptReason> interrupted;
  std::vector<ObjectId> stored_returns;
};

}  // namespace rayx::sim
