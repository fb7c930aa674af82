from rayx._raylet.connection cimport Connection

# A Completions.
cdef object new_completions(Connection client)
