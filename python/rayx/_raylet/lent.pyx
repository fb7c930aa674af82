"""Values on their way from Python to C++: what is lent to a call."""

cimport cython
from cpython.buffer cimport PyBUF_ANY_CONTIGUOUS, PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t

from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.objects cimport ByteSpan, ObjectKind
from rayx._raylet.ids cimport append_ids


@cython.final
@cython.no_gc
@cython.freelist(8)
cdef class Lent:
    def __dealloc__(self):
        for i in range(self.held.size()):
            PyBuffer_Release(&self.held[i])


cdef ByteSpan lend(Lent lent, object source) except *:
    # bytes, by far the most frequent, are lent without the ceremony: the caller holds them for the call.
    if type(source) is bytes:
        return ByteSpan(<const uint8_t*> PyBytes_AS_STRING(source), PyBytes_GET_SIZE(source))
    cdef Py_buffer view
    try:
        PyObject_GetBuffer(source, &view, PyBUF_SIMPLE)
    except BufferError:
        PyObject_GetBuffer(source, &view, PyBUF_ANY_CONTIGUOUS)
    # No pointer into the Py_buffer itself is used, so that it may move with the vector.
    lent.held.push_back(view)
    return ByteSpan(<const uint8_t*> view.buf, view.len)


cdef Lent lend_value(int kind, object stream, object buffers, object contained, Connection client):
    cdef Lent lent = Lent.__new__(Lent)
    lent.pieces.kind = <ObjectKind> kind
    lent.pieces.stream = lend(lent, stream)
    if buffers is not None:
        # A tuple of our own, so that nobody can take an element out while it is lent.
        lent.sources = tuple(buffers)
        for source in lent.sources:
            lent.pieces.buffers.push_back(lend(lent, source))
    append_ids(&lent.pieces.contained, contained, client)
    return lent
