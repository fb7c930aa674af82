// Tasks: what comes with them into the store, and goes with them.
//
// Ties the scheduler to the object store (dependencies, results, references) and to the workers.
// Each of them knows only its own part; this is where "sealed" becomes "available" and "assign"
// becomes a task handed to a worker.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/protocol/task_spec.h"
#include "node/actor_book.h"
#include "node/driver_book.h"
#include "node/remote_tasks.h"
#include "node/shell.h"
#include "node/streams.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

// A result that came with the news that its task has ended.
struct TaskResult {
  uint32_t index = 0;
  std::span<const uint8_t> data = {};
  std::span<const ObjectId> contained = {};
};

// What a worker says of a task that it has run. Points into the message.
struct TaskDone {
  TaskId task;
  uint32_t sequence = 0;
  // The results that were not stored before.
  std::span<const TaskResult> results = {};
  // The results are errors.
  bool failed = false;
  // For people; empty if the function has not raised.
  std::string_view error_text = {};
  // What the actor is after the call.
  std::optional<ObjectId> state = std::nullopt;
  // The worker sends the results to the client that gave it the task itself.
  bool delivered = false;
};

class TaskBook {
 public:
  // All must outlive it.
  TaskBook(const Shell& shell, plasma::ObjectStore* store, scheduler::LocalScheduler* scheduler,
           DriverBook* drivers, ActorBook* actors, RemoteTasks* remote);

  // --- wishes of peers; a Status that is not OK is the peer's breach of protocol ---
  // `caller` null: the peer itself.
  Status OnSubmit(Peer& peer, TaskSpec spec, const CallerId* caller = nullptr);
  // The peer has given the task, as number `sequence`, to its worker itself.
  Status OnGiven(Peer& peer, TaskSpec spec, uint32_t sequence);
  Status OnTaskDone(const Peer& peer, const TaskDone& done);
  Status OnBlocked(const Peer& peer) { return scheduler_->OnWorkerBlocked(peer.worker); }
  Status OnUnblocked(const Peer& peer) { return scheduler_->OnWorkerUnblocked(peer.worker); }
  // Nil: all tasks of the driver, and all calls of its actors.
  void OnCancel(const Peer& peer, const TaskId& task, bool force);

  // --- events of the other parts ---
  // A client has given an object its value: it may be a result of its task, or an item of a stream.
  void OnObjectMade(const Peer& peer, const ObjectId& id);
  // An object has a value, `here` or at another node.
  void OnObjectAvailable(const ObjectId& id, bool here);
  // Nobody takes the items of its streams any more: they are cancelled. The peer may be another
  // node.
  void OnConsumerGone(const Peer& peer);
  // Before the scheduler hears of it. May lead to other events.
  void OnWorkerGone(WorkerNumber worker) { shell_.shortcuts->OnWorkerGone(worker); }
  // What peers may have seen already of what workers have said: leads to other events.
  void HearWorkers() { shell_.shortcuts->HearWorker(); }
  void OnWorkerOutput(const Worker& worker, int64_t pid, bool is_stderr, std::string_view lines);

  // Decides, then acts on what was decided. True if there was anything.
  bool ScheduleAndAct(int64_t now_ms);

  RemoteTasks& remote() { return *remote_; }
  const Streams& streams() const { return streams_; }

 private:
  // May the peer submit this?
  Status CheckSpec(const Peer& peer, const TaskSpec& spec) const;
  // The store and the records know of it from now on. Returns the dependencies that are missing.
  // `direct`: its worker may tell the submitter of its results.
  std::vector<ObjectId> Admit(const Peer& peer, const TaskSpec& spec, bool direct);
  // Whether what a driver of this node submits is offered to all nodes rather than run here.
  bool IsForOthers(const TaskSpec& spec) const;
  // The creation of an actor that another node is to have, or a call of one that another node has:
  // it is submitted, and true returned.
  bool SubmitForElsewhere(const Peer& peer, TaskSpec& spec, std::vector<ObjectId>& missing,
                          const CallerId& caller);
  // Takes in the results that came with the message, and sees to it that every return value has
  // one.
  Status TakeResults(const Peer& peer, const TaskSpec& spec, std::span<const TaskResult> results);

  void Act(const scheduler::StartWorker& effect) { shell_.workers->Start(effect.worker); }
  void Act(const scheduler::StopWorker& effect);
  void Act(const scheduler::AssignTask& effect);
  void Act(const scheduler::RevokeTasks& effect);
  void Act(const scheduler::ReclaimWorker& effect) { shell_.shortcuts->Reclaim(effect.worker); }
  void Act(const scheduler::InterruptTask& effect);
  void Act(const scheduler::FailTask& effect);
  void Act(const scheduler::ReleaseInputs& effect);
  void Act(const scheduler::ActorChanged& effect) { actors_->OnChanged(effect.actor); }
  void Act(const scheduler::TaskEnded& effect);
  // Whether the task is run for another home.
  bool IsGuest(const TaskId& task) const;
  // Whether it stands for a worker of another node.
  bool IsElsewhere(WorkerNumber worker) const;
  // With the number of the attempt among those at all nodes; nothing if it is the same.
  std::optional<scheduler::AssignTask> Numbered(const scheduler::AssignTask& effect) const;
  // The values of the dependencies, pinned for the client, in values_.
  void GatherValues(ClientId client, const TaskSpec& spec);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  scheduler::LocalScheduler* const scheduler_;
  DriverBook* const drivers_;
  ActorBook* const actors_;
  RemoteTasks* const remote_;
  Streams streams_;
  // Of the task that is being handed out. A member so that it keeps its memory.
  std::vector<ObjectView> values_;
};

}  // namespace rayx::node
