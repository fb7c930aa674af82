"""What a worker tells of a task that failed: the text for people, and the exception for `get`.

`describe(error, facts)` makes both. Much of it asks the exception's own code, and that of the
task's arguments. None of that can stop the report: whatever it raises, even what ends programs,
something simpler is told instead. (Nobody interrupts a task that has failed, so that there is
nothing to let pass.)
"""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from rayx import errors
from rayx._raylet import KIND_TASK_ERROR
from rayx.running import exception_chain
from rayx.text import value_text
from rayx.values import serialization

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

# What numpy says to somebody who writes into an argument.
_READ_ONLY = "read-only"
_READ_ONLY_HINT = "(arrays that come from objects are shared, so read-only: change a copy of it)"

_MISSING = object()

# Arguments are shown to be recognised, not to be read in full.
_ARGUMENT_CHARS_MAX = 40
_ARGUMENTS_SHOWN_MAX = 6

# Of an exception's text and of its traceback. The exception itself goes along in full.
_TEXT_CHARS_MAX = 100_000

# As they stand in BaseException, whatever the exception's class has in the place of them.
_traceback_in = BaseException.__dict__["__traceback__"].__get__


def describe(error: BaseException, facts: dict[str, Any]) -> tuple[serialization.Serialized, str]:
    """The object that takes the place of the task's results, and the text to print.

    `facts` are the attributes of TaskError that the exception itself does not tell. Does not raise.
    """
    try:
        facts = facts | _told(error)
    except BaseException:
        facts = facts | _told_without_asking(error)
    try:
        pickled, contained = exception_chain.pickled_with(_cause_in(error), _pickle_cause)
    except BaseException:
        pickled, contained = None, []
    stream = pickle.dumps((facts, pickled), protocol=5)
    shown = str(errors.task_error(facts, None))
    printable = shown.encode(errors="backslashreplace").decode()  # no half characters
    return serialization.Serialized(KIND_TASK_ERROR, stream, [], contained), printable


def without_cause(stored: serialization.Serialized) -> serialization.Serialized:
    """The same failure, with no more of the exception than its texts: for want of room."""
    facts, _ = pickle.loads(stored.stream)
    return stored._replace(stream=pickle.dumps((facts, None), protocol=5))


def _told(error: BaseException) -> dict[str, str]:
    text = traceback_of(error)
    message = _shortened(_message_of(error))
    if issubclass(type(error), SystemExit):
        message = f"the task called sys.exit({message})"
        text += f"\n{message}"
    elif issubclass(type(error), ValueError) and _READ_ONLY in message:
        text += f"\n{_READ_ONLY_HINT}"
    return {"type_name": value_text.type_name(error), "message": message, "traceback_text": text}


def _told_without_asking(error: BaseException) -> dict[str, str]:
    name = value_text.type_name(error)
    message = "(its text could not be made)"
    return {"type_name": name, "message": message, "traceback_text": f"{name}: {message}"}


def traceback_of(error: BaseException) -> str:
    """As Python prints it, without the frames of rayx. Does not raise."""
    try:
        tree = traceback.TracebackException.from_exception(error, compact=True)
        _drop_our_frames(tree, set())
        text = "".join(tree.format())
    except BaseException:  # a __str__ that raises, and the like
        frames = traceback.extract_tb(_traceback_in(error))
        lines = traceback.format_list([frame for frame in frames if not _is_ours(frame)])
        heading = ["Traceback (most recent call last):\n"] if lines else []
        last = f"{value_text.type_name(error)}: {_message_of(error)}"
        text = "".join([*heading, *lines, last])
    return _shortened(text.rstrip("\n"))


def _drop_our_frames(tree: traceback.TracebackException, seen: set[int]) -> None:
    if id(tree) in seen:
        return
    seen.add(id(tree))
    tree.stack[:] = [frame for frame in tree.stack if not _is_ours(frame)]
    for other in (tree.__cause__, tree.__context__, *(getattr(tree, "exceptions", None) or ())):
        if other is not None:
            _drop_our_frames(other, seen)


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return frame.filename.startswith(_PACKAGE)


def _message_of(error: BaseException) -> str:
    try:
        return value_text.text_of(error)
    except BaseException as failure:
        return f"(its text could not be made: {value_text.type_name(failure)})"


def _shortened(text: str) -> str:
    if len(text) <= _TEXT_CHARS_MAX:
        return text
    return f"{text[:_TEXT_CHARS_MAX]}… ({len(text) - _TEXT_CHARS_MAX:,} more characters)"


def shorten_arguments(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """The arguments as in a call, each shortened; arrays by shape. Does not raise.

    >>> shorten_arguments((1, "a" * 100), {"k": 2})
    "1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…, k=2"
    """
    parts = [_shorten(value) for value in args[:_ARGUMENTS_SHOWN_MAX]]
    parts += [
        f"{value_text.plain(name)}={_shorten(value)}"
        for name, value in list(kwargs.items())[:_ARGUMENTS_SHOWN_MAX]
    ]
    hidden = len(args) + len(kwargs) - len(parts)
    if hidden > 0:
        parts.append(f"… {hidden} more")
    return ", ".join(parts)


def _shorten(value: Any) -> str:
    try:
        return value_text.shown(value, _ARGUMENT_CHARS_MAX)
    except BaseException:
        return f"<{value_text.type_name(value)}>"


# ---- the exception itself ------------------------------------------------------------------------


def _cause_in(error: BaseException) -> Exception | None:
    """What is to be raised where the result is asked for."""
    # A failure of another task, got and not handled here, keeps its type.
    cause: Any = error.cause if issubclass(type(error), errors.TaskError) else error  # type: ignore[attr-defined]
    return cause if issubclass(type(cause), Exception) else None


def _pickle_cause(cause: Exception | None) -> tuple[bytes | None, list[Any]]:
    """A pickle that is known to come back, as much of the exception as possible."""
    if cause is None:
        return None, []
    attempts: list[Callable[[], Any]] = [
        lambda: cause,
        lambda: _Rebuilt(cause, _state_of(cause)),
        lambda: _Rebuilt(cause, {}),
    ]
    for make in attempts:
        try:
            pickled, contained = serialization.dumps(make(), "exception")
            copy = pickle.loads(pickled)
            is_whole = make is attempts[-1] or not _lacks(copy, cause)
        except BaseException:
            continue
        if value_text.type_name(copy) == value_text.type_name(cause) and is_whole:
            return pickled, contained
    return None, []


def _lacks(copy: Exception, cause: Exception) -> bool:
    """Whether something in slots was lost: exceptions pickle their dictionary only."""
    for name in errors.member_names(type(cause)):
        there = getattr(cause, name, _MISSING)
        came = getattr(copy, name, _MISSING)
        if there is not _MISSING and (came is _MISSING or (came is None and there is not None)):
            return True
    return False


class _Rebuilt:
    """Pickles as an exception made without its `__init__`, from what of it can be pickled."""

    def __init__(self, cause: Exception, state: dict[str, Any]) -> None:
        self._cause = cause
        self._state = state

    def __reduce__(self) -> tuple[Any, ...]:
        args = tuple(_or_text(value) for value in self._cause.args)
        return rebuild, (type(self._cause), args, self._state)


def _state_of(cause: Exception) -> dict[str, Any]:
    state = {}
    for name in dict.fromkeys([*vars(cause), *errors.member_names(type(cause))]):
        try:
            value = getattr(cause, name)
            serialization.attempt(value)
        except BaseException:
            continue
        state[name] = value
    return state


def _or_text(value: Any) -> Any:
    try:
        serialization.attempt(value)
    except BaseException:
        return _shorten(value)
    return value


def rebuild(cls: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    """An exception as it was, without asking its `__init__`."""
    error = errors.new(cls, args)
    for name, value in state.items():
        try:
            object.__setattr__(error, name, value)
        except errors.INTERRUPTIONS:
            raise
        except Exception:
            continue  # read-only, and set by __new__
    return error
