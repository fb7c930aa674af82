// Tasks in the daemon: messages about tasks in, the scheduler's decisions out.
//
// Ties the scheduler to the object store (dependencies, results, references) and to the worker
// processes. Each of them knows only its own part; this is where "sealed" becomes "available" and
// "assign" becomes a RunTask message.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "daemon/actor_service.h"
#include "daemon/driver_service.h"
#include "daemon/line_service.h"
#include "daemon/message_writer.h"
#include "daemon/object_service.h"
#include "daemon/ping_pong.h"
#include "daemon/record_keeper.h"
#include "daemon/session_table.h"
#include "daemon/streams.h"
#include "daemon/worker_service.h"
#include "scheduler/local_scheduler.h"

namespace rayx::daemon {

class TaskService {
 public:
  TaskService(SessionTable* sessions, MessageWriter* writer, ObjectService* objects,
              WorkerService* workers, DriverService* drivers, RecordKeeper* records,
              control::Tables* tables, NodeId node, scheduler::SchedulerOptions options,
              RestSet* rest_set, size_t busy_cpus);

  // --- messages; a Status that is not OK is the peer's breach of protocol ---
  Status OnSubmit(Session& session, std::span<const uint8_t> encoded_spec);
  Status OnSubmitDirect(Session& session, const protocol::RunTask& message);
  Status OnTaskDone(Session& session, const protocol::TaskDone& message);
  Status OnBlocked(Session& session);
  Status OnUnblocked(Session& session);
  Status OnCancel(Session& session, const protocol::CancelTask& message);

  // --- events of the other parts ---
  void OnObjectSealed(const ObjectId& id) { scheduler_.OnObjectAvailable(id); }
  // A client has given an object its value: it may be a result of its task, or an item of a stream.
  void OnObjectMade(const Session& session, const ObjectId& id);
  // Nobody takes the items of its streams any more: they are cancelled.
  void OnSessionClosed(const Session& session);
  void OnObjectDeleted(const ObjectId& id) { actors_.OnObjectDeleted(id); }
  void OnWorkerStarted(scheduler::WorkerNumber worker, pid_t pid) {
    scheduler_.OnWorkerStarted(worker, pid);
  }
  void OnWorkerGone(scheduler::WorkerNumber worker, const scheduler::WorkerEnd& end) {
    lines_.OnWorkerGone(worker);
    scheduler_.OnWorkerGone(worker, end);
  }
  void OnDriverGone(const DriverId& driver) { scheduler_.OnDriverGone(driver); }
  void OnWorkerOutput(const WorkerProcess& worker, bool is_stderr, const std::string& lines);

  // Decides, then acts on what was decided. True if there was anything.
  bool ScheduleAndAct(int64_t now_ms);

  scheduler::LocalScheduler& scheduler() { return scheduler_; }
  ActorService& actors() { return actors_; }
  LineService& lines() { return lines_; }
  // Those who only wait for each other should meet on one processor.
  bool ShouldGather() const { return pace_.together() && !lines_.open(); }
  // The task's record for the task table; nothing if it has ended.
  std::optional<control::TaskRecord> RecordOf(const TaskId& id, const NodeId& node) const;

 private:
  // A task of this session, with all that may be checked before it is admitted.
  Result<TaskSpec> ReadSpec(const Session& session, std::span<const uint8_t> encoded) const;
  // The store and the records know of it from now on. Returns the dependencies that are missing.
  // `direct`: its worker may tell the submitter of its results.
  std::vector<ObjectId> Admit(const Session& session, const TaskSpec& spec, bool direct = false);
  void NotePace(bool from_task);
  Status CheckReturns(Session& session, const TaskSpec& spec, const protocol::TaskDone& message);
  void Act(const scheduler::AssignTask& effect);
  void Act(const scheduler::RecallTasks& effect);
  void Act(const scheduler::CloseLine& effect) { lines_.Close(effect.worker); }
  void Act(const scheduler::FailTask& effect);
  void Act(const scheduler::TaskEnded& effect);
  void Act(const scheduler::InterruptTask& effect);
  void Act(const scheduler::ReleaseInputs& effect);
  void Act(const scheduler::ActorChanged& effect) { actors_.OnChanged(effect.actor); }
  void Act(const scheduler::StartWorker& effect) { workers_->StartWorker(effect.worker); }
  void Act(const scheduler::StopWorker& effect) {
    workers_->StopWorker(effect.worker, effect.kill);
  }
  // The message that gives the task to the worker.
  flatbuffers::Offset<protocol::RunTask> WriteRunTask(flatbuffers::FlatBufferBuilder& builder,
                                                      const scheduler::AssignTask& effect,
                                                      const TaskSpec& spec, WorkerProcess& worker);
  std::vector<flatbuffers::Offset<protocol::ObjectValue>> WriteValues(
      flatbuffers::FlatBufferBuilder& builder, ClientId worker, const TaskSpec& spec);

  SessionTable* sessions_;
  MessageWriter* writer_;
  ObjectService* objects_;
  WorkerService* workers_;
  DriverService* drivers_;
  RecordKeeper* records_;
  scheduler::LocalScheduler scheduler_;
  ActorService actors_;
  LineService lines_;
  PingPong pace_;
  PingPong line_pace_{LineService::kQuickUs};
  Streams streams_;
};

}  // namespace rayx::daemon
