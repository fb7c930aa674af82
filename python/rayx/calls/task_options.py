"""What may be said of a remote function beside its code.

>>> TaskOptions().replaced({"num_return_vals": 2}).num_return_vals
2
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from rayx._raylet import NAME_BYTES_MAX, RETURNS_MAX
from rayx.text import resources as resource_amounts
from rayx.text.durations import SECONDS, Duration, in_units
from rayx.text.quantities import whole
from rayx.text.value_text import shown, type_name
from rayx.waiting.object_stream import WINDOW, ObjectStream

#: In place of a number of results: a generator, whose items are results.
STREAM: Literal["stream"] = "stream"
ReturnCount = int | Literal["stream"]

_RETRIES_MAX = (1 << 31) - 1
_PRIORITY_MAX = (1 << 31) - 1
_TIMEOUT_SECONDS_MAX = 1e9


# Words of others that mean the same, and ours.
_SAME = {"num_returns": "num_return_vals"}


def accepted(options: dict[str, Any]) -> dict[str, Any]:
    """These options, by our names. TypeError if one is given by both.

    >>> accepted({"num_returns": 2})
    {'num_return_vals': 2}
    """
    for word, ours in _SAME.items():
        if word in options:
            if ours in options:
                raise TypeError(f"{word} and {ours} are the same: give one of them")
            options = {ours if name == word else name: value for name, value in options.items()}
    return options


Options = TypeVar("Options", bound="tuple[Any, ...]")  # TaskOptions or ActorOptions


def with_changes(
    options: Options, changes: dict[str, Any], decorated: Literal["function", "class"]
) -> Options:
    """These options with others in their place, unchecked; TypeError for one that there is not."""
    known: Any = options
    changes = accepted(changes)
    for name in changes:
        if name not in known._fields:
            from rayx.text import words

            table = words.CLASS_OPTIONS if decorated == "class" else words.FUNCTION_OPTIONS
            raise TypeError(words.no_option(f"rayx.remote on a {decorated}", name, table, known))
    changed: Options = known._replace(**changes)
    return changed


def with_own_resources(options: Options) -> Options:
    """These, checked for what both kinds have; the caller's dictionary may change afterwards."""
    known: Any = options
    check_name(known.name)
    known.demand()
    if known.resources is not None:
        known = known._replace(resources=dict(known.resources))
    checked: Options = known
    return checked


class TaskOptions(NamedTuple):
    """Options of `rayx.remote` on a function, checked. None stands for the default."""

    num_return_vals: ReturnCount = 1
    num_cpus: float | None = None
    num_gpus: float | None = None
    resources: Mapping[str, float] | None = None
    max_retries: int = 3
    timeout: Duration | None = None
    priority: int = 0
    name: str | None = None

    def replaced(self, changes: dict[str, Any]) -> TaskOptions:
        """These options with others in their place; TypeError or ValueError if one is wrong."""
        changed = with_changes(self, changes, "function")
        changed = changed._replace(
            num_return_vals=return_count(changed.num_return_vals),
            max_retries=whole("max_retries", changed.max_retries, -1, _RETRIES_MAX),
            priority=whole("priority", changed.priority, -_PRIORITY_MAX, _PRIORITY_MAX),
        )
        timeout_ms(changed.timeout)
        return with_own_resources(changed)

    def demand(self) -> dict[str, float]:
        """The resources that a task holds while it runs."""
        return resource_amounts.demand(self.num_cpus, self.num_gpus, self.resources)

    def shape(self, ids: Sequence[Any], name: str) -> Any:
        """What a call returns: one id, a list of them, None, or a stream."""
        return shape(ids, self.num_return_vals, name)


def shape(ids: Sequence[Any], num_return_vals: ReturnCount, name: str) -> Any:
    """The ids of a call's results as its caller gets them."""
    if num_return_vals == 1:
        return ids[0]
    if num_return_vals == STREAM:
        return ObjectStream(ids, name)
    return list(ids) if num_return_vals else None


def result_count(num_return_vals: ReturnCount) -> int:
    """As the node counts results: what ends a stream is its only one."""
    return 1 if isinstance(num_return_vals, str) else num_return_vals


def stream_window(num_return_vals: ReturnCount) -> int:
    """How far a stream's task may be ahead; 0 if it is none."""
    return WINDOW if num_return_vals == STREAM else 0


# ---- checks of single options --------------------------------------------------------------------


def return_count(num_return_vals: Any) -> ReturnCount:
    """How many results a call is to have; TypeError or ValueError if it cannot have as many."""
    if isinstance(num_return_vals, str):
        if num_return_vals != STREAM:
            raise TypeError(
                'num_return_vals must be a whole number or "stream", '
                f"not {shown(num_return_vals)} of {type_name(num_return_vals)}"
            )
        return STREAM
    return whole("num_return_vals", num_return_vals, 0, RETURNS_MAX)


def check_name(name: Any) -> None:
    """Names are shown to people, and are how actors are found."""
    if name is None:
        return
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, not {shown(name)} of {type_name(name)}")
    if not name or not name.isprintable() or len(name.encode()) > NAME_BYTES_MAX:
        raise ValueError(
            f"name must be printable, not empty and of at most {NAME_BYTES_MAX} bytes, "
            f"not {shown(name[:60])}"
        )


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


def shortened_name(name: str) -> str:
    """A name as the node takes it: in UTF-8, and not too long."""
    return name.encode(errors="replace")[:NAME_BYTES_MAX].decode(errors="ignore")
