"""Values on their way from C++ to Python: stored objects, as views on their bytes."""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.memoryview cimport PyMemoryView_FromObject
from cpython.sequence cimport PySequence_GetSlice
from libc.stdint cimport uint8_t

from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.objects cimport (
    ByteSpan, ObjectKind, ObjectParts, ObjectView, ParseObject, PrivateBytes, ViewOfCopy)
from rayx._raylet.cpp.status cimport Unwrap
from rayx._raylet.status cimport raise_unless_ok

cdef enum:
    COPIED_BYTES_MAX = 1024


# An object's bytes, mapped anew to be written by whoever has got it. Pages that are written are this process's own; the
# others remain those of the pool, so that the pin of the view must last.
@cython.final
@cython.no_gc
cdef class PrivateCopy:
    def __init__(self, *args, **kwargs):
        raise TypeError("a PrivateCopy is what Client.private_copy returns a view of, not made by hand")

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        PyBuffer_FillInfo(buffer, self, self.memory.bytes.data(), self.memory.bytes.size(), 0, flags)


@cython.final
@cython.no_gc  # refers to its private copy only, which refers to no Python object
@cython.freelist(64)
cdef class ObjectBuffer:
    def __init__(self, *args, **kwargs):
        raise TypeError("an ObjectBuffer is what Client.get returns, not made by hand")

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        cdef ByteSpan memory = self.view.bytes()
        PyBuffer_FillInfo(buffer, self, <void*> memory.data(), memory.size(), 1, flags)

    def __len__(self):
        return self.view.bytes().size()

    # A small part is copied, which costs less than a view on it.
    cdef object part(self, ByteSpan part):
        if part.size() <= COPIED_BYTES_MAX:
            return PyBytes_FromStringAndSize(<const char*> part.data(), part.size())
        return self.slice(part)

    cdef object slice(self, ByteSpan part):
        cdef Py_ssize_t begin = part.data() - self.view.bytes().data()
        return PySequence_GetSlice(PyMemoryView_FromObject(self), begin, begin + part.size())

    @property
    def kind(self):
        return <int> self.parts.kind

    @property
    def stream(self):
        return self.part(self.parts.stream)

    cdef bint is_one_pickle(self) noexcept:
        return self.parts.kind == ObjectKind.kPickle and self.parts.buffers.size() == 0

    # What most values are; one question instead of three, each of which takes its time.
    @property
    def pickle(self):
        return self.part(self.parts.stream) if self.is_one_pickle() else None

    @property
    def buffers(self):
        return [self.slice(self.parts.buffers[i]) for i in range(self.parts.buffers.size())]

    @property
    def nbytes(self):
        return self.view.bytes().size()


cdef object wrap_view(const ObjectView& view):
    cdef ObjectBuffer made = ObjectBuffer.__new__(ObjectBuffer)
    made.view = view
    raise_unless_ok(Unwrap(ParseObject(made.view.bytes()), &made.parts))
    return made


# A part of the object that `part` is a view of.
cdef object private_part(Connection client, object part):
    cdef object owner = part.obj
    if type(owner) is not ObjectBuffer:
        return None
    cdef ObjectBuffer stored = <ObjectBuffer> owner
    cdef PrivateCopy copy = stored.private_copy
    if copy is None:
        copy = PrivateCopy.__new__(PrivateCopy)
        if not Unwrap(client.core.get().MapCopyOnWrite(stored.view.bytes()), &copy.memory).ok():
            return None
        copy.view = stored.view
        stored.private_copy = copy
    cdef Py_buffer lent
    PyObject_GetBuffer(part, &lent, PyBUF_SIMPLE)
    cdef Py_ssize_t begin = <const uint8_t*> lent.buf - stored.view.bytes().data()
    cdef Py_ssize_t size = lent.len
    PyBuffer_Release(&lent)
    return PySequence_GetSlice(PyMemoryView_FromObject(copy), begin, begin + size)


def split_object(bytes data not None):
    return wrap_view(ViewOfCopy(<const uint8_t*> PyBytes_AS_STRING(data), len(data)))
