"""Waits that last long."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from rayx._raylet.ids import ObjectID

class _Look(Protocol):
    @property
    def next_ms(self) -> int: ...

_L = TypeVar("_L", bound=_Look)

def set_long_wait_hook(
    hook: Callable[[Sequence[ObjectID[Any]], bool, int, _L | None], _L], look_ms: int
) -> None:
    """Who is told of a `get` or `wait` that has lasted for `look_ms`, and again at its `next_ms`.

    With the ids, whether all are waited for, the milliseconds since the beginning, and what it
    returned the last time.
    """
