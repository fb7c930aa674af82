// A worker lease: a client that has one task at a time run by one worker hands it the tasks itself.
// Its states, and the moves between them, stand in types/worker_entry.h (LeaseState). Which client
// has it, and how the tasks get to the worker, is the daemon's affair.
//
// The scheduler hears of each such task a moment later, with the number that the client gave it,
// and before whatever the worker says of it. From then on it is a task as any other that a worker
// holds. While the lease lasts the scheduler gives the worker nothing, and takes nothing back.
//
// A leased worker that is idle holds no resources. So its next task may take a CPU that has just
// been given to another worker: as much as a worker does that was blocked and goes on. That is
// rare, as the worker is reclaimed as soon as any other task wants to run.
//
// There is at most one lease.
#pragma once

#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

// False, and nothing happens, if the worker cannot be leased now: it is not known, not bound to a
// driver, or ending; it runs something, or may run several calls at a time; there is another lease.
bool OpenLease(SchedulerState& state, WorkerNumber worker);
// Closed, or its worker is gone. Nothing happens if the worker has none.
void CloseLease(SchedulerState& state, WorkerNumber worker);
// It stays for now: a task is on its way.
void KeepLease(SchedulerState& state, WorkerNumber worker);

// Asks for the worker back (ReclaimWorker) if others wait: any task, or calls of the worker's
// actor; not while a task is in flight, as it could not be given back then. True if tasks wait, so
// that deciding who runs them should wait for the answer.
bool ReclaimForOthers(SchedulerState& state);

// The client has given `spec` to the worker as number `sequence`. InvalidArgument if that cannot
// be. REQUIRES: the worker is known and not ending; the task is not known and has no dependencies.
Status GiveDirectly(SchedulerState& state, TaskSpec spec, WorkerEntry& worker, uint32_t sequence,
                    const CallerId& caller);

}  // namespace rayx::scheduler
