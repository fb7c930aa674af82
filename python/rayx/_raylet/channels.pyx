"""The driver's second connection and the worker template's."""

cimport cython
from libc.stdint cimport int64_t, uint64_t
from libcpp.memory cimport unique_ptr
from libcpp.optional cimport optional

from rayx._raylet.bytes_and_text cimport text_of
from rayx._raylet.connection cimport check_made_by, doorway, driver_options
from rayx._raylet.cpp.channels cimport (
    COutputChannel, CTemplateChannel, ForkRequest, OutputEvent, OutputKind)
from rayx._raylet.cpp.client cimport DriverOptions
from rayx._raylet.cpp.ids cimport WorkerNumber
from rayx._raylet.cpp.status cimport Status, Unwrap
from rayx._raylet.status cimport raise_unless_ok


@cython.final
cdef class OutputChannel:
    cdef unique_ptr[COutputChannel] channel

    def __cinit__(self, made_by=None):
        check_made_by(made_by, "an OutputChannel is made by OutputChannel.connect")

    @staticmethod
    def connect(str socket_path not None, bytes driver_id not None, str python_version not None):
        cdef DriverOptions options = driver_options(socket_path, driver_id, python_version, b"")
        cdef OutputChannel made = OutputChannel.__new__(OutputChannel, doorway())
        cdef Status status
        with nogil:
            status = Unwrap(COutputChannel.Connect(options), &made.channel)
        raise_unless_ok(status)
        return made

    def next(self, int64_t timeout_ms=-1):
        cdef OutputEvent event
        cdef Status status
        with nogil:
            status = Unwrap(self.channel.get().Next(timeout_ms), &event)
        raise_unless_ok(status)
        if event.kind == OutputKind.kNothing:
            return None
        kind = ("lines" if event.kind == OutputKind.kLines else
                "failed" if event.kind == OutputKind.kTaskFailed else "drained")
        return (kind, event.pid, text_of(event.name), text_of(event.node),
                <bint> event.is_stderr, <bytes> event.text)

    def drain(self):
        cdef Status status
        with nogil:
            status = self.channel.get().Drain()
        raise_unless_ok(status)

    def close(self):
        self.channel.get().Close()


@cython.final
cdef class TemplateChannel:
    cdef unique_ptr[CTemplateChannel] channel

    def __init__(self, int socket_fd):
        raise_unless_ok(Unwrap(CTemplateChannel.Adopt(socket_fd), &self.channel))

    cdef CTemplateChannel* core(self) except NULL:
        if self.channel.get() == NULL:
            raise TypeError("this TemplateChannel was never opened")
        return self.channel.get()

    def fileno(self):
        return self.core().fd()

    def report_ready(self, int pid):
        raise_unless_ok(self.core().ReportReady(pid))

    def next_request(self):
        cdef optional[ForkRequest] request
        raise_unless_ok(Unwrap(self.core().NextRequest(), &request))
        if not request.has_value():
            return None
        return (request.value().number.value(), request.value().socket_fd, request.value().stdout_fd,
                request.value().stderr_fd, request.value().claim_fd)

    def report_forked(self, uint64_t number, int pid, int error_number):
        raise_unless_ok(self.core().ReportForked(WorkerNumber(number), pid, error_number))

    def report_exited(self, int pid, int wait_status):
        raise_unless_ok(self.core().ReportExited(pid, wait_status))

    def abandon(self):
        self.core().Abandon()
