"""What `rayx.error_info` tells of a failed task.

>>> @rayx.remote
... def fail():
...     raise ValueError("no")
>>> rayx.wait([fail.remote()])
([ObjectID(...)], [])
>>> record = rayx.error_info()[0]
>>> record.function, record["kind"]
('fail', 'TaskError')
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any


class Record:
    """A frozen dataclass with slots whose fields can also be had by name, as from a dictionary."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self.__slots__:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__slots__)

    def keys(self) -> tuple[str, ...]:
        """The fields' names, so that `dict(record)` is possible."""
        return self.__slots__


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorInfo(Record):
    """One failed task. Its fields can also be had by name, as from a dictionary."""

    #: In hexadecimal.
    driver_id: str
    #: In hexadecimal.
    task_id: str
    #: Name of the function.
    function: str
    #: Name of the exception's class in rayx: TaskError, WorkerCrashedError …
    kind: str
    #: What was printed.
    message: str
    #: Seconds since the epoch.
    time: float


def records(found: list[tuple[bytes, bytes, str, str, str, float]]) -> list[ErrorInfo]:
    """What the client tells."""
    return [
        ErrorInfo(driver.hex(), task.hex(), function, kind, message, time)
        for driver, task, function, kind, message, time in found
    ]
