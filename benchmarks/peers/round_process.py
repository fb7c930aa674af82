"""One turn: a backend's process for one group of steps, started, timed, ended, left clean.

A step that exceeds its time limit, or takes its process with it, costs only itself: the steps
after it run in a new process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers import session_processes
from peers.catalogue import LEFTOVERS, SHUTDOWN, STARTUP, STEP_OF
from peers.session_processes import Process

_EXIT_LIMIT_S = 20.0
_LEFTOVER_S = 1.0
_OUTPUT_TAIL_LINES = 8

#: The command that runs these steps and reports to this fd.
Command = Callable[[Sequence[str], int], list[str]]


@dataclass
class Outcome:
    """What came of a turn."""

    figures: dict[str, float] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    #: Step to reason.
    not_offered: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    #: Step to how busy others were, in % of all CPUs.
    others_cpu_pct: dict[str, float] = field(default_factory=dict)
    seconds: float = 0


def run_turn(
    command: Command,
    steps: Sequence[str],
    time_limit_s: float | None = None,
    environment: dict[str, str] | None = None,
) -> Outcome:
    """Runs the steps, of which the first is startup and the last shutdown."""
    outcome = Outcome()
    started = time.monotonic()
    left = list(steps)
    while left:
        done = _RoundProcess(command, left, time_limit_s, environment, outcome).run()
        if STARTUP in outcome.failures:
            break
        # A process that died at the shutdown, or with nothing left to measure, is not repeated.
        left = [step for step in left if step not in done]
        left = [STARTUP, *left] if set(left) - {SHUTDOWN} else []
    outcome.seconds = time.monotonic() - started
    return outcome


class _RoundProcess:
    def __init__(
        self,
        command: Command,
        steps: Sequence[str],
        time_limit_s: float | None,
        environment: dict[str, str] | None,
        outcome: Outcome,
    ) -> None:
        self._command = command
        self._steps = steps
        self._time_limit_s = time_limit_s
        self._environment = environment
        self._outcome = outcome
        self._mark = session_processes.new_mark()
        self._seen: set[Process] = set()
        self._step = STARTUP
        self._began = time.monotonic()
        self._finished: set[str] = set()
        self._is_done = False

    def run(self) -> set[str]:
        """The steps that need no second process, whether they went well or not."""
        read_fd, write_fd = os.pipe()
        with tempfile.TemporaryDirectory() as directory, os.fdopen(read_fd, "rb") as reports:
            output = Path(directory) / "output"
            with output.open("wb") as sink:
                process = self._start(write_fd, sink, directory)
            os.close(write_fd)
            try:
                self._watch(process, reports.fileno())
                self._end(process, output)
            finally:
                self._kill(process)
        return self._finished

    def _start(self, write_fd: int, sink: Any, directory: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **(self._environment or {})}
        environment[session_processes.MARK] = self._mark
        return subprocess.Popen(
            self._command(self._steps, write_fd),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            pass_fds=[write_fd],
            cwd=directory,
            env=environment,
            start_new_session=True,
        )

    # ---- while it runs -------------------------------------------------------------------------

    def _watch(self, process: subprocess.Popen[bytes], fd: int) -> None:
        """Until it is done, dead, or too slow. Its workers may keep the pipe open for longer."""
        pending = b""
        while not self._is_done:
            is_dead = process.poll() is not None
            readable, _, _ = select.select([fd], [], [], 0 if is_dead else 0.05)
            if readable:
                chunk = os.read(fd, 1 << 16)
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._hear(json.loads(line))
                if not chunk and is_dead:
                    return
                if not chunk:
                    time.sleep(0.02)
            elif is_dead:
                return
            if time.monotonic() - self._began > self._limit_s():
                self._fail(self._unfinished(), f"no result within {self._limit_s():.0f} s")
                return

    def _hear(self, event: dict[str, Any]) -> None:
        outcome, kind = self._outcome, event.pop("event")
        if kind == "step":
            self._step, self._began = event["step"], time.monotonic()
            return
        if kind == "about":
            outcome.about = event
        elif kind == "done":
            self._is_done = True
        elif kind == "figures":
            outcome.figures |= event["figures"]
            if event["others_cpu_pct"] is not None:
                outcome.others_cpu_pct[event["step"]] = event["others_cpu_pct"]
            self._seen |= {Process(*pair) for pair in event["processes"]}
            self._finished.add(event["step"])
        elif kind == "not_offered":
            outcome.not_offered[event["step"]] = event["reason"]
            self._finished.add(event["step"])
        elif kind == "error":
            self._fail(event["step"], event["error"])

    def _limit_s(self) -> float:
        return self._time_limit_s or STEP_OF[self._step].time_limit_s

    def _unfinished(self) -> str:
        """The step to blame: even if none had begun, it must not be tried for ever."""
        return next((step for step in self._steps if step not in self._finished), SHUTDOWN)

    def _fail(self, step: str, why: str) -> None:
        self._outcome.failures.setdefault(step, why)
        self._finished.add(step)

    # ---- the end -------------------------------------------------------------------------------

    def _end(self, process: subprocess.Popen[bytes], output: Path) -> None:
        if self._is_done:
            try:
                process.wait(_EXIT_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._fail(SHUTDOWN, f"still there {_EXIT_LIMIT_S:.0f} s after its session's end")
                return
            self._outcome.figures[LEFTOVERS] = self._count_leftovers()
        elif process.returncode is not None and not self._outcome.failures.get(STARTUP):
            words = f"ended with {_exit_words(process.returncode)}: {_tail(output)}"
            self._fail(self._unfinished(), words)

    def _count_leftovers(self) -> int:
        deadline = time.monotonic() + _LEFTOVER_S
        while leftovers := self._living():
            if time.monotonic() > deadline:
                return len(leftovers)
            time.sleep(0.02)
        return 0

    def _living(self) -> list[Process]:
        self._seen |= set(session_processes.find(self._mark))
        return session_processes.alive(self._seen)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            self._living()  # remembers those that will have no parent to be found by
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        session_processes.end(self._living())


def _exit_words(returncode: int) -> str:
    if returncode < 0:
        return signal.Signals(-returncode).name
    return f"exit code {returncode}"


def _tail(output: Path) -> str:
    lines = output.read_text(errors="replace").splitlines()[-_OUTPUT_TAIL_LINES:]
    return " | ".join(line.strip() for line in lines if line.strip()) or "no output"
