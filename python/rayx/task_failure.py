"""What a worker tells of a task that failed: the text for people, and the exception for `get`.

`describe(error, facts)` makes both.
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any

from rayx import errors, serialization
from rayx._raylet import KIND_TASK_ERROR

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep

# What numpy says to somebody who writes into an argument.
_READ_ONLY = "read-only"
_READ_ONLY_HINT = "(arrays that come from objects are shared, so read-only: change a copy of it)"

# Arguments are shown to be recognised, not to be read in full.
_ARGUMENT_CHARS_MAX = 40
_ARGUMENTS_SHOWN_MAX = 6


def describe(error: BaseException, facts: dict[str, Any]) -> tuple[serialization.Serialized, str]:
    """The object that takes the place of the task's results, and the text to print.

    `facts` are the attributes of TaskError that the exception itself does not tell.
    """
    text = traceback_of(error)
    message = _message_of(error)
    if isinstance(error, SystemExit):
        message = f"the task called sys.exit({message})"
        text += f"\n{message}"
    elif isinstance(error, ValueError) and _READ_ONLY in message:
        text += f"\n{_READ_ONLY_HINT}"
    facts = facts | {
        "type_name": type(error).__name__,
        "message": message,
        "traceback_text": text,
    }
    # A failure of another task, got and not handled here, keeps its type.
    cause = error.cause if isinstance(error, errors.TaskError) else error
    pickled, contained = _pickle_cause(cause) if isinstance(cause, Exception) else (None, [])
    stream = pickle.dumps((facts, pickled), protocol=5)
    shown = str(errors.task_error(facts, None))
    printable = shown.encode(errors="backslashreplace").decode()  # no half characters
    return serialization.Serialized(KIND_TASK_ERROR, stream, [], contained), printable


def traceback_of(error: BaseException) -> str:
    """As Python prints it, without the frames of rayx."""
    try:
        tree = traceback.TracebackException.from_exception(error, compact=True)
        _drop_our_frames(tree, set())
        return "".join(tree.format()).rstrip("\n")
    except Exception:  # a __str__ that raises, and the like
        return f"{type(error).__name__}: {_message_of(error)}"


def _drop_our_frames(tree: traceback.TracebackException, seen: set[int]) -> None:
    if id(tree) in seen:
        return
    seen.add(id(tree))
    kept = [frame for frame in tree.stack if not frame.filename.startswith(_PACKAGE)]
    tree.stack[:] = kept
    for other in (tree.__cause__, tree.__context__, *(getattr(tree, "exceptions", None) or ())):
        if other is not None:
            _drop_our_frames(other, seen)


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:
        return f"(its text could not be made: {type(failure).__name__})"


def shorten_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The arguments as in a call, each shortened; arrays by shape.

    >>> shorten_arguments((1, "a" * 100), {"k": 2})
    "1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…, k=2"
    """
    parts = [_shorten(value) for value in args[:_ARGUMENTS_SHOWN_MAX]]
    parts += [
        f"{name}={_shorten(value)}" for name, value in list(kwargs.items())[:_ARGUMENTS_SHOWN_MAX]
    ]
    hidden = len(args) + len(kwargs) - len(parts)
    if hidden > 0:
        parts.append(f"… {hidden} more")
    return ", ".join(parts)


def _shorten(value: Any) -> str:
    shape = getattr(value, "shape", None)
    try:
        if isinstance(shape, tuple) and hasattr(value, "dtype"):
            return f"<{type(value).__name__} {value.dtype} {shape}>"
        if isinstance(value, str | bytes):
            text = repr(value[: _ARGUMENT_CHARS_MAX + 1])
        elif isinstance(value, list | tuple | dict | set | frozenset) and len(value) > 20:
            return f"<{type(value).__name__} of {len(value)}>"
        else:
            text = repr(value)
    except Exception:
        return f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= _ARGUMENT_CHARS_MAX else text[: _ARGUMENT_CHARS_MAX - 1] + "…"


# ---- the exception itself ------------------------------------------------------------------------


def _pickle_cause(cause: Exception) -> tuple[bytes | None, list[Any]]:
    """A pickle that is known to come back, as much of the exception as possible."""
    attempts: list[Callable[[], Any]] = [lambda: cause, lambda: _Rebuilt(cause)]
    for make in attempts:
        try:
            pickled, contained = serialization.dumps(make(), "exception")
            copy = pickle.loads(pickled)
        except Exception:
            continue
        if type(copy).__name__ == type(cause).__name__ and not _lacks(copy, cause):
            return pickled, contained
    return None, []


def _lacks(copy: Exception, cause: Exception) -> bool:
    """Whether something in slots was lost: exceptions pickle their dictionary only."""
    return any(
        hasattr(cause, name) and not hasattr(copy, name)
        for name in errors.member_names(type(cause))
    )


class _Rebuilt:
    """Pickles as an exception made without its `__init__`, from what of it can be pickled."""

    def __init__(self, cause: Exception) -> None:
        self._cause = cause

    def __reduce__(self) -> tuple[Any, ...]:
        names = [*vars(self._cause), *errors.member_names(type(self._cause))]
        state = {}
        for name in dict.fromkeys(names):
            try:
                value = getattr(self._cause, name)
                serialization.attempt(value)
            except Exception:
                continue
            state[name] = value
        args = tuple(_or_text(value) for value in self._cause.args)
        return rebuild, (type(self._cause), args, state)


def _or_text(value: Any) -> Any:
    try:
        serialization.attempt(value)
    except Exception:
        return _shorten(value)
    return value


def rebuild(cls: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    """An exception as it was, without asking its `__init__`."""
    error = errors.new(cls, args)
    for name, value in state.items():
        try:
            setattr(error, name, value)
        except (AttributeError, TypeError):
            continue  # read-only, and set by __new__
    return error
