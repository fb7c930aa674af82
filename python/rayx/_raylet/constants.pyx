"""Numbers and names that C++ decides."""

from rayx._raylet.cpp.client cimport InterruptReason
from rayx._raylet.cpp.ids cimport kFunctionIndex, kPutBit, kShortIdBytes, kStreamCreditBit
from rayx._raylet.cpp.limits cimport (
    kActorConcurrencyMax, kDriverEndMs, kFunctionBytesMax, kInlineObjectBytesMax, kNameBytesMax, kProcessMark,
    kProtocolVersion, kReturnsMax, kWorkerExitMs, kWorkersMax)
from rayx._raylet.cpp.objects cimport ObjectKind, SystemErrorCode
from rayx._raylet.cpp.tasks cimport TaskKind, kResourceMax, kResourceUnitsPerOne

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
TASK_ID_BYTES = kShortIdBytes
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
PROCESS_MARK = kProcessMark.data()[:kProcessMark.size()].decode()
