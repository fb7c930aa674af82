"""multiprocessing.Pool, by apply_async."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from peers.backends.interface import Backend, Reference, Submit


class MpBackend(Backend):
    """Workers are forked from the driver, with all that it has imported."""

    takes_references = False

    def load(self) -> None:
        import multiprocessing

        self._multiprocessing = multiprocessing

    def start(self, num_cpus: int) -> None:
        self._pool = self._multiprocessing.Pool(num_cpus)

    def stop(self) -> None:
        self._pool.close()
        self._pool.join()

    def remote(self, function: Callable[..., Any]) -> Submit:
        apply_async = self._pool.apply_async

        def submit(*arguments: Any) -> Reference:
            return apply_async(function, arguments)

        return submit

    def get(self, references: Sequence[Reference]) -> list[Any]:
        return [reference.get() for reference in references]

    def get_one(self, reference: Reference) -> Any:
        return reference.get()
