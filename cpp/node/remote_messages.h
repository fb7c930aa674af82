// What nodes say to each other about objects and tasks, decoded. They travel in the sessions
// between nodes (cpp/cluster), each once and in order, or the session ends.
//
// "Home" and "guest" are seen from an object: the home counts the references of all nodes to it
// (plasma/sharing.h), a guest is any other node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/ids.h"
#include "common/protocol/task_spec.h"
#include "transfer/transfer_values.h"

namespace rayx::node::remote {

// To the home: the sender refers to these objects now, or does not any more.
struct AddReferences {
  std::vector<ObjectId> ids;
};
struct RemoveReferences {
  std::vector<ObjectId> ids;
};

// What stands for a function has it beside its value.
struct Function {
  DriverId driver;
  std::string name;
  std::string pickled;
  // It refers to itself.
  bool is_recursive = false;
};

// A value, or where it is.
struct Value {
  ObjectId id;
  // Of a small one, the bytes.
  bool is_inline = false;
  std::string data = {};
  // Of a large one. Who has made it gives it the version, which only its home needs to know. The
  // places are those of the sender's knowledge; the sender may be one.
  uint64_t size_bytes = 0;
  transfer::Version version = 0;
  std::vector<NodeId> places = {};
  // Ids inside the value.
  std::vector<ObjectId> contained = {};
  std::optional<Function> function = std::nullopt;
};

// To the home: the value of an object that was made at the sender, or that it will be made there
// (`is_pending`). The sender keeps a large one, and who makes the value, until DropCopies. Follows
// AddReferences of the same id.
struct Announce {
  bool is_pending = false;
  Value value = {};
};

// From the home: the receiver need not keep these any more.
struct DropCopies {
  std::vector<ObjectId> ids;
};

// To the home: tell me their values as soon as there are any. Implies AddReferences.
struct GetObjects {
  std::vector<ObjectId> ids;
};
// From the home.
struct ObjectsReady {
  std::vector<Value> values;
};

// --- copies of large values; see transfer/transfer_values.h ---

// From the home.
struct UseSource {
  transfer::UseSource source;
  // Ids inside the value.
  std::vector<ObjectId> contained = {};
};

// --- tasks; "home" is the node of their driver ---

// From the home, before the first task of the driver, and when there is more to tell.
struct DriverInfo {
  DriverId driver;
  std::string config = {};
  // Behind those that were told before.
  std::vector<std::string> setups = {};
};
// From the home: the driver is about to end, and what has something to finish for it shall do so.
struct DrainDriver {
  DriverId driver;
};
// To the home, once for each DrainDriver: nothing more comes of that, and what was printed has been
// said.
struct DriverDrained {
  DriverId driver;
};
// From the home: all of the driver ends, tasks and workers.
struct DriverGone {
  DriverId driver;
};

// From the home: run this. The ids in it are covered until TaskEnded.
struct RunTask {
  TaskSpec spec;
  // The number of the first attempt of this placement; it has kAttemptsPerPlacement.
  uint32_t attempt = 0;
};
enum class Outcome : uint8_t {
  kEnded,    // well or not: each result has a value
  kCrashed,  // the same; its workers died as often as they may in one placement
  kNotRun,   // nothing of it was seen by anybody
  kMoved,    // of an actor: its node leaves, and has ended all calls that were sent there
};
// To the home, once for each RunTask.
struct TaskEnded {
  TaskId task;
  // That of RunTask.
  uint32_t attempt = 0;
  Outcome outcome = Outcome::kEnded;
  bool failed = false;
  std::vector<Value> results = {};
};

// --- actors of drivers of the home, which has them made and sends all calls ---

// From the home: make this one, as RunTask. ActorMade follows, and ActorEnded once.
struct MakeActor {
  TaskSpec spec;
  uint32_t attempt = 0;
  // What it was when it was made before, if it saves that.
  std::optional<ObjectId> state = std::nullopt;
};
// From the home. Calls of one caller begin in this order. The ids in it are covered until
// CallEnded.
struct CallActor {
  TaskSpec spec;
  CallerId caller;
};
// From the home: it ends at once (`kill`), or what its process has left to do comes first.
struct StopActor {
  DriverId driver;
  TaskId actor;
  bool kill = false;
  // "it was ended by …"
  std::string reason = {};
};
// To the home: it can be called. Again when it was made again there.
struct ActorMade {
  TaskId actor;
  // That of MakeActor.
  uint32_t attempt = 0;
  // How often it was made again there.
  uint32_t restarts = 0;
  // For the first time.
  std::optional<Value> result = std::nullopt;
};
// To the home, once for each MakeActor; all CallEnded come before.
struct ActorEnded {
  TaskId actor;
  uint32_t attempt = 0;
  // kEnded: it is dead for good; kCrashed: its workers died as often as they may in one placement.
  Outcome outcome = Outcome::kEnded;
  uint32_t restarts = 0;
  // Why, for people; of one that has crashed, how its last worker died.
  std::string cause = {};
  // Of one that was never made: the error that its object has.
  std::optional<Value> result = std::nullopt;
};
// To the home, once for each CallActor, unless ActorEnded was.
struct CallEnded {
  TaskId actor;
  TaskId call;
  bool failed = false;
  // None if it was dropped, since its driver ends.
  std::vector<Value> results = {};
};
// To the home, before the end of the call after which it is so: what the actor is now.
struct ActorSaved {
  TaskId actor;
  // That of MakeActor.
  uint32_t attempt = 0;
  ObjectId state;
};

// From the home, of an actor whose node leaves, behind the last call: it is to be let go when these
// have ended. ActorEnded follows.
struct MoveActor {
  DriverId driver;
  TaskId actor;
};

// --- a node that leaves the cluster; see node/node_drain.h ---

// To all: nothing more shall be placed there.
struct NodeDrains {};
// The answer: nothing more will be.
struct DrainHeard {};
// To the home of these values, which the sender keeps: they are to be copied. DropCopies follows.
struct TakeOver {
  std::vector<ObjectId> ids;
};

// To the home: which actor of the driver has this name? ActorFound with that number follows.
struct FindActor {
  DriverId driver;
  uint64_t number = 0;
  std::string name = {};
};
// From the home.
struct ActorFound {
  DriverId driver;
  uint64_t number = 0;
  // Nothing if there is none.
  std::optional<TaskSpec> creation = std::nullopt;
};

// To the home: a task that the sender will not run itself.
struct SubmitTask {
  TaskSpec spec;
  // Who submits it, as a caller of actors.
  ClientId client = kNoClient;
};
// To the home, which passes it on; from the home to who runs the task. Nil: all of the driver.
struct CancelTask {
  DriverId driver;
  TaskId task;
  bool force = false;
};
// To the home.
struct KillActor {
  DriverId driver;
  TaskId actor;
};
struct Printed {
  DriverId driver;
  int64_t pid = 0;
  std::string function = {};
  bool is_stderr = false;
  std::string text = {};
};
struct TaskFailed {
  DriverId driver;
  TaskId task = {};
  std::string name = {};
  std::string kind = {};
  std::string text = {};
};

using Message =
    std::variant<AddReferences, RemoveReferences, Announce, DropCopies, GetObjects, ObjectsReady,
                 transfer::AskSource, transfer::CopyWhole, transfer::CopyDropped, UseSource,
                 transfer::LeaveSource, transfer::NoSource, DriverInfo, DrainDriver, DriverDrained,
                 DriverGone, RunTask, TaskEnded, MakeActor, CallActor, StopActor, ActorMade,
                 ActorEnded, CallEnded, ActorSaved, FindActor, ActorFound, SubmitTask, CancelTask,
                 KillActor, Printed, TaskFailed, MoveActor, NodeDrains, DrainHeard, TakeOver>;

// Names of what tasks put have the attempt in them, and 2,048 attempts have names of their own: two
// attempts never give two values one name, though they run at the same time on two nodes.
inline constexpr uint32_t kAttemptsPerPlacement = 16;

}  // namespace rayx::node::remote
