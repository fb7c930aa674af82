# Who looks for signals while a call waits for objects, and at waits that last long.


# Of one wait, on the stack of who waits: a short one makes no object for it.
cdef struct Looking:
    Looker looker  # the first, so that it is the whole
    PyObject* ids  # borrowed
    bint needs_all
    int64_t next_ms
    PyObject* answer  # the hook's last one; owned, or null
    PyObject* error  # what a look has raised; owned, or null


cdef inline Looking looking_at(ids, bint needs_all) noexcept:
    cdef Looking made
    made.looker.look = look_now
    made.ids = <PyObject*> ids
    made.needs_all = needs_all
    made.next_ms = first_look_ms
    made.answer = made.error = NULL
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


# Once, when the wait has ended: raises what a look has raised.
cdef int end_looking(Looking* looking) except -1:
    Py_XDECREF(looking.answer)
    if looking.error == NULL:
        return 0
    error = <object> looking.error
    Py_DECREF(error)
    raise error
