"""What rayx raises. Every class that users meet is a `RayxError`.

A task that raised gives a `TaskError` which is also an instance of what the task raised:

    >>> @rayx.remote
    ... def f():
    ...     return {}["a"]
    >>> try:
    ...     rayx.get(f.remote())
    ... except KeyError as error:          # or rayx.TaskError
    ...     print(repr(error.cause))       # the KeyError itself
    KeyError('a')
"""

from __future__ import annotations

from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, TypeVar

from rayx import _raylet

_E = TypeVar("_E", bound=BaseException)


class RayxError(Exception):
    """The root of all exceptions of rayx."""


class NotInitializedError(RayxError):
    """Something was asked of rayx before `rayx.init()` or after `rayx.shutdown()`."""


class AlreadyInitializedError(RayxError):
    """`rayx.init()` was called where there is a session already."""


class StartError(RayxError):
    """The processes of a session could not be started."""


class InvalidArgumentError(RayxError, ValueError):
    """The node refused a request as meaningless."""


class SerializationError(RayxError, TypeError):
    """A value cannot be pickled (or unpickled); the text tells the path to the culprit."""


class WorkerCrashedError(RayxError):
    """The worker died while it ran the task, as often as the task may be retried."""


class WorkerStartError(RayxError):
    """No worker could be started; the text has what it printed, or what ran short.

    It is tried three times first, then once for each task that is submitted, a second later at
    most: so the next task runs as soon as what was missing is there.
    """


class ActorDiedError(RayxError):
    """The actor is gone, and with it the answers it owed; the text says what it died of."""


class ObjectLostError(RayxError):
    """The object is gone and cannot be made again."""


class ObjectStoreFullError(RayxError, MemoryError):
    """No room in the object store, and nothing may go; the text lists the largest holders."""


class GetTimeoutError(RayxError, TimeoutError):
    """Not all objects were there in the time given to `get`, `as_completed` or `progress`."""


class TaskCancelledError(RayxError):
    """The task was cancelled, by `rayx.cancel`."""


class TaskTimeoutError(RayxError, TimeoutError):
    """The task ran for longer than its option `timeout` allows; the text tells where it was."""


#: By which a running task is stopped from outside. What catches exceptions of all kinds on the way
#: to the task's end, lets these pass.
INTERRUPTIONS = (TaskCancelledError, TaskTimeoutError)


class DeadlockError(RayxError):
    """The call would wait for ever: for something that cannot begin before the wait is over."""


class InfeasibleError(RayxError):
    """The task asks for more than there is, so it can never run."""


class NodeDiedError(RayxError):
    """The node this process was connected to is gone. `rayx.shutdown()`, then `rayx.init()`."""


class ForkedProcessError(RayxError):
    """This process is a fork of one with a session; the connection is not shared."""


class ControlPlaneUnavailableError(RayxError):
    """The control server cannot be reached."""


class TaskError(RayxError):
    """The task raised an exception. Also an instance of that exception's type, where possible.

    `str()` of it is what to show a person: which task, then the traceback as it was in the worker,
    without the frames of rayx.

    An attribute that the exception has itself, be it `message` or `arguments`, is seen in place of
    ours of the same name, but for `cause`: a handler of that type finds its own.
    """

    #: The exception that the task raised; None if it could not be brought here.
    cause: BaseException | None = None
    #: The function's name.
    function: str = ""
    #: The arguments, shortened.
    arguments: str = ""
    #: The worker's process id.
    pid: int = 0
    #: In hexadecimal.
    task_id: str = ""
    #: The id of the node where the task ran, in hexadecimal.
    node_id: str = ""
    #: Name of the exception's type, whether it could be brought here or not.
    type_name: str = ""
    #: Text of the exception.
    message: str = ""
    #: The traceback as the worker printed it.
    traceback_text: str = ""

    def __str__(self) -> str:
        facts = self.__dict__.get(_OURS)
        if facts is None:
            return Exception.__str__(self)
        return (
            f"task {facts['function']}({facts['arguments']}) failed "
            f"(pid={facts['pid']}, node={facts['node_id'][:8]}, task={facts['task_id']})\n"
            f"{facts['traceback_text']}"
        )

    def __repr__(self) -> str:
        name = type.__dict__["__name__"].__get__(type(self))  # whatever its metaclass has
        facts = self.__dict__.get(_OURS, _NO_FACTS)
        return f"<{name} of {facts['function']}: {facts['type_name']}: {facts['message']}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return task_error, (self.__dict__.get(_OURS, _NO_FACTS), self.cause)


#: What is told of a failed task; the attributes of TaskError of the same names.
_FACTS = (
    "function",
    "arguments",
    "pid",
    "task_id",
    "node_id",
    "type_name",
    "message",
    "traceback_text",
)
_NO_FACTS = {name: vars(TaskError)[name] for name in _FACTS}
# Where a TaskError keeps them, whatever attributes the exception itself has.
_OURS = "_rayx_facts"

# The class for each type of cause. Weak keys would not help: it has its cause's type as base.
_dual_classes: dict[type[BaseException], type[TaskError]] = {}
_DUAL_CLASSES_MAX = 1000


def task_error(facts: dict[str, Any], cause: BaseException | None) -> TaskError:
    """Makes the exception that stands for a failed task.

    Only an `Exception` lends its type: a SystemExit that a task raised must not end the caller. Nor
    does one whose own code keeps the TaskError from telling of the task.
    """
    if issubclass(type(cause), Exception):
        try:
            like = _with_facts(_like(cause), facts, cause)
            _show_own(like, cause)
            if like.__dict__[_OURS] is facts:
                return like
        except (KeyboardInterrupt, *INTERRUPTIONS):
            raise
        except BaseException:
            pass  # whatever the class of the cause does
    return _with_facts(TaskError(facts["message"]), facts, cause)


def _with_facts(error: TaskError, facts: dict[str, Any], cause: BaseException | None) -> TaskError:
    # Written into the dictionary, since the cause's class may guard its attributes.
    error.__dict__[_OURS] = facts
    for name in _FACTS:
        error.__dict__[name] = facts[name]
    error.__dict__["cause"] = cause
    return error


def _show_own(error: TaskError, cause: BaseException | None) -> None:
    """Has the attributes that the exception itself has seen in place of ours."""
    if issubclass(type(cause), TaskError):
        return
    spaces = [vars(base) for base in type(cause).__mro__]
    for name in _FACTS:
        try:
            if name in cause.__dict__ or any(name in space for space in spaces):
                error.__dict__[name] = getattr(cause, name)
        except (KeyboardInterrupt, *INTERRUPTIONS):
            raise
        except BaseException:
            continue  # it cannot be asked, or has no value: then ours is seen


def _like(cause: Any) -> TaskError:
    """A TaskError that passes for `cause`: its type, arguments and attributes."""
    cls = _dual_class(type(cause))
    try:
        error = new(cls, cause.args)
        error.__dict__.update(cause.__dict__)
        _copy_members(cause, error)
    except INTERRUPTIONS:
        raise
    except Exception:
        error = TaskError(*cause.args)
    return error


def new(cls: type[_E], args: tuple[Any, ...]) -> _E:
    """Made without its `__init__`, which may want other arguments than it handed on."""
    try:
        error = cls.__new__(cls, *args)
    except TypeError:
        # MemoryError has a __new__ of its own, which refuses classes with another base before it.
        error = BaseException.__new__(cls, *args)
    object.__setattr__(error, "args", args)  # which the class may forbid: a frozen dataclass
    return error


def _dual_class(cause_type: type[Exception]) -> type[TaskError]:
    if issubclass(cause_type, TaskError):
        return cause_type
    known = _dual_classes.get(cause_type)
    if known is not None:
        return known
    name = f"TaskError({cause_type.__qualname__})"
    space = {"__module__": "rayx", "__doc__": TaskError.__doc__, "__qualname__": name}
    try:
        metaclass: Any = type(cause_type)
        dual: type[TaskError] = metaclass(name, (TaskError, cause_type), space)
    except INTERRUPTIONS:
        raise
    except Exception:  # a metaclass or an __init_subclass__ that will have none of this
        dual = TaskError
    if len(_dual_classes) >= _DUAL_CLASSES_MAX:
        _dual_classes.clear()
    _dual_classes[cause_type] = dual
    return dual


def _copy_members(source: BaseException, target: BaseException) -> None:
    """Copies what lies in slots, those of C classes too (errno of an OSError)."""
    for name in member_names(type(source)):
        try:
            object.__setattr__(target, name, getattr(source, name))
        except INTERRUPTIONS:
            raise
        except Exception:
            continue  # never set, or read-only and set from the arguments already


def member_names(cls: type) -> list[str]:
    """The attributes of a class's instances that are not in their dictionary.

    Without `obj` of AttributeError, which may be anything of any size.
    """
    return [
        name
        for base in cls.__mro__
        if base not in (object, BaseException)
        for name, what in vars(base).items()
        if isinstance(what, MemberDescriptorType | GetSetDescriptorType)
        and not name.startswith("__")
        and not (base is AttributeError and name == "obj")
    ]


# ---- between a batch and its task ---------------------------------------------------------------


class CallFailedError(BaseException):
    """A call of a batch (calls/batch.py) raised; TaskRun makes the task's failure of it."""

    def __init__(self, error: BaseException, arguments: tuple[Any, ...], values: list[Any]) -> None:
        super().__init__(error, arguments, values)
        self.error = error
        self.arguments = arguments
        #: The results of the calls before it.
        self.values = values


# ---- what comes from the node --------------------------------------------------------------------

_SYSTEM_ERRORS: dict[int, type[RayxError]] = {
    _raylet.ERROR_WORKER_CRASHED: WorkerCrashedError,
    _raylet.ERROR_INFEASIBLE: InfeasibleError,
    _raylet.ERROR_OBJECT_LOST: ObjectLostError,
    _raylet.ERROR_TASK_CANCELLED: TaskCancelledError,
    _raylet.ERROR_OBJECT_STORE_FULL: ObjectStoreFullError,
    _raylet.ERROR_WORKER_START_FAILED: WorkerStartError,
    _raylet.ERROR_ACTOR_DIED: ActorDiedError,
    _raylet.ERROR_TASK_TIMED_OUT: TaskTimeoutError,
}

# Names of StatusCode in cpp/common/base/status.h.
_STATUS_ERRORS: dict[str, type[RayxError]] = {
    "InvalidArgument": InvalidArgumentError,
    "StoreFull": ObjectStoreFullError,
    "Infeasible": InfeasibleError,
    "Disconnected": NodeDiedError,
    "TimedOut": GetTimeoutError,
    "Unavailable": ControlPlaneUnavailableError,
    "Forked": ForkedProcessError,
}


def from_system_error(stream: bytes) -> RayxError:
    """The exception for an object that rayx gave an error for a value: a code, then text."""
    code, text = (stream[0], stream[1:].decode(errors="replace")) if stream else (0, "")
    return _SYSTEM_ERRORS.get(code, RayxError)(text)


def from_status(code: str, message: str) -> RayxError:
    """The exception for a failed call of the doorway (`RayletError.code`, `.message`)."""
    return _STATUS_ERRORS.get(code, RayxError)(message or code)
