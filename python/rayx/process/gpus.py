"""The GPUs of a task or an actor, and what libraries read from the environment.

>>> import os
>>> @rayx.remote(num_gpus=1)
... def device():
...     return rayx.get_gpu_ids(), os.environ["CUDA_VISIBLE_DEVICES"]
>>> rayx.get(device.remote())
([0], '0')
"""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping, Sequence, Set

from rayx import questions, session
from rayx.process import thread_limits

CUDA_VISIBLE_DEVICES = "CUDA_VISIBLE_DEVICES"

THREAD_VARIABLES = thread_limits.VARIABLES


def get_gpu_ids() -> list[int | str]:
    """The GPUs that the running task or actor may use; none in a driver.

    They are numbers as `CUDA_VISIBLE_DEVICES` has them. If that was set when the session began, the
    session's GPUs are those it names, in that order (names like "GPU-8a56…" stay as they are).

    >>> @rayx.remote(num_gpus=2)
    ... def devices():
    ...     return rayx.get_gpu_ids()
    >>> rayx.get(devices.remote())
    [0, 1]
    """
    return list(session.current().gpu_ids)


class TaskEnvironment:
    """Sets the variables of this worker for each task.

    - `CUDA_VISIBLE_DEVICES` names the task's GPUs. A task without any sees none: "". But if the
      user has set the variable, and the session was started without GPUs, it is left alone.
    - The variables for numbers of threads follow the task's CPUs (1 at least), each unless the user
      has set it, and so do the libraries that are loaded already (thread_limits.py).

    >>> from rayx.process.gpus import TaskEnvironment
    >>> variables = {"CUDA_VISIBLE_DEVICES": "4,5"}
    >>> TaskEnvironment(variables, has_gpus=lambda: True).apply([1], 2.0)
    [5]
    >>> variables["CUDA_VISIBLE_DEVICES"], variables["OMP_NUM_THREADS"]
    ('5', '2')
    """

    def __init__(
        self,
        variables: MutableMapping[str, str],
        has_gpus: Callable[[], bool],
        set_threads: Callable[[int, Set[str]], None] = lambda threads, variables: None,
    ) -> None:
        self._variables = variables
        # Asked only if it matters, since the node must answer it.
        self._has_gpus = has_gpus
        self._users_devices = variables.get(CUDA_VISIBLE_DEVICES)
        self._thread_variables = dict.fromkeys(n for n in THREAD_VARIABLES if n not in variables)
        self._set_threads = set_threads
        # The number of threads that was set last.
        self._threads = 0
        self._ids: list[int | str] | None = None
        self._hides_gpus: bool | None = None

    def apply(self, gpus: Sequence[int], num_cpus: float) -> list[int | str]:
        """For a task that has these GPUs, by the node's count; returns their ids."""
        threads = max(1, int(num_cpus))
        if threads != self._threads:
            self._threads = threads
            for name in self._thread_variables:
                self._variables[name] = str(threads)
            self._set_threads(threads, self._thread_variables.keys())
        if self._ids is None or gpus or self._ids:  # else nothing has changed since the last task
            self._ids = [self._device(index) for index in gpus]
            if self._ids or self._must_hide():
                self._variables[CUDA_VISIBLE_DEVICES] = ",".join(map(str, self._ids))
        return list(self._ids)

    def _must_hide(self) -> bool:
        if self._hides_gpus is None:
            self._hides_gpus = self._users_devices is None or self._has_gpus()
        return self._hides_gpus

    def _device(self, index: int) -> int | str:
        """The user's name of the session's GPU of this index."""
        names = [name.strip() for name in (self._users_devices or "").split(",") if name.strip()]
        if index >= len(names):
            return index
        return int(names[index]) if names[index].isdecimal() else names[index]


def of_process(owner: session.Session) -> TaskEnvironment:
    """The environment of this worker."""

    def has_gpus() -> bool:
        total, _ = questions.resources(owner.client, 10_000)
        return total.get("GPU", 0) > 0

    return TaskEnvironment(os.environ, has_gpus, thread_limits.apply)
