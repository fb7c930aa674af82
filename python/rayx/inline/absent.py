"""What a client would ask of other processes, which PYTHON_MODE does not have.

>>> NoProcesses().lend_cpus()
0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rayx._raylet import RayletError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rayx._raylet import RunnableTask


class NoProcesses:
    """Methods of NodeClient for which there is nothing to do."""

    def fileno(self) -> int:
        """There is nothing to watch."""
        return -1

    def poll(self) -> None:
        """There is nothing to take in."""

    def next_task(self, forget: Callable[[list[bytes]], None]) -> RunnableTask:
        """For workers."""
        raise RayletError("InvalidArgument", "there are no workers in PYTHON_MODE")

    def seed_ids(self, seed: int) -> None:
        """The seed is known from the start."""

    def lend_cpus(self) -> int:
        """Nobody else wants them."""
        return 0

    def return_cpus(self, wait: int) -> None:
        """See `lend_cpus`."""

    def interrupt(self) -> tuple[int, int]:
        """Nobody interrupts."""
        return 0, 0
