"""Numbers and short texts as pickles and back, without a pickler.

They are what most tasks return. A pickler takes 4 KB of memory for each, whatever it makes of it, and for a request of
that size malloc first joins all small pieces that it keeps. The bytes are of the pickle protocol, version 5
(Lib/pickletools.py of CPython has its opcodes), so that any unpickler reads them.
"""

import pickle

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_FromDouble
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_FromLong
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport INT32_MAX, INT32_MIN, int32_t, uint8_t, uint64_t
from libc.string cimport memcpy

from rayx._raylet.buffers cimport ObjectBuffer

cdef extern from "Python.h":
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    const char* PyUnicode_1BYTE_DATA(object text)

cdef extern from "<endian.h>" nogil:
    uint64_t htobe64(uint64_t host)
    uint64_t be64toh(uint64_t big)

cdef enum:
    PROTO = 0x80
    VERSION = 5
    NONE = 0x4E  # N
    NEWTRUE = 0x88
    NEWFALSE = 0x89
    BININT = 0x4A  # J; four bytes, little endian
    BININT1 = 0x4B  # K
    BININT2 = 0x4D  # M
    BINFLOAT = 0x47  # G; eight bytes, big endian
    SHORT_BINUNICODE = 0x8C  # a byte that says how many of UTF-8 follow
    STOP = 0x2E  # the full stop

cdef object dumps = pickle.dumps
cdef object loads = pickle.loads

NOT_ONE_PICKLE = object()


# A pickle with room for so many bytes behind the opcode.
cdef inline bytes new_pickle(int opcode, Py_ssize_t more):
    cdef bytes made = PyBytes_FromStringAndSize(NULL, 4 + more)
    cdef uint8_t* out = <uint8_t*> PyBytes_AS_STRING(made)
    out[0] = PROTO
    out[1] = VERSION
    out[2] = <uint8_t> opcode
    out[3 + more] = STOP
    return made


cdef bytes pickle_of_float(double value):
    cdef bytes made = new_pickle(BINFLOAT, 8)
    cdef uint64_t bits = 0
    memcpy(&bits, &value, 8)
    bits = htobe64(bits)
    memcpy(PyBytes_AS_STRING(made) + 3, &bits, 8)
    return made


cdef bytes pickle_of_int(int32_t value):
    cdef bytes made = new_pickle(BININT, 4)
    memcpy(PyBytes_AS_STRING(made) + 3, &value, 4)  # this machine is little endian, or the daemons would not run
    return made


cdef bytes pickle_of_text(object text, Py_ssize_t size):
    cdef bytes made = new_pickle(SHORT_BINUNICODE, 1 + size)
    cdef char* out = PyBytes_AS_STRING(made)
    out[3] = <char> size
    memcpy(out + 4, PyUnicode_1BYTE_DATA(text), size)
    return made


def dump_plain(value):
    cdef object kind = type(value)
    cdef int overflow = 0
    cdef long long number
    cdef Py_ssize_t size
    if kind is int:
        number = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow == 0 and INT32_MIN <= number <= INT32_MAX:
            return pickle_of_int(<int32_t> number)
    elif kind is float:
        return pickle_of_float(PyFloat_AS_DOUBLE(value))
    elif kind is bool:
        return new_pickle(NEWTRUE if value is True else NEWFALSE, 0)
    elif kind is str and PyUnicode_IS_COMPACT_ASCII(value):
        size = PyUnicode_GET_LENGTH(value)
        if size < 256:
            return pickle_of_text(value, size)
    return dumps(value, VERSION)


# The value, or NOT_ONE_PICKLE if the bytes are not of a plain one.
cdef object plain_value(const uint8_t* bytes_, Py_ssize_t size):
    cdef int32_t number = 0
    cdef uint64_t bits = 0
    cdef double value = 0
    if size < 4 or bytes_[0] != PROTO or bytes_[1] != VERSION or bytes_[size - 1] != STOP:
        return NOT_ONE_PICKLE
    if size == 4:
        if bytes_[2] == NONE:
            return None
        if bytes_[2] == NEWTRUE:
            return True
        if bytes_[2] == NEWFALSE:
            return False
    elif bytes_[2] == BININT and size == 8:
        memcpy(&number, bytes_ + 3, 4)
        return PyLong_FromLong(number)
    elif bytes_[2] == BINFLOAT and size == 12:
        memcpy(&bits, bytes_ + 3, 8)
        bits = be64toh(bits)
        memcpy(&value, &bits, 8)
        return PyFloat_FromDouble(value)
    elif bytes_[2] == BININT1 and size == 5:
        return PyLong_FromLong(bytes_[3])
    elif bytes_[2] == BININT2 and size == 6:
        return PyLong_FromLong(bytes_[3] | bytes_[4] << 8)
    elif bytes_[2] == SHORT_BINUNICODE and size == 5 + <Py_ssize_t> bytes_[3]:
        return PyUnicode_DecodeUTF8(<const char*> bytes_ + 4, bytes_[3], "surrogatepass")
    return NOT_ONE_PICKLE


def load_pickle(stored):
    cdef ObjectBuffer buffer
    cdef object pickled
    cdef object value
    if type(stored) is ObjectBuffer:
        buffer = <ObjectBuffer> stored
        if not buffer.is_one_pickle():
            return NOT_ONE_PICKLE
        value = plain_value(buffer.parts.stream.data(), buffer.parts.stream.size())
        return loads(buffer.part(buffer.parts.stream)) if value is NOT_ONE_PICKLE else value
    pickled = stored.pickle
    return NOT_ONE_PICKLE if pickled is None else loads(pickled)
