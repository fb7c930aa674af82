"""dask.distributed: a local cluster of processes with one thread each."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from typing import Any

from peers import workload
from peers.backends.interface import Backend, Reference, Submit


class DaskBackend(Backend):
    """`pure=False`: equal calls are different tasks, as everywhere else."""

    def load(self) -> None:
        self._distributed = import_module("distributed")

    def start(self, num_cpus: int) -> None:
        self._cluster = self._distributed.LocalCluster(
            n_workers=num_cpus,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        )
        self._client = self._distributed.Client(self._cluster)

    def stop(self) -> None:
        self._client.close()
        self._cluster.close()

    def remote(self, function: Callable[..., Any]) -> Submit:
        return functools.partial(self._client.submit, function, pure=False)

    def get(self, references: Sequence[Reference]) -> list[Any]:
        values: list[Any] = self._client.gather(list(references))
        return values

    def get_one(self, reference: Reference) -> Any:
        return reference.result()

    def wait_any(self, references: Collection[Reference]) -> Collection[Reference]:
        waited = self._distributed.wait(references, return_when="FIRST_COMPLETED")
        left: Collection[Reference] = waited.not_done
        return left

    def nested(self) -> Submit:
        return self.remote(_submit_and_get)

    def put(self, value: Any) -> Reference:
        # In a list, since scatter takes collections apart.
        return self._client.scatter([value], hash=False)[0]

    def start_actor(self) -> Any:
        return self._client.submit(workload.Counter, actor=True, pure=False).result()

    def actor_method(self, actor: Any, name: str) -> Submit:
        method: Submit = getattr(actor, name)
        return method

    def actor_get(self, references: Sequence[Reference]) -> list[Any]:
        return [reference.result() for reference in references]

    def actor_caller(self) -> Submit:
        return self.remote(_call_actors)


def _submit_and_get(count: int) -> int:
    with import_module("distributed").worker_client() as client:
        submit = functools.partial(client.submit, workload.noop, pure=False)
        return len(client.gather([submit() for _ in range(count)]))


def _call_actors(actors: Sequence[Any], count: int) -> int:
    replies = [actor.increment() for _ in range(count) for actor in actors]
    return len([reply.result() for reply in replies])
