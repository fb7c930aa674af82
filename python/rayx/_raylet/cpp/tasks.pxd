# What a caller asks for, and what a worker is given to run.
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector

from rayx._raylet.cpp.ids cimport CDriverId, CFunctionId, CObjectId, Id16
from rayx._raylet.cpp.objects cimport ByteSpan, ObjectView
from rayx._raylet.cpp.status cimport Result


# Its fields are those of the table in cpp/common/protocol/call_options.fbs. Cython makes dictionaries of it, and it of
# dictionaries.
cdef extern from "client/values/task_template.h" namespace "rayx" nogil:
    ctypedef struct CallOptions:
        int32_t max_retries
        uint32_t max_concurrency
        int32_t priority
        uint64_t timeout_ms
        uint32_t stream_window

    cbool HasDefaults(const CallOptions& options)


cdef extern from "client/values/task_template.h" namespace "rayx" nogil:
    const int64_t kResourceUnitsPerOne "rayx::ResourceAmount::kUnitsPerOne"
    const int64_t kResourceMax "rayx::ResourceAmount::kWholeMax"

    cdef cppclass ResourceAmount:
        @staticmethod
        Result[ResourceAmount] FromDouble(double value)
        double ToDouble()

    cdef cppclass ResourceSet:
        void Set(const string& name, ResourceAmount amount)
        const vector[pair[string, ResourceAmount]]& items()

    cdef enum class TaskKind:
        kFunction
        kActorCreation
        kActorCall

    cdef cppclass CTaskTemplate "rayx::TaskTemplate":
        CFunctionId function
        string name
        ResourceSet resources
        uint32_t return_count
        TaskKind kind
        CObjectId actor
        string method
        string actor_name
        string actor_info
        CallOptions options


cdef extern from "client/values/runnable_task.h" namespace "rayx" nogil:
    cdef cppclass CRunnableTask "rayx::RunnableTask":
        uint32_t sequence
        uint32_t attempt
        Id16 id
        CDriverId driver
        CFunctionId function
        string name
        uint32_t return_count
        ByteSpan args
        cbool args_in_store
        vector[ObjectView] values
        optional[string] driver_config
        TaskKind kind
        Id16 actor
        string method
        vector[uint32_t] gpus
        double cpus
        CallOptions options
        vector[string] setups
        optional[CObjectId] state
        shared_ptr[const void] memory
