"""What is raised when C++ tells of a failure."""

from cpython.exc cimport PyErr_CheckSignals

from rayx._raylet.bytes_and_text cimport text_of
from rayx._raylet.cpp.status cimport Status, StatusCode, StatusCodeName, string_view


class RayletError(Exception):
    # Under which it is imported: it may be pickled, and shows in tracebacks.
    __module__ = "rayx._raylet"

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self):
        return RayletError, (self.code, self.message)


cdef int raise_failure(const Status& status) except -1:
    if status.code() == StatusCode.kInterrupted:
        PyErr_CheckSignals()
        return 0
    cdef string_view name = StatusCodeName(status.code())
    raise RayletError(name.data()[:name.size()].decode(), text_of(status.message()))
