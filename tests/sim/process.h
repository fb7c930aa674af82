// A modelled client of the node: a driver, its second connection for what is printed, or a worker,
// with what its client library would know.
//
// It keeps the rules of the protocol: one reference to each object however many handles there are,
// which it gives back with the last of them; a pin for each pinned value that it was sent; what it
// sends arrives in order, later.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/node_core.h"
#include "sim/activity.h"
#include "sim/value.h"

namespace rayx::sim {

// A task as a worker was handed it.
struct Handed {
  TaskSpec spec;
  uint32_t sequence = 0;
  uint32_t attempt = 0;
  struct Dependency {
    ObjectId id;
    Value value;
    bool pinned = false;
  };
  std::vector<Dependency> values;
  std::optional<ObjectId> state;
};

struct Process {
  enum class State { kStarting, kRunning, kDying, kClosed };

  // What it sends, with the event of the core that it becomes.
  struct Message {
    std::string text;
    std::function<Status(node::Peer&)> event;
  };
  // What it is sent.
  struct News {
    std::string text;
    std::function<void(Process&)> read;
  };

  node::Peer peer;
  // Of a worker.
  node::Worker worker;
  uint64_t driver = 0;
  // A driver's second connection, on which it is sent what its workers print.
  bool is_output = false;
  State state = State::kRunning;
  std::deque<Message> to_node;
  std::deque<News> from_node;

  // --- objects ---
  // Handles of all activities. Each id in it has one reference, which the node knows of or will.
  std::map<ObjectId, uint32_t> handles;
  // Values that have come, of objects with handles.
  std::map<ObjectId, Value> values;
  std::map<ObjectId, uint32_t> pins;
  // Objects that have a value for sure, as far as the node has heard of it: it must be there for as
  // long as there is a handle.
  std::set<ObjectId> sealed;
  std::set<ObjectId> asked;
  // Objects that are being made here, and that another activity has let go of meanwhile: the
  // reference is kept for who makes them.
  std::set<ObjectId> left_over;
  std::set<FunctionId> functions;

  // --- activities: of a driver its program, of a worker the tasks that it runs ---
  std::deque<Activity> activities;
  // Of a worker, in order.
  std::deque<Handed> inbox;
  // The claim word.
  uint32_t next = 0;
  uint32_t end = 0;
  uint32_t max_concurrency = 1;
  bool has_exit_work = false;
  // What it has printed and the node has not read: of each line, the driver whose task it was.
  std::deque<uint64_t> printed;
  // What it was told with its tasks: its driver's configuration, and so many setups.
  bool has_config = false;
  size_t setups_told = 0;
  // Of a driver: what each of its workers is to run, as the node has heard.
  std::vector<std::string> setups;
  // Tasks that it has begun and of whose end the node has not heard; and its actor.
  std::set<TaskId> begun;
  std::optional<TaskId> actor;

  bool is_worker() const { return !peer.worker.IsNil(); }
  bool is_driver() const { return !is_worker() && !is_output; }
  std::string Name() const {
    if (is_worker()) return "w" + peer.worker.ToString();
    return (is_output ? "o" : "c") + peer.id.ToString();
  }
};

}  // namespace rayx::sim
