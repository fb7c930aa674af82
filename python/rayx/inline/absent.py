"""What a client would ask of other processes, which PYTHON_MODE does not have.

>>> NoProcesses().lend_cpus()
0
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from rayx._raylet import TASK_ID_BYTES, RayletError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rayx._raylet import RunnableTask


_began_at = time.time()


def process_as_node(total: list[dict[str, Any]], pool_bytes: int) -> dict[str, Any]:
    """What can be said of this process where a node is asked for.

    `total`: amounts of resources, as messages have them.
    """
    return {
        "node_id": bytes(TASK_ID_BYTES),
        "host": "127.0.0.1",
        "port": 0,
        "pid": os.getpid(),
        "alive": True,
        "total": total,
        "pool_bytes": pool_bytes,
        "started_at": _began_at,
        "heartbeat_at": time.time(),
        "is_in_cluster": False,
        "is_draining": False,
    }


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
