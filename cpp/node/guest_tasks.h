// Tasks that this node runs for other nodes, the homes of their drivers; and tasks of these drivers
// that it will not run itself.
//
// To the store and the scheduler such a task is one like others. Its results are kept for the home,
// which is told once how it ended, after which nothing is held for it here. What it submits is run
// here if it can be, or goes to the home, which has its actors made.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "node/draining_nodes.h"
#include "node/driver_book.h"
#include "node/function_book.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "plasma/object_store.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class GuestTasks {
 public:
  struct Parts {
    plasma::ObjectStore* store = nullptr;
    scheduler::LocalScheduler* scheduler = nullptr;
    DriverBook* drivers = nullptr;
    FunctionBook* functions = nullptr;
    RemoteObjects* remote = nullptr;
    const DrainingNodes* draining = nullptr;
  };
  // All must outlive it.
  GuestTasks(const Shell& shell, const Parts& parts)
      : shell_(shell),
        store_(parts.store),
        scheduler_(parts.scheduler),
        drivers_(parts.drivers),
        functions_(parts.functions),
        remote_(parts.remote),
        draining_(parts.draining) {}

  // --- what homes say; not OK: a breach of protocol ---
  Status OnRun(ClientId home, remote::RunTask run);
  Status OnDriver(ClientId home, const remote::DriverInfo& info);
  void OnDriverGone(ClientId home, const DriverId& driver) { EndDrivers(home, &driver); }
  void OnCancel(ClientId home, const remote::CancelTask& cancel);
  // Nobody is to be told of the ends of its tasks. After RemoteObjects::OnSessionEnded.
  void OnSessionEnded(ClientId home);

  // --- what becomes of tasks ---
  // The number of the first attempt of a task of another home; nothing of others.
  std::optional<uint32_t> AttemptOf(const TaskId& task) const;
  // FailTask, and after TaskEnded, when what it referred to has been given back.
  void OnFailed(const TaskId& task, SystemErrorCode code);
  void OnEnded(const TaskSpec& spec, bool failed);

  // --- what tasks submit ---
  // Whether the task goes to its home.
  bool Takes(const TaskSpec& spec) const;
  // REQUIRES: Takes.
  void Forward(const Peer& peer, TaskSpec spec);
  // One that was admitted here, whose references are held; they are given back.
  // REQUIRES: its driver has another home.
  void HandOver(TaskSpec spec, ClientId client = kNoClient);

  // What has not begun is not to: its home hears so. True if there was such a task. In each turn of
  // a node that is drained.
  bool GiveBack();
  // At the end of a turn in which nothing is left to do.
  void OnRest();

  // There may be tasks or workers left of the driver, whose session with its home has ended.
  bool HasOrphans(const DriverId& driver) const { return ended_.contains(driver); }
  size_t size() const { return runs_.size(); }

 private:
  struct Run {
    // kNoClient: the session has ended.
    ClientId home = kNoClient;
    uint32_t attempt = 0;
    bool has_crashed = false;
  };
  void EndDrivers(ClientId home, const DriverId* only);

  const Shell shell_;
  plasma::ObjectStore* const store_;
  scheduler::LocalScheduler* const scheduler_;
  DriverBook* const drivers_;
  FunctionBook* const functions_;
  RemoteObjects* const remote_;
  const DrainingNodes* const draining_;
  std::unordered_map<TaskId, Run> runs_;
  // Drivers of sessions that have ended, of which there may be tasks or workers left. A task of a
  // later session would meet what these have, which has no home any more.
  std::set<DriverId> ended_;
};

}  // namespace rayx::node
