# Values that are to be stored, and stored objects.
from libc.stdint cimport uint8_t
from libcpp.memory cimport shared_ptr
from libcpp.vector cimport vector

from rayx._raylet.cpp.ids cimport CObjectId
from rayx._raylet.cpp.status cimport Result


cdef extern from "<span>" namespace "std" nogil:
    cdef cppclass ByteSpan "std::span<const uint8_t>":
        ByteSpan()
        ByteSpan(const uint8_t* data, size_t size)
        const uint8_t* data()
        size_t size()

    cdef cppclass MutableByteSpan "std::span<uint8_t>":
        uint8_t* data()
        size_t size()


cdef extern from "client/values/object_pieces.h" namespace "rayx" nogil:
    cdef enum class ObjectKind:
        kPickle
        kBytes
        kTaskError
        kSystemError

    cdef enum class SystemErrorCode:
        kWorkerCrashed
        kInfeasible
        kObjectLost
        kTaskCancelled
        kObjectStoreFull
        kWorkerStartFailed
        kActorDied
        kTaskTimedOut

    cdef cppclass ObjectPieces:
        ObjectKind kind
        ByteSpan stream
        vector[ByteSpan] buffers
        vector[CObjectId] contained

    cdef cppclass PiecesSpan "std::span<const rayx::ObjectPieces* const>":
        PiecesSpan()
        PiecesSpan(const vector[const ObjectPieces*]& values)

    cdef cppclass ObjectParts:
        ObjectKind kind
        ByteSpan stream
        vector[ByteSpan] buffers

    Result[ObjectParts] ParseObject(ByteSpan memory)


cdef extern from "client/values/object_view.h" namespace "rayx" nogil:
    cdef cppclass ObjectView:
        ObjectView()
        ObjectView(shared_ptr[const void] owner, ByteSpan data)
        ByteSpan bytes()


cdef extern from "client/memory/pool_reader.h" namespace "rayx" nogil:
    cdef cppclass PrivateBytes:
        MutableByteSpan bytes


# What C++ can say and Cython cannot.
cdef extern from * namespace "rayx::doorway" nogil:
    """
    #include <memory>
    #include <string>

    #include "client/values/object_view.h"

    namespace rayx::doorway {
    // A view on a copy.
    inline ObjectView ViewOfCopy(const uint8_t* data, size_t size) {
      const auto copy = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
      return ObjectView(copy, {reinterpret_cast<const uint8_t*>(copy->data()), copy->size()});
    }
    }  // namespace rayx::doorway
    """
    ObjectView ViewOfCopy(const uint8_t* data, size_t size)
