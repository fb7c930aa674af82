"""Numbers and names that C++ decides."""

from typing import Final

PROTOCOL_VERSION: Final[int]
INLINE_OBJECT_BYTES_MAX: Final[int]

# Kinds of stored objects (cpp/common/protocol/object_layout.h).
KIND_PICKLE: Final[int]
KIND_BYTES: Final[int]
KIND_TASK_ERROR: Final[int]
KIND_SYSTEM_ERROR: Final[int]

# Kinds of tasks (cpp/common/protocol/task.fbs).
KIND_FUNCTION: Final[int]
KIND_ACTOR_CREATION: Final[int]
KIND_ACTOR_CALL: Final[int]

# Why rayx gave an object an error for a value (cpp/common/protocol/object_layout.h).
ERROR_WORKER_CRASHED: Final[int]
ERROR_INFEASIBLE: Final[int]
ERROR_OBJECT_LOST: Final[int]
ERROR_TASK_CANCELLED: Final[int]
ERROR_OBJECT_STORE_FULL: Final[int]
ERROR_WORKER_START_FAILED: Final[int]
ERROR_ACTOR_DIED: Final[int]
ERROR_TASK_TIMED_OUT: Final[int]

# Why a task is interrupted (cpp/common/protocol/interrupt_reason.h).
INTERRUPT_CANCELLED: Final[int]
INTERRUPT_TIMED_OUT: Final[int]

# An ObjectID is the id of a task, then an index in four bytes, little endian: a return value, an
# item of a stream, or with a bit for puts and for credit of a stream (cpp/common/base/ids.h).
TASK_ID_BYTES: Final[int]
PUT_BIT: Final[int]
STREAM_CREDIT_BIT: Final[int]
FUNCTION_INDEX: Final[int]

# What the node takes at most, and how long it waits (cpp/common/base/limits.h).
FUNCTION_BYTES_MAX: Final[int]
NAME_BYTES_MAX: Final[int]
RETURNS_MAX: Final[int]
ACTOR_CONCURRENCY_MAX: Final[int]
WORKERS_MAX: Final[int]
RESOURCE_MAX: Final[int]
RESOURCE_UNITS_PER_ONE: Final[int]
WORKER_EXIT_MS: Final[int]
DRIVER_END_MS: Final[int]

# The variable of the environment that says which driver a process works for
# (cpp/common/process/process_mark.h).
PROCESS_MARK: Final[str]
