# Objects in the order in which they become available.


@cython.final
@cython.no_gc  # refers to its client only, which refers to no Python object
cdef class Completions:
    cdef shared_ptr[CCompletions] completions
    cdef Client client

    def __cinit__(self, made_by=None, Client client=None):
        if made_by is not DOORWAY:
            raise TypeError("a Completions is made by Client.completions")
        self.client = client
        cdef Status status
        with nogil:
            status = Unwrap(client.core().NewCompletions(), &self.completions)
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
        cdef int64_t start_ms = now_ms()
        cdef int64_t left_ms = timeout_ms
        cdef Status status
        while True:
            with nogil:
                status = Unwrap(self.completions.get().Take(left_ms), &taken)
            if status.code() == StatusCode.kTimedOut:
                return []
            raise_unless_ok(status)
            # Another thread that takes may leave nothing to this one.
            if not interrupted(status) and not taken.empty():
                return [adopt_object_id(self.client, taken[i]) for i in range(taken.size())]
            left_ms = remaining_ms(start_ms, timeout_ms)

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
