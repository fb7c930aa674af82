cimport cython
from libcpp.vector cimport vector

from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.ids cimport CObjectId


@cython.final
cdef class ObjectID:
    cdef CObjectId id
    cdef Connection client
    cdef object __weakref__


# Takes over one local reference, or one of each.
cdef ObjectID adopt_object_id(Connection client, const CObjectId& id)
cdef list adopt_object_ids(Connection client, const vector[CObjectId]& ids)

# Ids of another connection would be waited for without end: its objects are gone, or were never known here. An id without
# a connection is nobody's.
cdef int check_owner(ObjectID item, Connection client) except -1
# The ids must be those of `client`, unless that is None.
cdef int append_ids(vector[CObjectId]* out, object ids, Connection client) except -1
