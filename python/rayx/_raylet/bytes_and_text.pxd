# What C++ has as bytes or text, for Python, and bytes of Python's that are ids, for C++.
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libcpp.string cimport string


cdef inline bytes bytes_of(const uint8_t* data, size_t size):
    return PyBytes_FromStringAndSize(<const char*> data, size)


cdef inline bytes bytes_in(const string& content):
    return PyBytes_FromStringAndSize(content.data(), content.size())


cdef inline str text_of(const string& text):
    return text.decode("utf-8", "replace")


cdef inline const uint8_t* id_bytes(bytes binary, Py_ssize_t size) except NULL:
    if binary is None or PyBytes_GET_SIZE(binary) != size:
        raise ValueError(f"an id of {size} bytes is wanted")
    return <const uint8_t*> PyBytes_AS_STRING(binary)
