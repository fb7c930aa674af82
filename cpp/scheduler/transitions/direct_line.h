// A direct line: a client that has one task at a time run by one worker hands it the tasks itself.
//
//              OnLineOpened                       CloseLine, OnLineClosed
//   no line ─────────────────▶ open ──────────────────────────────────────▶ no line
//                              │  ▲ OnTaskGivenDirectly            (or the worker is gone)
//                              └──┘
//
// The scheduler hears of each such task a moment later, with the number that the client gave it,
// and before whatever the worker says of it. From then on it is a task as any other that a worker
// holds. While the line is open the scheduler gives the worker nothing, and takes nothing back.
//
// An idle worker with a line holds no resources. So its next task may take a CPU that has just been
// given to another worker: as much as a worker does that was blocked and goes on. That is rare, as
// the line is closed as soon as any other task wants to run.
//
// At most one line is open.
#pragma once

#include "scheduler/state/scheduler_state.h"

namespace rayx::scheduler {

// False, and nothing happens, if the worker cannot have a line now: it is not known, not bound to a
// driver, or ending; it runs something, or may run several calls at a time; another has one.
bool OpenLine(SchedulerState& state, WorkerNumber worker);
// Closed, or its worker is gone. Nothing happens if the worker has none.
void EndLine(SchedulerState& state, WorkerNumber worker);
// It stays for now: a task is on its way.
void KeepLine(SchedulerState& state, WorkerNumber worker);

// Asks for the line to be closed if tasks wait that are not for its worker alone. True if there
// will be an answer, so that deciding who runs what should wait for it.
bool CloseForOthers(SchedulerState& state);

// The client has given `spec` to the worker as number `sequence`. InvalidArgument if that cannot
// be. REQUIRES: the worker is known and not ending; the task is not known and has no dependencies.
Status GiveDirectly(SchedulerState& state, TaskSpec spec, WorkerEntry& worker, uint32_t sequence,
                    const CallerId& caller);

}  // namespace rayx::scheduler
