# The fields of a question to the node, and of its answer.
from libc.stdint cimport int64_t
from libcpp.string cimport string
from libcpp.vector cimport vector


cdef extern from "client/values/value.h" namespace "rayx" nogil:
    cdef enum class ValueKind "rayx::Value::Kind":
        kNone
        kInteger
        kReal
        kText
        kBytes
        kList
        kTable

    cdef cppclass Value:
        Value()
        Value(ValueKind kind)
        @staticmethod
        Value OfInteger(int64_t number)
        @staticmethod
        Value OfText(const string& content)
        @staticmethod
        Value OfBytes(const string& content)
        void Add(string name, Value field)
        ValueKind kind
        int64_t integer
        double real
        string text
        vector[Value] items
        vector[string] names
