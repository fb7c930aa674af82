from libcpp.memory cimport unique_ptr

from rayx._raylet.cpp.client cimport CClient, DriverOptions


# What a Client is to those that only keep it alive, and call C++ through it: ids, tasks, queues.
cdef class Connection:
    cdef unique_ptr[CClient] core


# What the modules give to constructors that nobody else may call: what is made without it has nothing behind it.
cdef object doorway()
# TypeError, with this advice, unless that is what was given.
cdef int check_made_by(object given, str advice) except -1

cdef DriverOptions driver_options(str socket_path, bytes driver_id, str python_version, bytes driver_config) except *
