"""The measurements, by the names of the catalogue."""

from __future__ import annotations

from collections.abc import Callable

from peers.steps import actors, arrays, idle, numpy_tasks, objects, tasks
from peers.steps.session import Figures, Session

#: All but startup and shutdown, which belong to measure_round.
STEPS: dict[str, Callable[[Session], Figures]] = {
    "idle": idle.idle,
    "task_sync": tasks.task_sync,
    "task_async": tasks.task_async,
    "nested": tasks.nested,
    "wait_1k": tasks.wait_1k,
    "task_1k_args": tasks.task_1k_args,
    "task_1k_returns": tasks.task_1k_returns,
    "queue_10k": tasks.queue_10k,
    "queue_100k": tasks.queue_100k,
    "put_small": objects.put_small,
    "get_small": objects.get_small,
    "get_10k": objects.get_10k,
    "put_100m": arrays.put_100m,
    "put_800m": arrays.put_800m,
    "get_arrays": arrays.get_arrays,
    "numpy_arg": numpy_tasks.numpy_arg,
    "numpy_ret": numpy_tasks.numpy_ret,
    "tree_reduce": numpy_tasks.tree_reduce,
    "actor_sync": actors.actor_sync,
    "actor_async": actors.actor_async,
    "actor_n_n": actors.actor_n_n,
    "numpy_actor_arg": actors.numpy_actor_arg,
    "actors_create": actors.actors_create,
}
