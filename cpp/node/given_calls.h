// Calls of actors that other nodes have: handed to what stands for the actor's worker, and sent to
// its node in that order as its session has room. The part of GivenActors that is about them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <unordered_map>

#include "common/base/ids.h"
#include "node/remote_objects.h"
#include "node/shell.h"
#include "scheduler/local_scheduler.h"

namespace rayx::node {

class GivenCalls {
 public:
  struct Call {
    TaskId actor;
    // What stands for its actor's worker. The call is open as long as the actor has the same.
    WorkerNumber stand_in = kNoWorker;
    uint32_t sequence = 0;
  };

  // All must outlive it.
  GivenCalls(const Shell& shell, scheduler::LocalScheduler* scheduler, RemoteObjects* remote)
      : shell_(shell), scheduler_(scheduler), remote_(remote) {}

  // The call is handed to what stands for a worker of the node of `session`. One that was handed
  // out before and came back is a new one.
  void Add(ClientId session, const TaskId& id, const Call& call);
  // Its function is to be interrupted: that is said behind the call.
  void Interrupt(ClientId session, const TaskId& id);
  // What stands for the worker is sent no call any more, from the first one that waits for room on;
  // until OnStandInGone.
  void Withhold(ClientId session, WorkerNumber stand_in) {
    withheld_[stand_in] = FirstUnsent(session, stand_in);
  }
  void OnStandInGone(WorkerNumber stand_in) { withheld_.erase(stand_in); }
  // The call is over.
  void Remove(const TaskId& id) { calls_.erase(id); }
  // What waits for room in the session waits no more; it is given out again, or is over.
  void OnSessionEnded(ClientId session) { unsent_.erase(session); }
  // Sends what has waited for room.
  void Flush();

  // Null if it is in nobody's hands.
  const Call* Find(const TaskId& id) const {
    const auto it = calls_.find(id);
    return it == calls_.end() ? nullptr : &it->second;
  }
  // The number of the first that was not sent; the largest if all were.
  uint32_t FirstUnsent(ClientId session, WorkerNumber stand_in) const;
  size_t size() const { return calls_.size(); }

 private:
  struct Unsent {
    TaskId id;
    WorkerNumber stand_in = kNoWorker;
    uint32_t sequence = 0;
    bool is_interrupt = false;
  };
  // Unless the call is over, or others' by now.
  void Send(ClientId session, const Unsent& unsent);
  void SendOrQueue(ClientId session, const Unsent& unsent);

  const Shell shell_;
  scheduler::LocalScheduler* const scheduler_;
  RemoteObjects* const remote_;
  std::unordered_map<TaskId, Call> calls_;
  std::map<ClientId, std::deque<Unsent>> unsent_;
  // With the number of the first call that was not sent.
  std::map<WorkerNumber, uint32_t> withheld_;
};

}  // namespace rayx::node
