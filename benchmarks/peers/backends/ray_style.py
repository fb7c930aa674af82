"""What libraries with the interface of the first Ray have in common: rayx, and Ray itself."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any, ClassVar

from peers import workload
from peers.backends.interface import Backend, Reference, Submit


class RayStyleBackend(Backend):
    """Subclasses say how a session starts, and how to ask for several results."""

    library_name: ClassVar[str]

    def load(self) -> None:
        self._library: Any = import_module(self.library_name)
        self._get = self._library.get

    def stop(self) -> None:
        self._library.shutdown()

    def remote(self, function: Callable[..., Any]) -> Submit:
        submit: Submit = self._library.remote(function).remote
        return submit

    def get(self, references: Sequence[Reference]) -> list[Any]:
        values: list[Any] = self._get(references)
        return values

    def get_one(self, reference: Reference) -> Any:
        return self._get(reference)

    def wait_any(self, references: Collection[Reference]) -> Collection[Reference]:
        left: list[Reference] = self._library.wait(references, num_returns=1)[1]
        return left

    @abstractmethod
    def remote_with_returns(self, function: Callable[..., Any], count: int) -> Submit:
        """Each of them names the option differently."""

    def nested(self) -> Submit:
        return functools.partial(self.remote(_submit_and_get), self.library_name)

    def put(self, value: Any) -> Reference:
        return self._library.put(value)

    def start_actor(self) -> Any:
        return self._library.remote(workload.Counter).remote()

    def actor_method(self, actor: Any, name: str) -> Submit:
        submit: Submit = getattr(actor, name).remote
        return submit

    def actor_caller(self) -> Submit:
        return functools.partial(self.remote(_call_actors), self.library_name)


def _submit_and_get(library_name: str, count: int) -> int:
    library = import_module(library_name)
    noop = library.remote(workload.noop)
    return len(library.get([noop.remote() for _ in range(count)]))


def _call_actors(library_name: str, actors: Sequence[Any], count: int) -> int:
    library = import_module(library_name)
    return len(library.get([a.increment.remote() for _ in range(count) for a in actors]))
