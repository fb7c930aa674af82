from rayx._raylet.cpp.status cimport Status, StatusCode

# The one place where a Status becomes an exception. Interrupted: the signal's handler runs, and if it raises, so does this.
# REQUIRES: the status is not OK.
cdef int raise_failure(const Status& status) except -1


cdef inline int raise_unless_ok(const Status& status) except -1:
    return 0 if status.ok() else raise_failure(status)
