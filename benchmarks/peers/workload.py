"""What the tasks do. A module, so that each backend finds the functions by their names."""

from __future__ import annotations

import time
from typing import Any

_MEBIBYTE = 1 << 20
_DOUBLE_BYTES = 8


class Counter:
    """The actor."""

    def __init__(self) -> None:
        self._count = 0

    def increment(self) -> int:
        """Counts the call."""
        self._count += 1
        return self._count

    def take(self, array: Any) -> int:
        """Reads an array's size."""
        return int(array.nbytes)


def noop() -> None:
    """The smallest task."""


def occupy(seconds: float) -> int:
    """Keeps its worker busy, so that another one is given the next task."""
    import numpy as np

    time.sleep(seconds)
    return int(np.zeros(1).nbytes)


def count_arguments(*arguments: Any) -> int:
    """For many references."""
    return len(arguments)


def numbers(count: int) -> tuple[int, ...]:
    """Many results."""
    return tuple(range(count))


def take(array: Any) -> int:
    """Reads an array's size."""
    return int(array.nbytes)


def megabyte() -> Any:
    """A new array of 1 MiB."""
    import numpy as np

    return np.ones(_MEBIBYTE // _DOUBLE_BYTES)


def filled(value: float, items: int) -> Any:
    """A leaf of the tree."""
    import numpy as np

    return np.full(items, value)


def add(left: Any, right: Any) -> Any:
    """A knot of the tree."""
    return left + right
