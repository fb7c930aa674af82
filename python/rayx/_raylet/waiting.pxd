from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from rayx._raylet.cpp.looker cimport Looker
from rayx._raylet.cpp.status cimport Status
from rayx._raylet.status cimport raise_failure


# ---- waits that a look for signals does not end: for objects, and for answers of the node ----

# Of one wait, on the stack of who waits: a short one makes no object for it.
cdef struct Looking:
    Looker looker  # the first, so that it is the whole
    PyObject* ids  # borrowed; null in a wait for an answer
    bint needs_all
    int64_t next_ms
    PyObject* answer  # the hook's last one; owned, or null
    PyObject* error  # what a look has raised; owned, or null


cdef Looking looking_at(object ids, bint needs_all) noexcept
cdef Looking looking_for_signals() noexcept
# Once, when the wait has ended: raises what a look has raised.
cdef int end_looking(Looking* looking) except -1


# ---- calls that signals end, and that are made again ----

# When it is to be over.
cdef struct Deadline:
    int64_t start_ms
    int64_t timeout_ms  # negative: there is none
    int64_t left_ms


cdef inline int64_t now_ms() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t> now.tv_sec * 1000 + now.tv_nsec // 1000000


cdef inline Deadline deadline_after(int64_t timeout_ms) noexcept:
    cdef Deadline made
    made.timeout_ms = made.left_ms = timeout_ms
    made.start_ms = 0 if timeout_ms < 0 else now_ms()
    return made


# Whether a call that has ended with this status is to be made again, with what is left of its time: if it was a signal,
# whose handler has run by now. Raises what the handler raises, and what failed.
cdef inline bint again(const Status& status, Deadline* deadline) except -1:
    if status.ok():
        return False
    raise_failure(status)
    if deadline.timeout_ms >= 0:
        deadline.left_ms = max(<int64_t> 0, deadline.timeout_ms - (now_ms() - deadline.start_ms))
    return True
