"""The connection to the node that a Client has, and what a driver says of itself when it connects."""

from rayx._raylet.bytes_and_text cimport id_bytes
from rayx._raylet.cpp.client cimport DriverOptions
from rayx._raylet.cpp.ids cimport CDriverId, kShortIdBytes

cdef object DOORWAY = object()


cdef class Connection:
    def __dealloc__(self):
        # Destroying closes, which may have to wait for threads that want the GIL.
        if self.core.get() != NULL:
            with nogil:
                self.core.reset()


cdef object doorway():
    return DOORWAY


cdef int check_made_by(object given, str advice) except -1:
    if given is not DOORWAY:
        raise TypeError(advice)
    return 0


cdef DriverOptions driver_options(str socket_path, bytes driver_id, str python_version, bytes driver_config) except *:
    cdef DriverOptions options
    options.socket_path = socket_path.encode("utf-8", "surrogateescape")
    options.driver = CDriverId.FromBytes(id_bytes(driver_id, kShortIdBytes))
    options.python_version = python_version.encode()
    options.driver_config = driver_config
    options.looks_for_signals = True
    return options
