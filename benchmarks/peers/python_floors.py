"""The floors that Python itself sets, printed as JSON: `python -m peers.python_floors`."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Callable

from peers import session_processes, workload
from peers.session_processes import Process
from peers.steps.timing import median_seconds, seconds

_CALLS = 20_000
_SMALL = {"step": 7, "loss": 0.25, "name": "small"}
# What any message about a task must say at least: which task, of which function, with what.
_SPEC: tuple[object, ...] = (b"t" * 20, b"f" * 16, "noop", (), {}, 1)


def main() -> None:
    """A few seconds."""
    small, spec = pickle.dumps(_SMALL, 5), pickle.dumps(_SPEC, 5)
    starts = [_start_numpy() for _ in range(3)]
    print(
        json.dumps(
            {
                "pickle_small_dumps_us": _call_us(lambda: pickle.dumps(_SMALL, 5)),
                "pickle_small_loads_us": _call_us(lambda: pickle.loads(small)),
                "pickle_spec_dumps_us": _call_us(lambda: pickle.dumps(_SPEC, 5)),
                "pickle_spec_loads_us": _call_us(lambda: pickle.loads(spec)),
                "python_numpy_start_s": min(start_s for start_s, _ in starts),
                "python_numpy_pss_mb": min(pss for _, pss in starts) / 1e6,
                "numpy_tree_s": median_seconds(_tree, times=3, budget_s=6),
            }
        )
    )


def _call_us(call: Callable[[], object]) -> float:
    def calls() -> None:
        for _ in range(_CALLS):
            call()

    calls()
    return min(seconds(calls) for _ in range(5)) / _CALLS * 1e6


def _start_numpy() -> tuple[float, int]:
    """Seconds, and bytes of proportional memory."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", "import numpy; print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        start_s = time.perf_counter() - started
        return start_s, session_processes.pss_bytes([Process(process.pid, 0)])


def _tree() -> None:
    level = [workload.filled(float(leaf), 1_000_000) for leaf in range(100)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = [level[-1]] if len(level) % 2 else []
        level = [workload.add(left, right) for left, right in pairs] + odd


if __name__ == "__main__":
    main()
