from rayx._raylet.cpp.questions cimport Value

# What a question asks about.
cdef Value fields_of(dict fields) except *
# What it is answered.
cdef object object_of(const Value& value)
