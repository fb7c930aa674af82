"""The fields of a question to the node, and of its answer."""

from libcpp.string cimport string

from rayx._raylet.bytes_and_text cimport bytes_in, text_of
from rayx._raylet.cpp.questions cimport Value, ValueKind


cdef Value fields_of(dict fields) except *:
    cdef Value made = Value(ValueKind.kTable)
    for name, value in fields.items():
        if type(value) is str:
            made.Add(<string> name.encode(), Value.OfText(value.encode()))
        elif type(value) is bytes:
            made.Add(<string> name.encode(), Value.OfBytes(value))
        else:
            made.Add(<string> name.encode(), Value.OfInteger(value))
    return made


cdef object object_of(const Value& value):
    if value.kind == ValueKind.kInteger:
        return value.integer
    if value.kind == ValueKind.kReal:
        return value.real
    if value.kind == ValueKind.kText:
        return text_of(value.text)
    if value.kind == ValueKind.kBytes:
        return bytes_in(value.text)
    if value.kind == ValueKind.kList:
        return [object_of(value.items[i]) for i in range(value.items.size())]
    if value.kind == ValueKind.kTable:
        return {text_of(value.names[i]): object_of(value.items[i]) for i in range(value.items.size())}
    return None
