# Who looks for signals while a call waits for objects.
from libc.stdint cimport int64_t
from libcpp cimport bool as cbool


cdef extern from "client/values/looker.h" namespace "rayx" nogil:
    cdef cppclass Looker:
        cbool (*look)(Looker* self, int64_t waited_ms) noexcept
