cimport cython
from libcpp.vector cimport vector

from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.objects cimport ObjectPieces


# The parts of a value, borrowed from Python objects for one call. Made and released with the GIL held.
@cython.final
cdef class Lent:
    cdef ObjectPieces pieces
    cdef vector[Py_buffer] held
    cdef tuple sources


cdef Lent lend_value(int kind, object stream, object buffers, object contained, Connection client)
