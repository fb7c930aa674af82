# cython: binding=False
"""The compiled doorway to rayx's C++ client: converts types, releases the GIL, raises. What each thing does stands in
_raylet.pyi and in cpp/client; there is no policy here."""

cimport cython
from cpython.buffer cimport (
    PyBUF_ANY_CONTIGUOUS, PyBUF_SIMPLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_CheckSignals
from cpython.memoryview cimport PyMemoryView_FromObject
from cpython.object cimport Py_EQ, Py_GT, Py_LE, Py_LT, Py_NE, PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from cpython.sequence cimport PySequence_GetSlice
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp
from libcpp.memory cimport shared_ptr, unique_ptr
from libcpp.optional cimport optional
from libcpp.string cimport string
from libcpp.vector cimport vector
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from rayx.includes.client cimport *

from types import GenericAlias, MappingProxyType

PROTOCOL_VERSION = kProtocolVersion
INLINE_OBJECT_BYTES_MAX = kInlineObjectBytesMax
KIND_PICKLE = <int> ObjectKind.kPickle
KIND_BYTES = <int> ObjectKind.kBytes
KIND_TASK_ERROR = <int> ObjectKind.kTaskError
KIND_SYSTEM_ERROR = <int> ObjectKind.kSystemError
KIND_FUNCTION = <int> TaskKind.kFunction
KIND_ACTOR_CREATION = <int> TaskKind.kActorCreation
KIND_ACTOR_CALL = <int> TaskKind.kActorCall
ERROR_WORKER_CRASHED = <int> SystemErrorCode.kWorkerCrashed
ERROR_INFEASIBLE = <int> SystemErrorCode.kInfeasible
ERROR_OBJECT_LOST = <int> SystemErrorCode.kObjectLost
ERROR_TASK_CANCELLED = <int> SystemErrorCode.kTaskCancelled
ERROR_OBJECT_STORE_FULL = <int> SystemErrorCode.kObjectStoreFull
ERROR_WORKER_START_FAILED = <int> SystemErrorCode.kWorkerStartFailed
ERROR_ACTOR_DIED = <int> SystemErrorCode.kActorDied
ERROR_TASK_TIMED_OUT = <int> SystemErrorCode.kTaskTimedOut
INTERRUPT_CANCELLED = <int> InterruptReason.kCancelled
INTERRUPT_TIMED_OUT = <int> InterruptReason.kTimedOut
PUT_BIT = kPutBit
STREAM_CREDIT_BIT = kStreamCreditBit
FUNCTION_INDEX = kFunctionIndex
FUNCTION_BYTES_MAX = kFunctionBytesMax
NAME_BYTES_MAX = kNameBytesMax
RETURNS_MAX = kReturnsMax
ACTOR_CONCURRENCY_MAX = kActorConcurrencyMax
WORKERS_MAX = kWorkersMax
RESOURCE_MAX = kResourceMax
RESOURCE_UNITS_PER_ONE = kResourceUnitsPerOne
WORKER_EXIT_MS = kWorkerExitMs
DRIVER_END_MS = kDriverEndMs

cdef enum:
    OBJECT_ID_BYTES = 20
    SHORT_ID_BYTES = 16

TASK_ID_BYTES = SHORT_ID_BYTES


# Known to this module only: what is made without it would have nothing behind it.
cdef object DOORWAY = object()


class RayletError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    def __reduce__(self):
        return RayletError, (self.code, self.message)


cdef bytes bytes_of(const uint8_t* data, size_t size):
    return PyBytes_FromStringAndSize(<const char*> data, size)


cdef bytes bytes_in(const string& content):
    return PyBytes_FromStringAndSize(content.data(), content.size())


cdef str text_of(const string& text):
    return text.decode("utf-8", "replace")


# The one place where a Status becomes an exception. Interrupted: the signal's handler runs, and if it raises, so does this.
cdef int raise_unless_ok(const Status& status) except -1:
    if status.ok():
        return 0
    if status.code() == StatusCode.kInterrupted:
        PyErr_CheckSignals()
        return 0
    cdef string_view name = StatusCodeName(status.code())
    raise RayletError(name.data()[:name.size()].decode(), text_of(status.message()))


cdef inline bint interrupted(const Status& status):
    return status.code() == StatusCode.kInterrupted


cdef int64_t now_ms() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t> now.tv_sec * 1000 + now.tv_nsec // 1000000


# What is left of a timeout that began at `start_ms`; negative stays negative.
cdef inline int64_t remaining_ms(int64_t start_ms, int64_t timeout_ms) noexcept nogil:
    if timeout_ms < 0:
        return timeout_ms
    return max(<int64_t> 0, timeout_ms - (now_ms() - start_ms))


# Called with (ids, whether all are waited for, milliseconds waited, None or its last answer) when a wait has lasted long;
# returns what it wants to be given next time, whose `next_ms` says when that is. Costs a short wait nothing.
cdef object long_wait_hook = None
cdef int64_t first_look_ms = 5000


def set_long_wait_hook(hook, int64_t look_ms):
    global long_wait_hook, first_look_ms
    long_wait_hook = hook
    first_look_ms = look_ms


include "looking.pxi"
include "ids.pxi"
include "buffers.pxi"


cdef CallOptions default_options
DEFAULT_OPTIONS = MappingProxyType(default_options)


# Most tasks have the defaults, for which no dictionary is made.
cdef inline object options_of(CallOptions options):
    return DEFAULT_OPTIONS if HasDefaults(options) else options


@cython.final
cdef class TaskTemplate:
    cdef CTaskTemplate core
    cdef readonly ObjectID actor  # refers to it for as long as calls can be made

    def __init__(self, bytes function_id not None, str name not None, dict resources not None,
                 uint32_t num_return_vals, dict options not None, *, int kind=KIND_FUNCTION,
                 ObjectID actor=None, str method not None="", str actor_name not None="",
                 bytes actor_info not None=b""):
        if not <int> TaskKind.kFunction <= kind <= <int> TaskKind.kActorCall:
            raise ValueError(f"there is no kind {kind} of tasks")
        cdef ResourceAmount amount
        self.core.function = CFunctionId.FromBytes(id_bytes(function_id, SHORT_ID_BYTES))
        self.core.name = name.encode()
        for resource, value in resources.items():
            raise_unless_ok(Unwrap(ResourceAmount.FromDouble(value), &amount))
            self.core.resources.Set(<string> resource.encode(), amount)
        self.core.return_count = num_return_vals
        for name in options:
            if name not in DEFAULT_OPTIONS:
                raise ValueError(f"there is no option {name!r} of calls")
        self.core.options = {**DEFAULT_OPTIONS, **options}
        self.core.kind = <TaskKind> kind
        self.actor = actor
        if actor is not None:
            self.core.actor = actor.id
        self.core.method = method.encode()
        self.core.actor_name = actor_name.encode()
        self.core.actor_info = actor_info

    @property
    def function_id(self):
        return bytes_of(self.core.function.data(), SHORT_ID_BYTES)

    @property
    def name(self):
        return text_of(self.core.name)

    @property
    def resources(self):
        return amounts_of(self.core.resources)

    @property
    def num_return_vals(self):
        return self.core.return_count

    @property
    def kind(self):
        return <int> self.core.kind

    @property
    def method(self):
        return text_of(self.core.method)

    @property
    def actor_name(self):
        return text_of(self.core.actor_name)

    @property
    def actor_info(self):
        return <bytes> self.core.actor_info

    @property
    def options(self):
        return options_of(self.core.options)


@cython.final
cdef class RunnableTask:
    cdef CRunnableTask core
    cdef Client client
    cdef str text_of_name  # made when it is first asked for

    def __init__(self, *args, **kwargs):
        raise TypeError("a RunnableTask is what Client.next_task returns, not made by hand")

    @property
    def task_id(self):
        return bytes_of(self.core.id.data(), SHORT_ID_BYTES)

    @property
    def driver_id(self):
        return bytes_of(self.core.driver.data(), SHORT_ID_BYTES)

    @property
    def function_id(self):
        return bytes_of(self.core.function.data(), SHORT_ID_BYTES)

    @property
    def name(self):
        if self.text_of_name is None:
            self.text_of_name = text_of(self.core.name)
        return self.text_of_name

    @property
    def sequence(self):
        return self.core.sequence

    @property
    def attempt(self):
        return self.core.attempt

    @property
    def kind(self):
        return <int> self.core.kind

    @property
    def actor_id(self):
        return bytes_of(self.core.actor.data(), SHORT_ID_BYTES)

    @property
    def method(self):
        return text_of(self.core.method)

    @property
    def gpu_ids(self):
        return [self.core.gpus[i] for i in range(self.core.gpus.size())]

    @property
    def num_cpus(self):
        return self.core.cpus

    @property
    def options(self):
        return options_of(self.core.options)

    @property
    def setups(self):
        return [bytes_in(self.core.setups[i]) for i in range(self.core.setups.size())]

    @property
    def num_return_vals(self):
        return self.core.return_count

    @property
    def args(self):
        if self.core.args_in_store:
            return wrap_view(self.core.values.back())
        if self.core.args.size() == 0:
            return None
        return wrap_view(ObjectView(self.core.memory, self.core.args))

    @property
    def values(self):
        cdef size_t count = self.core.values.size() - (1 if self.core.args_in_store else 0)
        return [wrap_view(self.core.values[i]) for i in range(count)]

    @property
    def has_news(self):
        return self.core.driver_config.has_value() or self.core.setups.size() > 0

    @property
    def driver_config(self):
        if not self.core.driver_config.has_value():
            return None
        return bytes_in(self.core.driver_config.value())

    @property
    def state(self):
        if not self.core.state.has_value():
            return None
        cdef CObjectId id = self.core.state.value()
        self.client.core().AddLocalReference(id)
        return adopt_object_id(self.client, id)

    def release(self):
        self.core.values.clear()
        self.core.args_in_store = False
        self.core.args = ByteSpan()
        self.core.memory.reset()


cdef DriverOptions driver_options(str socket_path, bytes driver_id, str python_version,
                                  bytes driver_config) except *:
    cdef DriverOptions options
    options.socket_path = os_path(socket_path)
    options.driver = CDriverId.FromBytes(id_bytes(driver_id, SHORT_ID_BYTES))
    options.python_version = python_version.encode()
    options.driver_config = driver_config
    options.looks_for_signals = True
    return options


cdef bytes os_path(str path):
    return path.encode("utf-8", "surrogateescape")


include "client_class.pxi"
include "completions.pxi"
include "channels.pxi"
include "unraisable.pxi"
