# Ids of 16 and 20 bytes, and the number of a worker.
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libcpp.vector cimport vector


cdef extern from "common/base/ids.h" namespace "rayx" nogil:
    const size_t kShortIdBytes "rayx::TaskId::kSize"
    const size_t kObjectIdBytes "rayx::ObjectId::kSize"
    const uint32_t kPutBit "rayx::ObjectId::kPutBit"
    const uint32_t kStreamCreditBit "rayx::ObjectId::kStreamCreditBit"
    const uint32_t kFunctionIndex "rayx::ObjectId::kFunctionIndex"

    cdef cppclass Id16 "rayx::TaskId":
        const uint8_t* data()

    cdef cppclass CDriverId "rayx::DriverId"(Id16):
        @staticmethod
        CDriverId FromBytes(const uint8_t*)

    cdef cppclass CFunctionId "rayx::FunctionId"(Id16):
        @staticmethod
        CFunctionId FromBytes(const uint8_t*)

    cdef cppclass CNodeId "rayx::NodeId"(Id16):
        pass

    cdef cppclass WorkerNumber:
        WorkerNumber(uint64_t value)
        uint64_t value()

    cdef cppclass CObjectId "rayx::ObjectId":
        @staticmethod
        CObjectId FromBytes(const uint8_t*)
        const uint8_t* data()
        size_t Hash()


cdef extern from "<span>" namespace "std" nogil:
    cdef cppclass IdSpan "std::span<const rayx::ObjectId>":
        IdSpan()
        IdSpan(const vector[CObjectId]& ids)


cdef extern from "common/base/ids.h" namespace "rayx" nogil:
    size_t FirstRepeated(IdSpan ids)
