# A connection to the node, and the queues of objects that it makes. Their headers tell what each thing does.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr, unique_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.vector cimport vector

from rayx._raylet.cpp.ids cimport CDriverId, CFunctionId, CNodeId, CObjectId, IdSpan, WorkerNumber
from rayx._raylet.cpp.looker cimport Looker
from rayx._raylet.cpp.objects cimport ByteSpan, ObjectPieces, ObjectView, PiecesSpan, PrivateBytes
from rayx._raylet.cpp.questions cimport Value
from rayx._raylet.cpp.status cimport Result, Status
from rayx._raylet.cpp.tasks cimport CRunnableTask, CTaskTemplate


cdef extern from "client/tasks/completions.h" namespace "rayx" nogil:
    cdef cppclass CCompletions "rayx::Completions":
        Status Add(IdSpan ids)
        Result[vector[CObjectId]] Take(int64_t timeout_ms)
        Status Discard(const CObjectId& id)
        void Close()
        int fd()


cdef extern from "client/client.h" namespace "rayx" nogil:
    cdef cppclass DriverOptions:
        string socket_path
        CDriverId driver
        string python_version
        string driver_config
        cbool looks_for_signals
        cbool observes

    cdef cppclass NamedActor "rayx::NamedActor":
        CObjectId id
        string info

    # Why a task is interrupted.
    cdef enum class InterruptReason:
        kCancelled
        kTimedOut

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
        Result[string] FetchFunction(const CFunctionId& id, Looker* looker)
        vector[CFunctionId] TakeForgottenFunctions()
        Result[vector[CObjectId]] Submit(
            const CTaskTemplate& task, const ObjectPieces* args, IdSpan dependencies)
        Result[vector[CObjectId]] GrantCredit(
            const CObjectId& stream_end, uint32_t first, uint32_t count, uint32_t credit)
        Status Cancel(const CObjectId& id, cbool force)
        Status CancelAll(cbool force)
        Status KillActor(const CObjectId& actor)
        Status AddWorkerSetup(ByteSpan pickled)
        Result[optional[NamedActor]] FindActor(const string& name, int64_t timeout_ms, Looker* looker)
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
        Result[Value] Ask(
            const string& question, const Value& fields, int64_t timeout_ms, Looker* looker)
        void SeedIds(uint64_t seed)
        void Close()
