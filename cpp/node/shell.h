// What the core of a node asks of the holder of its connections, processes and tables: the daemon
// in the product, a model in tests.
//
//   events (calls of NodeCore and its books)  ──▶  core  ──▶  effects (calls of these interfaces)
//
// An effect is a typed call, made while the core handles an event or takes its turn. It must not
// lead to another event before it returns, unless its comment says so. Spans and pointers that it
// is handed are valid until it returns.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/protocol/task_spec.h"
#include "node/remote_messages.h"
#include "plasma/effects.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"
#include "scheduler/types/effects.h"

namespace rayx::node {

inline std::span<const uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// What the core keeps about one connection. The shell makes it with the connection, as a part of
// what it keeps itself, and ends it after NodeCore::OnPeerGone.
struct Peer {
  ClientId id = kNoClient;
  // The worker's number; 0 for other peers.
  WorkerNumber worker = kNoWorker;
  // A driver's and its output's; a worker's once it has been given a task.
  DriverId driver;
  // Objects to send as soon as the peer's backlog allows. Values stay in the store until then, so a
  // peer that does not read costs no memory.
  std::deque<plasma::DeliverObject> deliveries;
  // To be told behind the deliveries: the peer wants to know that it has seen them all. 0: nothing.
  uint64_t fence = 0;
};

// What the core keeps about one worker process, from Workers::Start until it is gone.
struct Worker {
  WorkerNumber number = kNoWorker;
  // Its connection, which is there before it has said hello.
  ClientId client = kNoClient;
  // We ended it; its death is no failure.
  bool stopped = false;
  // Set by the first task of a driver, which brings the driver's configuration.
  bool has_driver_config = false;
  // How many of the driver's setups it has been told.
  size_t setups_told = 0;
  // The name of the function it was given last, for output that comes between tasks.
  std::string last_function;
};

// An object as a peer is told of it.
struct ObjectView {
  // What it takes in a message, beside an inline value; about.
  static constexpr size_t kMessageBytes = 64;

  ObjectId id;
  plasma::ObjectLocation location;
  // The peer holds a pin for this.
  bool pinned = false;
};

// A task for a worker, with what the worker needs beside it.
struct GivenTask {
  const scheduler::AssignTask& place;
  const TaskSpec& spec;
  // Dependencies, as far as they fit in a message.
  std::span<const ObjectView> values = {};
  // Of its driver, for a worker that has not run a task of it before; else null.
  const std::string* config = nullptr;
  // What its driver has had workers run, and this one has not been told.
  std::span<const std::string> setups = {};
  // The last state that an actor has told, if it is made again.
  std::optional<ObjectId> state = std::nullopt;
};

// Lines that a worker printed.
struct PrintedLines {
  // 0: the node says it itself.
  int64_t pid = 0;
  // The function that ran; empty if none did.
  std::string_view function;
  bool is_stderr = false;
  std::string_view text;
  // Where that was; nil: here.
  NodeId node = {};
};

// A task that failed, for people.
struct TaskError {
  DriverId driver;
  TaskId task;
  std::string name;  // of the function
  std::string kind;  // the exception's name
  std::string text;
};

// The connections of the node.
class Peers {
 public:
  virtual ~Peers() = default;
  // Null if there is none, or it is closed.
  virtual Peer* FindPeer(ClientId id) = 0;
  // What it has been sent and has not read.
  virtual uint64_t BacklogBytes(const Peer& peer) const = 0;
  // NodeCore::OnPeerGone follows, later. Harmless if it is closed.
  virtual void Close(ClientId id, Status reason) = 0;

  virtual void SendObjects(Peer& peer, std::span<const ObjectView> objects, uint64_t fence) = 0;
  // `pickled` null: the function is not known.
  virtual void SendFunction(Peer& peer, const FunctionId& id, const std::string* pickled) = 0;
  virtual void SendForgetFunction(Peer& peer, const FunctionId& id) = 0;
  virtual void SendLines(Peer& peer, const PrintedLines& lines) = 0;
  virtual void SendTaskFailed(Peer& peer, std::string_view text) = 0;
  virtual void SendDrained(Peer& peer) = 0;
};

// The worker processes of the node.
class Workers {
 public:
  virtual ~Workers() = default;
  // Null if there is none.
  virtual Worker* FindWorker(WorkerNumber number) = 0;
  // Answered by NodeCore::OnWorkerStarted or OnWorkerGone, later.
  virtual void Start(WorkerNumber number) = 0;
  // At once with `kill`, else when it has read so. OnWorkerGone follows, later.
  virtual void Stop(Worker& worker, bool kill) = 0;
  virtual void HandOut(Worker& worker, Peer& peer, const GivenTask& task) = 0;
  // Takes back what the worker has not begun: tasks from the returned number on.
  virtual uint32_t TakeBack(Worker& worker) = 0;
  // Interrupts the worker, if it still runs the task of that number.
  virtual void Interrupt(Worker& worker, uint32_t sequence, scheduler::InterruptReason reason) = 0;
  // The process has handlers that want to run when it ends.
  virtual bool HasExitWork(const Worker& worker) const = 0;
};

// Ways past the node, on which a client gives a worker its tasks itself. The core hears of each
// such task late, but before anything that its worker says of it. Where there are none, nothing has
// to be done but to answer Reclaim.
class Shortcuts {
 public:
  virtual ~Shortcuts() = default;
  // A task that comes through the node. Before it is handed to the scheduler.
  virtual void OnSubmitted(Peer& /*client*/, const TaskSpec& /*spec*/) {}
  // The client has given the task to its worker, as number `sequence`. Not OK: a breach of
  // protocol.
  virtual Status OnGiven(Peer& /*client*/, TaskSpec /*spec*/, uint32_t /*sequence*/) {
    return Status::ProtocolError("TaskGiven of a client that may not give tasks");
  }
  // The worker sends the results of the task to the client itself.
  virtual void OnDelivered(WorkerNumber /*worker*/, const TaskSpec& /*spec*/) {}
  // The worker has ended the task, and the scheduler knows.
  virtual void OnEnded(WorkerNumber /*worker*/, const TaskId& /*task*/) {}
  // Nobody else may give the worker tasks any more. Answers the scheduler at once, as ReclaimWorker
  // asks for (scheduler/types/effects.h); may lead to other events before.
  virtual void Reclaim(WorkerNumber worker) = 0;
  // Reads what the worker has sent: leads to other events.
  virtual void HearWorker() {}
  // Before the scheduler hears of it. May lead to other events.
  virtual void OnWorkerGone(WorkerNumber /*worker*/) {}
  virtual void OnPeerGone(const Peer& /*peer*/) {}
};

// What the tables of the cluster and the log learn. Written late and never waited for.
class Records {
 public:
  virtual ~Records() = default;
  virtual void OnTaskSubmitted(const TaskId& id) = 0;
  virtual void OnTaskAssigned(const TaskId& id) = 0;
  virtual void OnTaskEnded(const TaskId& id, bool failed) = 0;
  // Its home has it again, and is told of its end.
  virtual void OnTaskHandedOver(const TaskId& /*id*/) {}
  virtual void OnObjectSealed(const ObjectId& id) = 0;
  virtual void OnObjectDeleted(const ObjectId& id) = 0;
  virtual void OnActorChanged(const scheduler::ActorSummary& actor) = 0;
  virtual void OnActorForgotten(const TaskId& actor) = 0;
  virtual void OnFunction(const DriverId& driver, const FunctionId& id, std::string_view name,
                          const std::string& pickled) = 0;
  virtual void OnFunctionGone(const DriverId& driver, const FunctionId& id) = 0;
  // Answered by FunctionBook::OnFound, later or at once.
  virtual void AskForFunction(ClientId asker, const FunctionId& id) = 0;
  virtual void OnDriver(const Peer& driver) = 0;
  virtual void OnDriverEnded(const DriverId& driver) = 0;
  virtual void OnError(TaskError error) = 0;
};

// Memory of the pool that is reserved for clients and that nobody has used.
class Reservations {
 public:
  virtual ~Reservations() = default;
  // Gives all of them back to the store; false if there was none.
  virtual bool TakeBack() { return false; }
};

// A task that its home would have run elsewhere, as who places tasks has to know it.
struct TaskOffer {
  struct Input {
    uint64_t bytes = 0;
    // Of a value that is at this node: none.
    std::vector<NodeId> nodes = {};
  };

  TaskId task;
  // Counts on with each offer of the task.
  uint32_t attempt = 0;
  const ResourceSet& demand;
  int32_t priority = 0;
  // The large ones.
  std::vector<Input> inputs = {};
};

// The other nodes, by sessions that deliver each message once and in order, or end. A node that has
// no other ones is never asked anything.
class OtherNodes {
 public:
  virtual ~OtherNodes() = default;
  // This node, as others name it.
  virtual NodeId self() const = 0;
  // Lost if the session has ended; RemoteObjects::OnSessionEnded follows, if it has not come.
  virtual void Send(ClientId session, remote::Message message) = 0;
  // More values can be sent for now.
  virtual bool HasRoom(ClientId session) const = 0;
  // On a stream for bulk, beside the session. What goes to a source is said on one that this node
  // has opened to it, or opens now; what comes of it is told to CopyStreams, and that it could not
  // be opened, too, later. What goes to a reader is lost if that has opened none.
  virtual void SendOnStream(const NodeId& node, const transfer::OnStream& message) = 0;

  // There are nodes that could run tasks.
  virtual bool HasOthers() const = 0;
  // Whether a task that could run here is offered nevertheless, before it has waited.
  virtual bool ShouldOffer(const TaskSpec& spec) = 0;
  // Answered by RemoteTasks::OnPlace, or OnUnplaceable, later. The same task may be offered again
  // with a higher attempt; what is not withdrawn stays open.
  virtual void Offer(const TaskOffer& offer) = 0;
  virtual void Withdraw(const TaskId& task, uint32_t attempt) = 0;
};

// All of it. What it points to must outlive the core.
struct Shell {
  Peers* peers = nullptr;
  Workers* workers = nullptr;
  Shortcuts* shortcuts = nullptr;
  Records* records = nullptr;
  Reservations* reservations = nullptr;
  // Null: there are none.
  OtherNodes* others = nullptr;
};

}  // namespace rayx::node
