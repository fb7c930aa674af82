cimport cython

from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.tasks cimport CRunnableTask, CTaskTemplate
from rayx._raylet.ids cimport ObjectID


@cython.final
cdef class TaskTemplate:
    cdef CTaskTemplate core
    cdef readonly ObjectID actor  # refers to it for as long as calls can be made


@cython.final
cdef class RunnableTask:
    cdef CRunnableTask core
    cdef Connection client
    cdef str text_of_name  # made when it is first asked for


# What the next task goes into.
cdef RunnableTask new_task(Connection client)
