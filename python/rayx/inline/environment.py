"""CUDA_VISIBLE_DEVICES in PYTHON_MODE: as in a worker while a task runs, the user's own otherwise.

The variables for numbers of threads stay as they are, since their readers have started.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rayx.process.gpus import CUDA_VISIBLE_DEVICES, TaskEnvironment


class InlineEnvironment:
    """Of one session."""

    def __init__(self, has_gpus: bool) -> None:
        self._has_gpus = has_gpus
        self._users_devices = os.environ.get(CUDA_VISIBLE_DEVICES)

    @contextmanager
    def within(self, gpus: Sequence[int]) -> Iterator[TaskEnvironment]:
        """While a task with these GPUs runs."""
        users = self._users_devices
        variables = {} if users is None else {CUDA_VISIBLE_DEVICES: users}
        environment = TaskEnvironment(variables, lambda: self._has_gpus)
        environment.apply(gpus, 1.0)
        outer = os.environ.get(CUDA_VISIBLE_DEVICES)
        _set(variables.get(CUDA_VISIBLE_DEVICES))
        try:
            yield environment
        finally:
            _set(outer)


def _set(devices: str | None) -> None:
    if devices is None:
        os.environ.pop(CUDA_VISIBLE_DEVICES, None)
    else:
        os.environ[CUDA_VISIBLE_DEVICES] = devices
