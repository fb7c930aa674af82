from rayx._raylet.connection cimport Connection
from rayx._raylet.cpp.objects cimport ObjectView

# An ObjectBuffer.
cdef object wrap_view(const ObjectView& view)
# What Client.private_copy returns.
cdef object private_part(Connection client, object part)
