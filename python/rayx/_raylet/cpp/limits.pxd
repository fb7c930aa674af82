# What the node takes at most and how long it waits, and what else C++ decides and Python has to know.
from libc.stdint cimport int64_t, uint32_t

from rayx._raylet.cpp.status cimport string_view


cdef extern from "common/base/limits.h" nogil:
    const uint32_t kProtocolVersion "rayx::limits::kProtocolVersion"
    const size_t kInlineObjectBytesMax "rayx::limits::kInlineObjectBytesMax"
    const size_t kFunctionBytesMax "rayx::limits::kFunctionBytesMax"
    const size_t kNameBytesMax "rayx::limits::kNameBytesMax"
    const uint32_t kReturnsMax "rayx::limits::kReturnsMax"
    const uint32_t kActorConcurrencyMax "rayx::limits::kActorConcurrencyMax"
    const size_t kWorkersMax "rayx::limits::kWorkersMax"
    const int64_t kWorkerExitMs "rayx::limits::kWorkerExitMs"
    const int64_t kDriverEndMs "rayx::limits::kDriverEndMs"


cdef extern from "common/process/process_mark.h" namespace "rayx" nogil:
    const string_view kProcessMark
