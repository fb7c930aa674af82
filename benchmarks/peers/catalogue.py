"""What is measured. Said here once; the steps, the tables and `--list` follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower"]

#: Steps that every process runs, first and last. Their figures count in the group `session`.
STARTUP = "startup"
SHUTDOWN = "shutdown"
#: The one metric that the process itself cannot measure, since it is gone by then.
LEFTOVERS = "leftover_procs"


@dataclass(frozen=True)
class Step:
    """One measurement, which may give several figures.

    Each group runs in a session of its own, so that what one group leaves in memory is not another
    group's warm start.
    """

    name: str
    group: str
    time_limit_s: float = 60


@dataclass(frozen=True)
class Metric:
    """One figure of a step."""

    name: str
    step: str
    better: Direction
    says: str
    #: False for what tells of the machine, not of the backend.
    is_compared: bool = True


STEPS = [
    Step(STARTUP, "session"),
    Step("idle", "session"),
    Step(SHUTDOWN, "session"),
    Step("task_sync", "tasks"),
    Step("task_async", "tasks", 120),
    Step("nested", "tasks"),
    Step("wait_1k", "tasks", 120),
    Step("task_1k_args", "tasks"),
    Step("task_1k_returns", "tasks"),
    Step("queue_10k", "queue_10k", 60),
    Step("queue_100k", "queue", 400),
    Step("put_small", "objects"),
    Step("get_small", "objects"),
    Step("get_10k", "objects", 120),
    Step("put_100m", "arrays"),
    Step("put_800m", "arrays", 120),
    Step("get_arrays", "arrays", 120),
    Step("numpy_arg", "numpy"),
    Step("numpy_ret", "numpy"),
    Step("tree_reduce", "numpy"),
    Step("actor_sync", "actors"),
    Step("actor_async", "actors", 120),
    Step("actor_n_n", "actors", 120),
    Step("numpy_actor_arg", "actors"),
    Step("actors_create", "actors", 120),
]

METRICS = [
    Metric("import_s", STARTUP, "lower", "import of the library"),
    Metric("init_s", STARTUP, "lower", "from the start of a session to the first task's result"),
    Metric("shutdown_s", SHUTDOWN, "lower", "end of an idle session"),
    Metric(LEFTOVERS, SHUTDOWN, "lower", "processes alive 1 s after the driver exited"),
    Metric("idle_pss_mb", "idle", "lower", "proportional memory of all processes, driver included"),
    Metric("idle_procs", "idle", "lower", "processes, driver included"),
    Metric(
        "idle_cpu_pct", "idle", "lower", "CPU time of all processes, in % of one core, over 3 s"
    ),
    Metric("task_sync_per_s", "task_sync", "higher", "no-op tasks, each got before the next"),
    Metric("task_sync_p50_us", "task_sync", "lower", "median of these round trips"),
    Metric("task_sync_p99_us", "task_sync", "lower", "99th percentile of these round trips"),
    Metric("task_async_per_s", "task_async", "higher", "10,000 no-op tasks at once, then one get"),
    Metric("task_submit_us", "task_async", "lower", "the driver's time to submit one of these"),
    Metric("nested_task_per_s", "nested", "higher", "2 tasks that submit and get 1,000 tasks each"),
    Metric("wait_1k_refs_s", "wait_1k", "lower", "1,000 no-op tasks, taken by wait one by one"),
    Metric("task_1k_args_s", "task_1k_args", "lower", "a task with 1,000 references as arguments"),
    Metric("task_1k_returns_s", "task_1k_returns", "lower", "a task with 1,000 results, all got"),
    Metric("queue_10k_per_s", "queue_10k", "higher", "10,000 of them as a session's first burst"),
    Metric("queue_100k_per_s", "queue_100k", "higher", "100,000 no-op tasks at once, then one get"),
    Metric("queue_100k_peak_rss_mb", "queue_100k", "lower", "the driver's peak memory in that"),
    Metric("queue_100k_bytes_per_task", "queue_100k", "lower", "by how much it grew, by task"),
    Metric("put_small_per_s", "put_small", "higher", "puts of a small dictionary"),
    Metric("get_small_per_s", "get_small", "higher", "gets of such an object, one by one"),
    Metric("get_10k_refs_s", "get_10k", "lower", "one get of 10,000 small objects"),
    Metric("put_100m_cold_gb_per_s", "put_100m", "higher", "first put of a 100 MiB array"),
    Metric("put_100m_gb_per_s", "put_100m", "higher", "put of 100 MiB where an equal object was"),
    Metric(
        "memcpy_gb_per_s", "put_100m", "higher", "warm numpy copy of 100 MiB, same process", False
    ),
    Metric("put_100m_per_memcpy", "put_100m", "higher", "warm put's speed by that copy's"),
    Metric("put_800m_gb_per_s", "put_800m", "higher", "put of 800 MiB where an equal object was"),
    Metric("get_1m_us", "get_arrays", "lower", "get of a 1 MiB array that is on the machine"),
    Metric("get_100m_us", "get_arrays", "lower", "get of a 100 MiB array"),
    Metric("get_800m_us", "get_arrays", "lower", "get of an 800 MiB array"),
    Metric(
        "numpy_arg_1m_per_s", "numpy_arg", "higher", "tasks given 1 MiB by value, 200 in flight"
    ),
    Metric("numpy_ret_1m_per_s", "numpy_ret", "higher", "tasks that return 1 MiB, 200 in flight"),
    Metric("tree_reduce_s", "tree_reduce", "lower", "100 arrays of 8 MB made and summed by pairs"),
    Metric("actor_sync_per_s", "actor_sync", "higher", "calls of an actor, one by one"),
    Metric("actor_async_per_s", "actor_async", "higher", "10,000 calls of an actor at once"),
    Metric(
        "actor_n_n_async_per_s", "actor_n_n", "higher", "2 tasks that call 2 actors, 10,000 in all"
    ),
    Metric("numpy_actor_arg_1m_per_s", "numpy_actor_arg", "higher", "calls given 1 MiB by value"),
    Metric("actors_create_50_s", "actors_create", "lower", "50 actors created, called and ended"),
]

STEP_OF = {step.name: step for step in STEPS}
METRIC_OF = {metric.name: metric for metric in METRICS}
GROUPS = list(dict.fromkeys(step.group for step in STEPS))


def metrics_of_step(step: str) -> list[Metric]:
    """The figures that a step gives."""
    return [metric for metric in METRICS if metric.step == step]


def metrics_named(names: list[str]) -> list[Metric]:
    """Metrics by their names or the names of groups, in the catalogue's order; all for none.

    Raises KeyError with the first name that is neither.
    """
    if not names:
        return list(METRICS)
    for name in names:
        if name not in METRIC_OF and name not in GROUPS:
            raise KeyError(name)
    return [m for m in METRICS if m.name in names or STEP_OF[m.step].group in names]
