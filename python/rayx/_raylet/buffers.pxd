from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.objects cimport ByteSpan, ObjectParts, ObjectView, PrivateBytes


cdef class PrivateCopy:
    cdef ObjectView view
    cdef PrivateBytes memory


cdef class ObjectBuffer:
    cdef ObjectView view
    cdef ObjectParts parts
    cdef PrivateCopy private_copy  # once it was asked for

    cdef object part(self, ByteSpan part)
    cdef object slice(self, ByteSpan part)
    # Its value is the pickle `parts.stream`.
    cdef bint is_one_pickle(self) noexcept


# An ObjectBuffer.
cdef object wrap_view(const ObjectView& view)
# What Client.private_copy returns.
cdef object private_part(Connection client, object part)
