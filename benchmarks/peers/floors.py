"""What the machine could do: figures of the bare mechanisms, from rayx-limits and from Python.

A limit is the floor of one mechanism, not a target: nothing that uses the mechanism can be better.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TIME_LIMIT_S = 120

#: The best figure of each name.
Best = Mapping[str, float]


@dataclass(frozen=True)
class Limit:
    """The limit of a metric."""

    of: Callable[[Best, int], float]
    words: str


LIMITS = {
    "init_s": Limit(lambda b, n: b["python_numpy_start_s"], "start of a Python with numpy"),
    "idle_pss_mb": Limit(
        lambda b, n: (n + 1) * b["python_numpy_pss_mb"], "a Python with numpy for each CPU, and one"
    ),
    "task_sync_per_s": Limit(
        lambda b, n: 1e6 / b["unix_2hop_same_cpu_p50_us"], "2 socket hops and back, on one CPU"
    ),
    "task_sync_p50_us": Limit(
        lambda b, n: b["unix_2hop_same_cpu_p50_us"], "2 socket hops and back, on one CPU"
    ),
    "task_async_per_s": Limit(lambda b, n: b["unix_2hop_piped_per_s"], "2 socket hops, piped"),
    "task_submit_us": Limit(lambda b, n: b["pickle_spec_dumps_us"], "pickle of a task's words"),
    "nested_task_per_s": Limit(lambda b, n: b["unix_2hop_piped_per_s"], "2 socket hops, piped"),
    "wait_1k_refs_s": Limit(lambda b, n: 1e3 / b["unix_2hop_piped_per_s"], "2 socket hops, piped"),
    "queue_10k_per_s": Limit(lambda b, n: b["unix_2hop_piped_per_s"], "2 socket hops, piped"),
    "queue_100k_per_s": Limit(lambda b, n: b["unix_2hop_piped_per_s"], "2 socket hops, piped"),
    "actor_sync_per_s": Limit(
        lambda b, n: 1e6 / b["unix_1hop_same_cpu_p50_us"], "1 socket hop and back, on one CPU"
    ),
    "actor_async_per_s": Limit(lambda b, n: b["unix_1hop_piped_per_s"], "1 socket hop, piped"),
    "put_small_per_s": Limit(lambda b, n: 1e6 / b["pickle_small_dumps_us"], "pickle.dumps"),
    "get_small_per_s": Limit(lambda b, n: 1e6 / b["pickle_small_loads_us"], "pickle.loads"),
    "get_10k_refs_s": Limit(lambda b, n: 1e-2 * b["pickle_small_loads_us"], "10,000 pickle.loads"),
    "put_100m_cold_gb_per_s": Limit(
        lambda b, n: max(b["memfd_cold_write_gb_per_s"], b["memfd_cold_write_2threads_gb_per_s"]),
        "pwrite into a new memfd",
    ),
    "put_100m_gb_per_s": Limit(
        lambda b, n: b["copy_warm_nt_2threads_gb_per_s"], "copy, 2 threads, non-temporal"
    ),
    "put_800m_gb_per_s": Limit(
        lambda b, n: b["copy_warm_nt_2threads_gb_per_s"], "copy, 2 threads, non-temporal"
    ),
    "memcpy_gb_per_s": Limit(lambda b, n: b["copy_warm_gb_per_s"], "memcpy, 1 thread"),
    "numpy_arg_1m_per_s": Limit(
        lambda b, n: _mebibytes(b["copy_warm_gb_per_s"]), "1 copy of 1 MiB"
    ),
    "numpy_ret_1m_per_s": Limit(
        lambda b, n: _mebibytes(b["copy_warm_gb_per_s"]), "1 copy of 1 MiB"
    ),
    "numpy_actor_arg_1m_per_s": Limit(
        lambda b, n: _mebibytes(b["copy_warm_gb_per_s"]), "1 copy of 1 MiB"
    ),
    "tree_reduce_s": Limit(
        lambda b, n: b["numpy_tree_s"] / n, "numpy in one process, divided by the CPUs"
    ),
}


def measure(program: Path | None, python: str, environment: Mapping[str, str]) -> dict[str, float]:
    """One round of all figures; without those of rayx-limits if there is no such program."""
    figures = _run([python, "-m", "peers.python_floors"], environment)
    if program is not None:
        figures |= _run([str(program)], environment)
    return figures


def best_of(samples: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The best round: a floor is what the machine can do undisturbed."""
    return {
        name: max(kept) if name.endswith("_per_s") else min(kept) for name, kept in samples.items()
    }


def limit_of(metric: str, best: Best, num_cpus: int) -> tuple[float, str] | None:
    """The limit of a metric, and what it stands on; None where it has none or was not measured."""
    limit = LIMITS.get(metric)
    if limit is None:
        return None
    try:
        return limit.of(best, num_cpus), limit.words
    except KeyError:
        return None


def _run(command: list[str], environment: Mapping[str, str]) -> dict[str, float]:
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=_TIME_LIMIT_S,
        env={**os.environ, **environment},
        cwd="/",
        check=False,
    )
    if ran.returncode != 0:
        print(f"compare: {command[0]} failed: {ran.stderr.strip()[-500:]}", file=sys.stderr)
        return {}
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


def _mebibytes(gb_per_s: float) -> float:
    return gb_per_s * 1e9 / (1 << 20)
