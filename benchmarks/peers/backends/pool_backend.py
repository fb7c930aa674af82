"""concurrent.futures.ProcessPoolExecutor.

It has no object store and no actors; measured are what one would write with the standard library
instead: a new block of shared memory for an array, a manager's proxy for an actor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from multiprocessing.managers import BaseManager
from multiprocessing.shared_memory import SharedMemory
from typing import Any

from peers import workload
from peers.backends.futures import FuturesBackend
from peers.backends.interface import NotOffered


class _CounterManager(BaseManager):
    """A process that holds Counters."""


_CounterManager.register("Counter", workload.Counter)


class PoolBackend(FuturesBackend):
    """Workers are forked from the driver, with all that it has imported."""

    def load(self) -> None:
        from concurrent.futures import ProcessPoolExecutor

        self._executor_type = ProcessPoolExecutor
        self._managers: dict[int, BaseManager] = {}

    def start(self, num_cpus: int) -> None:
        self.executor = self._executor_type(num_cpus)

    def stop(self) -> None:
        self.stop_actors([])
        super().stop()

    def put(self, value: Any) -> Any:
        raise NotOffered("no object store")

    def put_array(self, array: Any) -> SharedMemory:
        import numpy as np

        block = SharedMemory(create=True, size=array.nbytes)
        stored = np.ndarray(array.shape, array.dtype, buffer=block.buf)
        np.copyto(stored, array)
        return block

    def get_array(self, reference: SharedMemory) -> tuple[SharedMemory, Any]:
        import numpy as np

        block = SharedMemory(name=reference.name)
        # A tuple drops its last item first: the view must go before the block.
        return block, np.ndarray(block.size // 8, np.float64, buffer=block.buf)

    def release(self, reference: SharedMemory) -> None:
        reference.close()
        reference.unlink()

    def start_actor(self) -> Any:
        manager = _CounterManager()
        manager.start()
        counter = manager.Counter()  # type: ignore[attr-defined]
        self._managers[id(counter)] = manager
        return counter

    def actor_call(self, actor: Any, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(actor, name)
        return method

    def stop_actors(self, actors: Sequence[Any]) -> None:
        del actors
        for manager in self._managers.values():
            manager.shutdown()
        self._managers.clear()
