"""Objects in the order in which they become available."""

cimport cython
from libc.stdint cimport int64_t
from libcpp.memory cimport shared_ptr
from libcpp.vector cimport vector

from rayx._raylet.connection cimport Connection, check_made_by, doorway
from rayx._raylet.cpp.client cimport CCompletions
from rayx._raylet.cpp.ids cimport CObjectId, IdSpan
from rayx._raylet.cpp.status cimport Status, StatusCode, Unwrap
from rayx._raylet.ids cimport ObjectID, adopt_object_ids, append_ids
from rayx._raylet.status cimport raise_unless_ok
from rayx._raylet.waiting cimport Deadline, again, deadline_after


@cython.final
@cython.no_gc  # refers to its client only, which refers to no Python object
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Completions:
    cdef shared_ptr[CCompletions] completions
    cdef Connection client

    def __cinit__(self, made_by=None, Connection client=None):
        check_made_by(made_by, "a Completions is made by Client.completions")
        self.client = client
        cdef Status status
        with nogil:
            status = Unwrap(client.core.get().NewCompletions(), &self.completions)
        raise_unless_ok(status)

    def __dealloc__(self):
        # Destroying closes, which may have to wait for threads that want the GIL.
        if self.completions.get() != NULL:
            with nogil:
                self.completions.reset()

    def add(self, object_ids):
        cdef vector[CObjectId] ids
        cdef Status status
        append_ids(&ids, object_ids, self.client)
        with nogil:
            status = self.completions.get().Add(IdSpan(ids))
        raise_unless_ok(status)

    def take(self, int64_t timeout_ms):
        cdef vector[CObjectId] taken
        cdef Deadline deadline = deadline_after(timeout_ms)
        cdef Status status
        while True:
            with nogil:
                status = Unwrap(self.completions.get().Take(deadline.left_ms), &taken)
            if status.code() == StatusCode.kTimedOut:
                return []
            if not again(status, &deadline):
                return adopt_object_ids(self.client, taken)

    def discard(self, ObjectID object_id not None):
        cdef Status status
        with nogil:
            status = self.completions.get().Discard(object_id.id)
        raise_unless_ok(status)

    def fileno(self):
        cdef int fd
        with nogil:
            fd = self.completions.get().fd()
        return fd

    def close(self):
        with nogil:
            self.completions.get().Close()


cdef object new_completions(Connection client):
    return Completions.__new__(Completions, doorway(), client)
