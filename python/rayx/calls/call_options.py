"""What one option of a call is: its type, its check, and what the node is told of it.

The options of a function, a class and a method are NamedTuples, in which each is declared once:
`max_retries: Annotated[int, Option(...)] = 3`. From that come the check of `rayx.remote(...)` and
`.options(...)`, and the fields of the message (cpp/common/protocol/call_options.fbs).

>>> from typing import NamedTuple
>>> class Options(NamedTuple):
...     timeout: Timeout = None
...     priority: Annotated[int, Option(between(0, 9), "priority")] = 0
>>> fields(checked(Options(timeout=2)))
{'timeout_ms': 2000, 'priority': 0}
>>> checked(Options(priority=10))
Traceback (most recent call last):
ValueError: priority must be between 0 and 9, not 10
"""

# Annotations are read when the program runs, so they are not put off.
import functools
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from rayx._raylet import NAME_BYTES_MAX, RETURNS_MAX
from rayx.text import resources as resource_amounts
from rayx.text.durations import SECONDS, Duration, in_units
from rayx.text.quantities import whole
from rayx.text.value_text import shown, type_name

#: In place of a number of results: a generator, whose items are results.
STREAM: Literal["stream"] = "stream"
ReturnCount = int | Literal["stream"]

_TIMEOUT_SECONDS_MAX = 1e9

# Words of others that mean the same, and ours.
_SAME = {"num_returns": "num_return_vals"}


class Option:
    """How an option is checked, and what the node is told of it."""

    __slots__ = ("check", "encoded", "field")

    def __init__(
        self,
        check: Callable[[str, Any], Any],
        field: str | None = None,
        encoded: Callable[[Any], int] = int,
    ) -> None:
        #: Given the option's name and a value: the value to be kept; raises if it is wrong.
        self.check = check
        #: The field of the message that says it, if one does.
        self.field = field
        #: Given a checked value: what the field holds.
        self.encoded = encoded


Options = TypeVar("Options", bound="tuple[Any, ...]")  # a NamedTuple of options


@functools.cache
def declared(kind: Any) -> tuple[tuple[str, Option], ...]:
    """The options that a NamedTuple declares, in its order."""
    return tuple((name, one.__metadata__[0]) for name, one in kind.__annotations__.items())


def _declared_by(options: Any) -> tuple[tuple[str, Option], ...]:
    kind: Any = type(options)
    return declared(kind)


def checked(options: Options) -> Options:
    """These, each checked."""
    known: Any = options
    made: Options = known._make(
        option.check(name, value)
        for (name, option), value in zip(_declared_by(known), known, strict=True)
    )
    return made


def fields(options: Any) -> dict[str, int]:
    """What the node is told of them, by the names of the message."""
    return {
        option.field: option.encoded(value)
        for (_, option), value in zip(_declared_by(options), options, strict=True)
        if option.field is not None
    }


def accepted(changes: dict[str, Any]) -> dict[str, Any]:
    """These options, by our names. TypeError if one is given by both.

    >>> accepted({"num_returns": 2})
    {'num_return_vals': 2}
    """
    for word, ours in _SAME.items():
        if word in changes:
            if ours in changes:
                raise TypeError(f"{word} and {ours} are the same: give one of them")
            changes = {ours if name == word else name: value for name, value in changes.items()}
    return changes


def replaced(
    options: Options, changes: dict[str, Any], kind: Literal["function", "class", "method"]
) -> Options:
    """These options with others in their place; TypeError or ValueError if one is wrong."""
    known: Any = options
    changes = accepted(changes)
    for name in changes:
        if name not in known._fields:
            from rayx.text import words

            raise TypeError(words.no_option(kind, name, known))
    changed: Options = known._replace(**changes)
    return checked(changed)


# ---- checks of single options --------------------------------------------------------------------


def between(smallest: int, largest: int) -> Callable[[str, Any], int]:
    """A check for a whole number."""
    return lambda name, value: whole(name, value, smallest, largest)


def none_or(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """A check that lets None pass, too."""
    return lambda name, value: None if value is None else check(name, value)


def return_count(name: str, value: Any) -> ReturnCount:
    """How many results a call is to have; TypeError or ValueError if it cannot have as many."""
    if isinstance(value, str):
        if value != STREAM:
            raise TypeError(
                f'{name} must be a whole number or "stream", '
                f"not {shown(value)} of {type_name(value)}"
            )
        return STREAM
    return whole(name, value, 0, RETURNS_MAX)


def result_count(num_return_vals: ReturnCount) -> int:
    """As the node counts results: what ends a stream is its only one."""
    return 1 if isinstance(num_return_vals, str) else num_return_vals


def stream_window(num_return_vals: ReturnCount) -> int:
    """How far a stream's task may be ahead; 0 if it is none."""
    if num_return_vals != STREAM:
        return 0
    from rayx.waiting.object_stream import WINDOW  # which most programs never need

    return WINDOW


def shown_name(name: str, value: Any) -> str | None:
    """Names are shown to people, and are how actors are found."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {shown(value)} of {type_name(value)}")
    if not value or not value.isprintable() or len(value.encode()) > NAME_BYTES_MAX:
        raise ValueError(
            f"{name} must be printable, not empty and of at most {NAME_BYTES_MAX} bytes, "
            f"not {shown(value[:60])}"
        )
    return value


def timeout_ms(timeout: Any) -> int:
    """The option `timeout`, which is in seconds, as the node takes it; 0 for none."""
    if timeout is None:
        return 0
    seconds = in_units("timeout", timeout, SECONDS)
    if not 0 < seconds <= _TIMEOUT_SECONDS_MAX:
        raise ValueError(
            f"timeout must be more than 0 seconds and at most {_TIMEOUT_SECONDS_MAX:,.0f}, "
            f"not {shown(timeout)}; None sets no limit"
        )
    return math.ceil(seconds * 1000)


def _timeout(_name: str, value: Any) -> Any:
    timeout_ms(value)
    return value


def _cpus(_name: str, value: Any) -> Any:
    resource_amounts.demand(value, None, None)
    return value


def _gpus(_name: str, value: Any) -> Any:
    resource_amounts.demand(None, value, None)
    return value


def _resources(_name: str, value: Any) -> Any:
    """The caller's dictionary may change afterwards."""
    resource_amounts.demand(None, None, value)
    return None if value is None else dict(value)


# ---- options of more than one kind of call -------------------------------------------------------

NumReturnVals = Annotated[ReturnCount, Option(return_count, "stream_window", stream_window)]
Timeout = Annotated[Duration | None, Option(_timeout, "timeout_ms", timeout_ms)]
Cpus = Annotated[float | None, Option(_cpus)]
Gpus = Annotated[float | None, Option(_gpus)]
Resources = Annotated[Mapping[str, float] | None, Option(_resources)]
Name = Annotated[str | None, Option(shown_name)]
