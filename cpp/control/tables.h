// The control tables: what the cluster knows. Interfaces; memory_tables.h keeps them in memory
// (tests), redis_tables.h on Valkey/Redis.
//
// Writes are fire and forget: they are queued, sent in order, sent again after a reconnection, and
// never waited for. Reads answer through a callback on the loop's thread, with a Status if the
// server cannot be reached. Implementations are used from one thread. Callbacks may be called
// before the method returns and are dropped when the tables are destroyed, which must not happen
// inside one. README.md documents each table: key, fields, writer, readers, what survives a
// restart.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/resources.h"
#include "common/base/status.h"
#include "common/protocol/actor_state.h"

namespace rayx::control {

template <typename T>
using Callback = std::function<void(Result<T>)>;

struct NodeRecord {
  NodeId id;
  std::string host;   // as people know it
  uint16_t port = 0;  // at which other nodes reach it; 0: none can
  int64_t pid = 0;
  ResourceSet total;
  uint64_t pool_bytes = 0;
  double started_at = 0;  // seconds since the epoch
  double heartbeat_at = 0;
  bool alive = true;
};

struct DriverRecord {
  DriverId id;
  NodeId node;
  int64_t pid = 0;
  double started_at = 0;
  double ended_at = 0;  // 0: still there
};

struct FunctionRecord {
  FunctionId id;
  std::string name;
  std::string pickled;
};

enum class TaskState { kWaiting, kReady, kRunning, kDone, kFailed };
inline constexpr TaskState kTaskStates[] = {TaskState::kWaiting, TaskState::kReady,
                                            TaskState::kRunning, TaskState::kDone,
                                            TaskState::kFailed};
// "waiting", "ready", … as shown to people and kept on the server.
std::string_view TaskStateName(TaskState state);
std::optional<TaskState> TaskStateFromName(std::string_view name);

struct TaskRecord {
  TaskId id;
  DriverId driver;
  FunctionId function;
  NodeId node;
  std::string name;
  TaskState state = TaskState::kWaiting;
  uint32_t attempt = 0;
  // The encoded TaskSpec message; empty in an update that only changes the state.
  std::string spec;
};

struct ActorRecord {
  // The task that made it.
  TaskId id;
  DriverId driver;
  NodeId node;
  std::string class_name;
  std::string name;  // empty: it has none
  ActorState state = ActorState::kPending;
  uint32_t restarts = 0;
  std::string cause;  // of a dead one
};

struct ObjectRecord {
  ObjectId id;
  uint64_t size = 0;
  std::vector<NodeId> locations;
};

struct ErrorRecord {
  DriverId driver;
  TaskId task;
  std::string name;  // of the function
  std::string kind;  // "TaskError", "WorkerCrashedError", …
  std::string text;
  double time = 0;
};

class NodeTable {
 public:
  virtual ~NodeTable() = default;
  virtual void Register(const NodeRecord& node) = 0;
  virtual void Heartbeat(const NodeId& node, double now) = 0;
  virtual void MarkDead(const NodeId& node, double now) = 0;
  virtual void List(Callback<std::vector<NodeRecord>> done) = 0;
  // Calls `changed` for each node that registers or dies from now on. Survives reconnections: what
  // changed meanwhile is told afterwards, the last state only.
  virtual void Subscribe(std::function<void(const NodeRecord&)> changed) = 0;
};

class DriverTable {
 public:
  virtual ~DriverTable() = default;
  virtual void Register(const DriverRecord& driver) = 0;
  virtual void MarkEnded(const DriverId& driver, double now) = 0;
  virtual void List(Callback<std::vector<DriverRecord>> done) = 0;
};

class FunctionTable {
 public:
  virtual ~FunctionTable() = default;
  virtual void Put(const DriverId& driver, const FunctionRecord& function) = 0;
  // Nothing if unknown.
  virtual void Get(const FunctionId& id, Callback<std::optional<FunctionRecord>> done) = 0;
  // A function of that driver; ignored if unknown.
  virtual void Remove(const DriverId& driver, const FunctionId& id) = 0;
  // All functions of a driver that has ended.
  virtual void RemoveDriver(const DriverId& driver) = 0;
  // Where what was put, and not removed, can be had again, for a server that has lost it; nothing
  // if it is gone. Called from a turn of the loop.
  using Source = std::function<std::optional<FunctionRecord>(const FunctionId&)>;
  virtual void SetSource(Source source) = 0;
};

class TaskTable {
 public:
  virtual ~TaskTable() = default;
  // Adds a task, or updates it: nil ids, an empty name and an empty spec leave what was there.
  virtual void Put(const TaskRecord& task) = 0;
  virtual void Remove(const TaskId& id) = 0;
  virtual void Get(const TaskId& id, Callback<std::optional<TaskRecord>> done) = 0;
  virtual void List(Callback<std::vector<TaskRecord>> done) = 0;
};

class ActorTable {
 public:
  virtual ~ActorTable() = default;
  // Adds an actor, or replaces what was there.
  virtual void Put(const ActorRecord& actor) = 0;
  virtual void Remove(const TaskId& id) = 0;
  virtual void List(Callback<std::vector<ActorRecord>> done) = 0;
};

class ObjectTable {
 public:
  virtual ~ObjectTable() = default;
  virtual void AddLocation(const ObjectId& id, const NodeId& node, uint64_t size) = 0;
  virtual void RemoveLocation(const ObjectId& id, const NodeId& node) = 0;
  virtual void Get(const ObjectId& id, Callback<std::optional<ObjectRecord>> done) = 0;
  virtual void List(Callback<std::vector<ObjectRecord>> done) = 0;
};

class ErrorTable {
 public:
  virtual ~ErrorTable() = default;
  // Keeps the newest limits::kErrorsKept of each driver.
  virtual void Append(const ErrorRecord& error) = 0;
  // Oldest first.
  virtual void List(const DriverId& driver, Callback<std::vector<ErrorRecord>> done) = 0;
};

// Monotonic totals, added up over nodes: tasks finished, bytes put, …
class CounterTable {
 public:
  virtual ~CounterTable() = default;
  virtual void Add(std::string_view name, int64_t amount) = 0;
  virtual void List(Callback<std::vector<std::pair<std::string, int64_t>>> done) = 0;
};

// All tables of one cluster.
class Tables {
 public:
  virtual ~Tables() = default;
  virtual NodeTable& nodes() = 0;
  virtual DriverTable& drivers() = 0;
  virtual FunctionTable& functions() = 0;
  virtual TaskTable& tasks() = 0;
  virtual ActorTable& actors() = 0;
  virtual ObjectTable& objects() = 0;
  virtual ErrorTable& errors() = 0;
  virtual CounterTable& counters() = 0;
  // Sends what the writes of this turn have queued. Called once a turn by the daemon. Nodes,
  // drivers, functions, actors and errors go out at once; tasks, objects and counters are coalesced
  // and go out by limits::kControlFlushMs.
  virtual void Flush() = 0;
  // When Flush() should be called again although no turn happens by itself (milliseconds of the
  // loop's clock, maybe past); nothing if nothing waits.
  virtual std::optional<int64_t> NextFlushMs() const = 0;
  // Calls `done` when everything written before has been acknowledged, or with a Status after
  // `timeout_ms`.
  virtual void Drain(int64_t timeout_ms, std::function<void(Status)> done) = 0;
  // Whether more updates of tasks and objects wait than one flush writes, though the servers are
  // there. A caller that has new ones had better keep them back: most of what they tell of is gone
  // by then.
  virtual bool behind() const = 0;
  // Whether the server can be reached now (all shards).
  virtual bool connected() const = 0;
  // Why not, for people; OK when connected.
  virtual Status health() const = 0;
};

}  // namespace rayx::control
