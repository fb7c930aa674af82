"""The program of one backend's process: runs the steps it is told, and reports by JSON lines.

    python -m peers.measure_round --backend pool --num-cpus 2 --report-fd 5 startup idle shutdown

Each line has an `event`: `about`, `step` (one begins), `figures`, `not_offered`, `error`, `done`.
What the backend prints goes to stdout and stderr, which are others' business.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

from peers import backends, session_processes, workload
from peers.backends.interface import Backend, NotOffered
from peers.catalogue import SHUTDOWN, STARTUP
from peers.steps import STEPS
from peers.steps.session import Figures, Session

_WARM_S = 0.05


class Reporter:
    """Writes events, and tells with each figure how busy others kept the machine meanwhile."""

    def __init__(self, fd: int, mark: str) -> None:
        self._file = os.fdopen(fd, "w", buffering=1)
        self._mark = mark

    def report(self, event: str, **fields: Any) -> None:
        """One line."""
        self._file.write(json.dumps({"event": event, **fields}) + "\n")

    def run(self, step: str, measure: Callable[[], Figures]) -> bool:
        """Runs a step and reports what came of it; false if it failed."""
        self.report("step", step=step)
        before = self._load()
        try:
            figures = measure()
        except NotOffered as reason:
            self.report("not_offered", step=step, reason=str(reason))
            return True
        except Exception as error:
            traceback.print_exc()
            self.report("error", step=step, error=f"{type(error).__name__}: {error}")
            return False
        after = self._load()
        found = session_processes.find(self._mark)
        self.report(
            "figures",
            step=step,
            figures=figures,
            others_cpu_pct=_others_percent(before, after),
            processes=[[process.pid, process.start_ticks] for process in found],
        )
        return True

    def _load(self) -> tuple[float, float, float]:
        own_s = session_processes.cpu_seconds(session_processes.find(self._mark))
        return time.monotonic(), session_processes.machine_busy_seconds(), own_s


def _others_percent(
    before: tuple[float, float, float], after: tuple[float, float, float]
) -> float | None:
    """CPU time of others, in % of what all CPUs had; None where it was too short to tell."""
    elapsed_s, busy_s, own_s = (b - a for a, b in zip(before, after, strict=True))
    if elapsed_s < 0.2:
        return None
    share = (busy_s - own_s) / (elapsed_s * (os.cpu_count() or 1))
    return 100 * min(1.0, max(0.0, share))


def main() -> int:
    """Startup, steps, shutdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backend", required=True)
    parser.add_argument("--num-cpus", type=int, required=True)
    parser.add_argument("--report-fd", type=int, required=True)
    parser.add_argument("steps", nargs="+")
    options = parser.parse_args()

    mark = os.environ[session_processes.MARK]
    reporter = Reporter(options.report_fd, mark)
    backend = backends.make(options.backend)
    session = Session(backend, options.num_cpus, mark)
    if not reporter.run(STARTUP, lambda: _start(backend, options.num_cpus)):
        return 1
    reporter.report("about", **_about(options.backend))
    for step in options.steps:
        if step not in (STARTUP, SHUTDOWN):
            reporter.run(step, lambda step=step: STEPS[step](session))  # type: ignore[misc]
    reporter.run(SHUTDOWN, lambda: _stop(backend))
    reporter.report("done")
    return 0


def _start(backend: Backend, num_cpus: int) -> Figures:
    started = time.perf_counter()
    backend.load()
    import_s = time.perf_counter() - started
    # As programs do: what they need is imported before the session starts.
    import_module("numpy")
    started = time.perf_counter()
    backend.start(num_cpus)
    backend.get_one(backend.remote(workload.noop)())
    init_s = time.perf_counter() - started
    occupy = backend.remote(workload.occupy)
    backend.get([occupy(_WARM_S) for _ in range(2 * num_cpus)])
    return {"import_s": import_s, "init_s": init_s}


def _stop(backend: Backend) -> Figures:
    started = time.perf_counter()
    backend.stop()
    return {"shutdown_s": time.perf_counter() - started}


def _about(name: str) -> dict[str, str]:
    about = {"python": platform.python_version(), "numpy": metadata.version("numpy")}
    # A library that was found on a path, not installed, has no version to ask for.
    with contextlib.suppress(metadata.PackageNotFoundError, ValueError):
        about["version"] = metadata.version(backends.BACKENDS[name].distribution)
    return about


if __name__ == "__main__":
    sys.exit(main())
