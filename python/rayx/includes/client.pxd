# What _raylet.pyx sees of cpp/client and of the values that it takes and gives. Their headers tell what each thing does.
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr, unique_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector


cdef extern from "common/base/status.h" namespace "rayx" nogil:
    cdef enum class StatusCode:
        kOk
        kInterrupted
        kTimedOut

    cdef cppclass Status:
        cbool ok()
        StatusCode code()
        const string& message()

    cdef cppclass Result[T]:
        pass

    cdef cppclass string_view "std::string_view":
        const char* data()
        size_t size()

    string_view StatusCodeName(StatusCode code)


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


cdef extern from "common/base/ids.h" namespace "rayx" nogil:
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


cdef extern from "client/client.h" namespace "rayx" nogil:
    const int64_t kResourceUnitsPerOne "rayx::ResourceAmount::kUnitsPerOne"
    const int64_t kResourceMax "rayx::ResourceAmount::kWholeMax"

    cdef cppclass ResourceAmount:
        @staticmethod
        Result[ResourceAmount] FromDouble(double value)
        double ToDouble()

    cdef cppclass ResourceSet:
        void Set(const string& name, ResourceAmount amount)
        const vector[pair[string, ResourceAmount]]& items()


cdef extern from "<span>" namespace "std" nogil:
    cdef cppclass ByteSpan "std::span<const uint8_t>":
        ByteSpan()
        ByteSpan(const uint8_t* data, size_t size)
        const uint8_t* data()
        size_t size()

    cdef cppclass IdSpan "std::span<const rayx::ObjectId>":
        IdSpan()
        IdSpan(const vector[CObjectId]& ids)


cdef extern from "common/base/ids.h" namespace "rayx" nogil:
    size_t FirstRepeated(IdSpan ids)


cdef extern from "client/client.h" namespace "rayx" nogil:
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

    cdef enum class InterruptReason:
        kCancelled
        kTimedOut

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
    cdef cppclass MutableByteSpan "std::span<uint8_t>":
        uint8_t* data()
        size_t size()

    cdef cppclass PrivateBytes:
        MutableByteSpan bytes


cdef extern from "client/values/looker.h" namespace "rayx" nogil:
    cdef cppclass Looker:
        cbool (*look)(Looker* self, int64_t waited_ms) noexcept


cdef extern from "client/tasks/completions.h" namespace "rayx" nogil:
    cdef cppclass CCompletions "rayx::Completions":
        Status Add(IdSpan ids)
        Result[vector[CObjectId]] Take(int64_t timeout_ms)
        Status Discard(const CObjectId& id)
        void Close()
        int fd()


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


cdef extern from "client/client.h" namespace "rayx" nogil:
    cdef cppclass ObjectPieces:
        ObjectKind kind
        ByteSpan stream
        vector[ByteSpan] buffers
        vector[CObjectId] contained

    cdef cppclass PiecesSpan "std::span<const rayx::ObjectPieces* const>":
        PiecesSpan()
        PiecesSpan(const vector[const ObjectPieces*]& values)

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

    cdef cppclass DriverOptions:
        string socket_path
        CDriverId driver
        string python_version
        string driver_config
        cbool looks_for_signals

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

    cdef cppclass NamedActor "rayx::NamedActor":
        CObjectId id
        string info

    cdef cppclass Interrupted "rayx::ClaimWord::Interrupted":
        uint32_t sequence
        uint8_t reason

    cdef cppclass CClient "rayx::Client":
        @staticmethod
        Result[unique_ptr[CClient]] ConnectDriver(const DriverOptions& options)
        @staticmethod
        Result[unique_ptr[CClient]] AdoptWorker(
            int socket_fd, int claim_fd, WorkerNumber number, const string& python_version,
            cbool looks_for_signals)
        CNodeId node_id()
        uint64_t pool_bytes()
        int fd()
        Status ExportFunction(
            const CFunctionId& id, const string& name, ByteSpan pickled, IdSpan contained)
        Result[string] FetchFunction(const CFunctionId& id)
        vector[CFunctionId] TakeForgottenFunctions()
        Result[vector[CObjectId]] Submit(
            const CTaskTemplate& task, const ObjectPieces* args, IdSpan dependencies)
        Result[vector[CObjectId]] GrantCredit(
            const CObjectId& stream_end, uint32_t first, uint32_t count, uint32_t credit)
        Status Cancel(const CObjectId& id, cbool force)
        Status CancelAll(cbool force)
        Status KillActor(const CObjectId& actor)
        Status AddWorkerSetup(ByteSpan pickled)
        Result[optional[NamedActor]] FindActor(const string& name, int64_t timeout_ms)
        Result[CObjectId] Put(const ObjectPieces& value)
        Result[vector[cbool]] Wait(IdSpan ids, size_t count, int64_t timeout_ms, Looker* looker)
        Result[PrivateBytes] MapCopyOnWrite(ByteSpan object)
        Result[vector[ObjectView]] Get(IdSpan ids, int64_t timeout_ms, Looker* looker)
        Status Poll()
        Result[shared_ptr[CCompletions]] NewCompletions()
        void AddLocalReference(const CObjectId& id)
        void RemoveLocalReference(const CObjectId& id)
        cbool HasLocalReference(const CObjectId& id)
        Result[uint64_t] LendCpus()
        Status ReturnCpus(uint64_t wait)
        Result[CRunnableTask] NextTask()
        Status PutResult(const CRunnableTask& task, uint32_t index, const ObjectPieces& value)
        Status PutResults(const CRunnableTask& task, uint32_t first, PiecesSpan values, size_t* stored)
        Status PutItem(const CRunnableTask& task, uint32_t item, const ObjectPieces& value)
        Status FinishTask(
            const CRunnableTask& task, const string& error_text, cbool wrote_output, cbool failed,
            const CObjectId* state)
        Interrupted Interrupt()
        void NoteExitWork()
        Result[Value] Ask(const string& question, const Value& fields, int64_t timeout_ms)
        void SeedIds(uint64_t seed)
        void Close()


cdef extern from "client/connection/output_channel.h" namespace "rayx" nogil:
    cdef enum class OutputKind "rayx::OutputEvent::Kind":
        kLines
        kTaskFailed
        kDrained
        kNothing

    cdef cppclass OutputEvent:
        OutputKind kind
        int pid
        string name
        cbool is_stderr
        string text

    cdef cppclass COutputChannel "rayx::OutputChannel":
        @staticmethod
        Result[unique_ptr[COutputChannel]] Connect(const DriverOptions& options)
        Result[OutputEvent] Next(int64_t timeout_ms)
        Status Drain()
        void Close()


cdef extern from "client/connection/template_channel.h" namespace "rayx" nogil:
    cdef cppclass ForkRequest:
        WorkerNumber number
        int socket_fd
        int stdout_fd
        int stderr_fd
        int claim_fd

    cdef cppclass CTemplateChannel "rayx::TemplateChannel":
        @staticmethod
        Result[unique_ptr[CTemplateChannel]] Adopt(int socket_fd)
        int fd()
        Status ReportReady(int pid)
        Result[optional[ForkRequest]] NextRequest()
        Status ReportForked(WorkerNumber number, int pid, int error_number)
        Status ReportExited(int pid, int wait_status)
        void Abandon()


# What C++ can say and Cython cannot.
cdef extern from * namespace "rayx::doorway" nogil:
    """
    #include <memory>
    #include <string>
    #include <utility>

    #include "common/base/status.h"
    #include "client/values/object_view.h"

    namespace rayx::doorway {
    // The value goes to `out` if there is one.
    template <typename T>
    Status Unwrap(Result<T> result, T* out) {
      if (!result.ok()) return result.status();
      *out = std::move(result).value();
      return Status::Ok();
    }
    // A view on a copy.
    inline ObjectView ViewOfCopy(const uint8_t* data, size_t size) {
      const auto copy = std::make_shared<const std::string>(reinterpret_cast<const char*>(data), size);
      return ObjectView(copy, {reinterpret_cast<const uint8_t*>(copy->data()), copy->size()});
    }
    }  // namespace rayx::doorway
    """
    Status Unwrap[T](Result[T] result, T* out)
    ObjectView ViewOfCopy(const uint8_t* data, size_t size)
