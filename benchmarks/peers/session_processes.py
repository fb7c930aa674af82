"""The processes of one backend's session, found in /proc.

They are known by a mark in the environment that each inherits, and by descent from one that has it
(a server that writes its title over its environment has no mark left). A process is its pid and
its start time, so that a pid that was given away again is never taken for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MARK = "RAYX_COMPARE_MARK"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_DEATH_LIMIT_S = 5.0  # to give back gigabytes takes a while


@dataclass(frozen=True, order=True)
class Process:
    """A process for all its life."""

    pid: int
    start_ticks: int


@dataclass(frozen=True)
class _Stat:
    parent: int
    start_ticks: int
    cpu_ticks: int
    state: str


def new_mark() -> str:
    """For the environment of one session, under the name MARK."""
    return uuid.uuid4().hex


def find(mark: str) -> list[Process]:
    """All living processes of the session with this mark."""
    stats = {pid: stat for pid in _pids() if (stat := _stat(pid)) is not None}
    wanted = f"{MARK}={mark}".encode()
    members = {pid for pid in stats if wanted in _environment(pid)}
    grown = True
    while grown:
        descendants = {p for p, s in stats.items() if s.parent in members and p not in members}
        members |= descendants
        grown = bool(descendants)
    found = [Process(p, stats[p].start_ticks) for p in members if stats[p].state != "Z"]
    return sorted(found)


def alive(processes: Iterable[Process]) -> list[Process]:
    """Those that still are."""
    return [process for process in processes if _is_alive(process)]


def end(processes: Iterable[Process]) -> None:
    """Kills them, one by one, and waits until they are gone."""
    killed = alive(processes)
    for process in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + _DEATH_LIMIT_S
    while alive(killed) and time.monotonic() < deadline:
        time.sleep(0.01)


def cpu_seconds(processes: Iterable[Process]) -> float:
    """CPU time that they, and their children that ended, have used so far."""
    stats = [_stat(process.pid) for process in processes]
    return sum(stat.cpu_ticks for stat in stats if stat is not None) / _TICKS_PER_S


def running_seconds(processes: Iterable[Process]) -> float:
    """CPU time of their living threads, by the scheduler's clock.

    Ticks say too little of a session that idles: there are a hundred in a second, and a process
    that wakes for a moment has used one or none. Where the kernel does not count: by ticks.
    """
    found = list(processes)
    try:
        return sum(_running_ns(process.pid) for process in found) / 1e9
    except FileNotFoundError:
        return cpu_seconds(found)


def pss_bytes(processes: Iterable[Process]) -> int:
    """Their memory; of pages that several share, each has its part."""
    return sum(_pss_bytes(process.pid) for process in processes)


def machine_busy_seconds() -> float:
    """CPU time used on this machine by anyone, all CPUs together."""
    fields = [int(field) for field in (_PROC / "stat").read_text().split("\n")[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / _TICKS_PER_S


def _pids() -> list[int]:
    return [int(name) for name in os.listdir(_PROC) if name.isdigit()]


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may contain spaces and parentheses itself.
    fields = text.rpartition(")")[2].split()
    cpu_ticks = sum(int(field) for field in fields[11:15])
    return _Stat(
        parent=int(fields[1]), start_ticks=int(fields[19]), cpu_ticks=cpu_ticks, state=fields[0]
    )


def _running_ns(pid: int) -> int:
    total = 0
    for task in (_PROC / str(pid) / "task").glob("*"):
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            if task.exists():
                raise
    return total


def _is_alive(process: Process) -> bool:
    stat = _stat(process.pid)
    return stat is not None and stat.start_ticks == process.start_ticks and stat.state != "Z"


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _pss_bytes(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            return int(value.split()[0]) * 1024
    return 0
