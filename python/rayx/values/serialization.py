"""Values to stored objects and back: pickle protocol 5, with large buffers beside the stream.

    object_id = client.put(*serialize([1, 2]))
    deserialize(client.get([object_id], -1)[0])

Standard pickle is tried first, since it is fast. What it cannot do, or would do by a name that
another process cannot look up (`__main__`, a module that is on nobody's path), cloudpickle does.
"""

from __future__ import annotations

import io
import pickle
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from rayx import errors
from rayx._raylet import (
    KIND_BYTES,
    KIND_PICKLE,
    KIND_SYSTEM_ERROR,
    KIND_TASK_ERROR,
    NOT_ONE_PICKLE,
    dump_plain,
    load_pickle,
)
from rayx.text import value_text
from rayx.values import importable, reducers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rayx._raylet import ObjectID
    from rayx.node_client import StoredObject

# A bytes object from this size on is stored as it is; below, the pickle's frame costs nothing.
RAW_BYTES_MIN = 4096

_PROTOCOL = 5

# Pickled without a second look: no ids inside, no classes, no buffers.
PLAIN_TYPES = frozenset({int, float, str, bool, bytes, type(None)})
_ARE_PLAIN = PLAIN_TYPES.issuperset
_NUMBERS_AND_TEXT = PLAIN_TYPES - {bytes}
_CONTAINERS = frozenset({dict, list, tuple})
# In a larger collection, to look at the types takes longer than what it saves.
_PLAIN_CONTAINER_MAX = 32

_pickle = pickle.dumps
_unpickle = pickle.loads
_new = tuple.__new__
_traceback = BaseException.__dict__["__traceback__"]


class Serialized(NamedTuple):
    """A value ready to be stored, in the order in which `Client.put` wants it."""

    kind: int
    stream: bytes
    #: Out-of-band data, flat.
    buffers: Sequence[memoryview]
    #: ObjectIDs inside the value.
    contained: Sequence[ObjectID[Any]]


# What most methods return.
_NOTHING = Serialized(KIND_PICKLE, _pickle(None, _PROTOCOL), (), ())

# ---- the ids inside a value ----------------------------------------------------------------------


class _Collecting(threading.local):
    """The ids met by the pickling that this thread is doing; None if it does none for us."""

    ids: list[ObjectID[Any]] | None = None


_collecting = _Collecting()


def _ignore(error: errors.RayxError) -> None:
    """In a process that prints no failures."""


# Told of each exception that stands for a failure, when it is made to be raised.
_on_failure_got: Callable[[errors.RayxError], None] = _ignore


def collect(object_id: ObjectID[Any]) -> bool:
    """Notes an id that is being pickled. False if that is not for an object of ours."""
    if _collecting.ids is None:
        return False
    _collecting.ids.append(object_id)
    return True


# ---- to bytes ------------------------------------------------------------------------------------


def serialize(value: Any, root: str = "value") -> Serialized:
    """Pickles `value`. SerializationError, with the path from `root`, if it cannot be."""
    if value is None:
        return _NOTHING
    kind = type(value)
    if kind is bytes and len(value) >= RAW_BYTES_MIN:
        return Serialized(KIND_BYTES, value, (), ())
    # As the class would do it, at a third of the time, which here is most of it.
    if kind in PLAIN_TYPES:
        return _new(Serialized, (KIND_PICKLE, dump_plain(value), (), ()))
    if kind in _CONTAINERS and _is_plain(value):
        return _new(Serialized, (KIND_PICKLE, _pickle(value, _PROTOCOL), (), ()))
    buffers: list[memoryview] = []
    stream, contained = dumps(value, root, buffers)
    return Serialized(KIND_PICKLE, stream, buffers, contained)


def serialize_results(values: Sequence[Any], name: str) -> list[Serialized]:
    """Pickles each of the results of the task called `name`."""
    # Most are numbers and short texts, for which a call each would be half of the time.
    plain, new, pickled = _NUMBERS_AND_TEXT, _new, dump_plain
    return [
        new(Serialized, (KIND_PICKLE, pickled(value), (), ()))
        if type(value) in plain
        else serialize(value, f"result {index} of {name}")
        for index, value in enumerate(values)
    ]


def _is_plain(container: Any) -> bool:
    """Whether it is a small collection of plain values, as many are; quick, if it is not."""
    if len(container) > _PLAIN_CONTAINER_MAX:
        return False
    if type(container) is dict and not _ARE_PLAIN(map(type, container.values())):
        return False
    return _ARE_PLAIN(map(type, container))


def dumps(
    value: Any, root: str, buffers: list[memoryview] | None = None
) -> tuple[bytes, list[ObjectID[Any]]]:
    """The pickle of `value` and the ids inside it; without `buffers`, all data is in the stream."""
    reducers.refresh()
    outer = _collecting.ids
    try:
        try:
            ids: list[ObjectID[Any]] = []
            _collecting.ids = ids
            return _dump(_Pickler, value, buffers), ids
        except (MemoryError, *errors.INTERRUPTIONS):
            raise
        except Exception:
            if buffers:
                buffers.clear()
        # Outside of the handler: the first failure has nothing to do with a second one.
        _collecting.ids = ids = []
        return _dump(_by_value_pickler(), value, buffers), ids
    except (MemoryError, *errors.INTERRUPTIONS):
        raise
    except Exception as error:
        raise _not_serializable(value, root, error) from error
    finally:
        _collecting.ids = outer


def attempt(value: Any) -> None:
    """Pickles `value` for nothing; raises if that is impossible."""
    outer = _collecting.ids
    _collecting.ids = []
    try:
        _dump(_by_value_pickler(), value, [])
    finally:
        _collecting.ids = outer


def _dump(pickler: Any, value: Any, buffers: list[memoryview] | None) -> bytes:
    file = io.BytesIO()
    keep = None if buffers is None else _keep_in(buffers)
    pickler(file, protocol=_PROTOCOL, buffer_callback=keep).dump(value)
    return file.getvalue()


def _keep_in(buffers: list[memoryview]) -> Callable[[pickle.PickleBuffer], bool]:
    def keep(buffer: pickle.PickleBuffer) -> bool:
        try:
            buffers.append(buffer.raw())
        except BufferError:  # not contiguous: into the stream with it
            return True
        return False

    return keep


class _NotByNameError(Exception):
    """Other processes could not look this up."""


class _Pickler(pickle.Pickler):
    """Standard pickle, with a say in how classes, functions and some data are reduced."""

    def reducer_override(self, obj: Any) -> Any:
        cls = type(obj)
        if cls not in _plain_classes:
            if issubclass(cls, type) or cls in importable.NAMED_TYPES:
                if not importable.by_others(obj):
                    raise _NotByNameError(obj)
                return NotImplemented
            _check_class(cls)
        return reducers.reduce(obj)


# Classes whose instances need no second look.
_plain_classes: set[type] = set()
_PLAIN_CLASSES_MAX = 10_000


def _check_class(cls: type) -> None:
    """That an instance may say by which name it is found, as its `__reduce__` does."""
    if cls.__module__ == "__main__":
        raise _NotByNameError(cls)
    if "<locals>" not in cls.__qualname__ and len(_plain_classes) < _PLAIN_CLASSES_MAX:
        _plain_classes.add(cls)


def _by_value_pickler() -> Any:
    from rayx.values import by_value  # late: cloudpickle is slow to import

    return by_value.ByValuePickler


def dump_by_value(value: Any, root: str) -> tuple[bytes, list[ObjectID[Any]]]:
    """As `dumps`, by cloudpickle at once: for functions, which are what it is made for."""
    reducers.refresh()
    outer = _collecting.ids
    ids: list[ObjectID[Any]] = []
    _collecting.ids = ids
    try:
        return _dump(_by_value_pickler(), value, None), ids
    except (MemoryError, *errors.INTERRUPTIONS):
        raise
    except Exception as error:
        raise _not_serializable(value, root, error) from error
    finally:
        _collecting.ids = outer


def _not_serializable(value: Any, root: str, error: Exception) -> errors.SerializationError:
    # cloudpickle turns a RecursionError into a PicklingError of that cause.
    if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
        return errors.SerializationError(
            f"{root}: nested too deeply to be pickled; flatten it, or raise the limit with "
            f"sys.setrecursionlimit (now {sys.getrecursionlimit()})"
        )
    from rayx.values import pickle_path

    return errors.SerializationError(
        f"cannot be pickled: {pickle_path.explain(value, root, attempt)}. Make it where it is "
        "used, leave it out, or define __reduce__ in its class"
    )


# ---- from bytes ----------------------------------------------------------------------------------


def deserialize(buffer: StoredObject) -> Any:
    """The value of a stored object; raises what stands in its place if the task failed.

    Arrays and Arrow data stay where they lie and keep `buffer` alive; arrays are read-only.
    """
    try:
        value = load_pickle(buffer)  # as most values are
        if value is not NOT_ONE_PICKLE:
            return value
        if buffer.kind == KIND_PICKLE:
            return _unpickle(buffer.stream, buffers=buffer.buffers)
    except (MemoryError, *errors.INTERRUPTIONS):
        raise
    except Exception as error:
        raise errors.SerializationError(
            f"a stored value could not be unpickled: {_told(error)}"
        ) from error
    if buffer.kind == KIND_BYTES:
        return bytes(buffer.stream)
    raise stored_error(buffer)


def is_error(buffer: StoredObject) -> bool:
    """Whether `deserialize` raises: the object stands for a failure."""
    return buffer.kind in (KIND_TASK_ERROR, KIND_SYSTEM_ERROR)


def set_failure_hook(on_got: Callable[[errors.RayxError], None]) -> None:
    """Has `on_got` called with each exception that stands for a failure, when somebody gets it."""
    global _on_failure_got
    _on_failure_got = on_got


def stored_error(buffer: StoredObject) -> errors.RayxError:
    """The exception that an object stands for."""
    error = _make_error(buffer)
    _on_failure_got(error)
    return error


def _make_error(buffer: StoredObject) -> errors.RayxError:
    if buffer.kind == KIND_SYSTEM_ERROR:
        return errors.from_system_error(bytes(buffer.stream))
    if buffer.kind != KIND_TASK_ERROR:
        return errors.RayxError(f"an object of unknown kind {buffer.kind}")
    facts, pickled_cause = pickle.loads(buffer.stream)
    cause = None
    if pickled_cause is not None:
        try:
            cause = pickle.loads(pickled_cause)
        except value_text.STOPS:
            raise
        except BaseException as error:  # whatever its class does
            note = f"The exception could not be unpickled here: {_told(error)}"
            facts["traceback_text"] += f"\n{note}"
    failure = errors.task_error(facts, cause)
    frames = getattr(buffer, "frames", None)
    if frames is not None:  # of PYTHON_MODE, where debuggers can look at them
        failure = failure.with_traceback(frames)
        if cause is not None:
            _traceback.__set__(cause, frames)
    return failure


def _told(error: BaseException) -> str:
    return f"{value_text.type_name(error)}: {value_text.text_of(error)}"
