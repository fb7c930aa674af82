# The driver's second connection, and the worker template's.
from libc.stdint cimport int64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport unique_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string

from rayx._raylet.cpp.client cimport DriverOptions
from rayx._raylet.cpp.ids cimport WorkerNumber
from rayx._raylet.cpp.status cimport Result, Status


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
        string node
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
