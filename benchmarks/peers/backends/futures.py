"""What process pools with the interface of concurrent.futures have in common."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any

from peers.backends.interface import Backend, Reference, Submit


class FuturesBackend(Backend):
    """Subclasses set `executor` in start(). Futures are not arguments, so values travel."""

    takes_references = False
    executor: concurrent.futures.Executor

    def stop(self) -> None:
        self.executor.shutdown(wait=True)

    def remote(self, function: Callable[..., Any]) -> Submit:
        return functools.partial(self.executor.submit, function)

    def get(self, references: Sequence[Reference]) -> list[Any]:
        return [reference.result() for reference in references]

    def get_one(self, reference: Reference) -> Any:
        return reference.result()

    def wait_any(self, references: Collection[Reference]) -> Collection[Reference]:
        first = concurrent.futures.FIRST_COMPLETED
        return concurrent.futures.wait(references, return_when=first).not_done
