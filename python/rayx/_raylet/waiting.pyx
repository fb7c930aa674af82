"""Who looks for signals while a call waits, and at waits for objects that last long."""

from cpython.exc cimport PyErr_CheckSignals
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.stdint cimport INT64_MAX, int64_t
from libcpp cimport bool as cbool

from rayx._raylet.cpp.looker cimport Looker

# Called with (ids, whether all are waited for, milliseconds waited, None or its last answer) when a wait has lasted long;
# returns what it wants to be given next time, whose `next_ms` says when that is. Costs a short wait nothing.
cdef object long_wait_hook = None
cdef int64_t first_look_ms = 5000


def set_long_wait_hook(hook, int64_t look_ms):
    global long_wait_hook, first_look_ms
    long_wait_hook = hook
    first_look_ms = look_ms


cdef Looking looking_at(object ids, bint needs_all) noexcept:
    cdef Looking made
    made.looker.look = look_now
    made.ids = <PyObject*> ids
    made.needs_all = needs_all
    made.next_ms = first_look_ms
    made.answer = made.error = NULL
    return made


cdef Looking looking_for_signals() noexcept:
    cdef Looking made
    made.looker.look = look_now
    made.needs_all = True
    made.next_ms = INT64_MAX
    made.ids = made.answer = made.error = NULL
    return made


# False: the wait is over, since a handler of a signal has raised, or the hook.
cdef cbool look_now(Looker* looker, int64_t waited_ms) noexcept with gil:
    cdef Looking* looking = <Looking*> looker
    try:
        PyErr_CheckSignals()
        if waited_ms >= looking.next_ms and long_wait_hook is not None:
            look_at_long_wait(looking, waited_ms)
        return True
    except BaseException as error:
        Py_INCREF(error)
        looking.error = <PyObject*> error
        return False


cdef int look_at_long_wait(Looking* looking, int64_t waited_ms) except -1:
    before = None if looking.answer == NULL else <object> looking.answer
    answer = long_wait_hook(<object> looking.ids, looking.needs_all, waited_ms, before)
    looking.next_ms = answer.next_ms
    Py_INCREF(answer)
    Py_XDECREF(looking.answer)
    looking.answer = <PyObject*> answer
    return 0


cdef int end_looking(Looking* looking) except -1:
    Py_XDECREF(looking.answer)
    if looking.error == NULL:
        return 0
    error = <object> looking.error
    Py_DECREF(error)
    raise error
