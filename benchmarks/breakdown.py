"""Where the time of a call goes: by process, and in each by layer.

    python benchmarks/breakdown.py                     # all paths
    python benchmarks/breakdown.py sync put --seconds 3 --json figures.json
    python benchmarks/breakdown.py sync --folded stacks.txt    # for flame graph tools

Runs each path in a session of its own and reads from /proc what its processes used. Meanwhile
`perf` (Debian's linux-perf) samples them by the clock, since a virtual machine seldom has counters
of cycles; without `perf` the layers are left out. A process that has just been given a processor
finds its caches cold: that is in these figures, as it is in the calls.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import rayx

SMALL = {"name": "small", "number": 1, "ratio": 0.5}
BURST = 10_000
KEPT = 1_000

#: Of the node's own code, by the names in its symbols.
_ROOMS = (
    ("scheduler", re.compile(r"rayx::scheduler|rayx::Task(Spec|Entry)")),
    ("plasma", re.compile(r"rayx::plasma")),
    ("control", re.compile(r"rayx::control")),
    ("asio", re.compile(r"\basio::|rayx::EventLoop")),
    ("protocol", re.compile(r"flatbuffers|rayx::protocol|ParseTaskSpec|FrameReader")),
)
_SWITCHING = re.compile(
    r"sched|switch|wake|ttwu|enqueue|dequeue|pick_next|update_curr|futex|hrtimer|update_load"
)
_SOCKETS = re.compile(r"unix_|sock|skb|sendmsg|recvmsg|iov|copy_(to|from)|rep_movs|scm_|poll")


@dataclasses.dataclass
class Usage:
    """What processes have used: microseconds on a processor, and waiting for one; switches."""

    run_us: float = 0.0
    wait_us: float = 0.0
    switches: int = 0

    @classmethod
    def of(cls, pids: Iterable[int]) -> Usage:
        """Of these together, since they began; of all their threads."""
        total = cls()
        for pid in pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                run_ns, wait_ns, _ = (task / "schedstat").read_text().split()
                status = (task / "status").read_text()
                total.run_us += int(run_ns) / 1000
                total.wait_us += int(wait_ns) / 1000
                total.switches += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", status)))
        return total

    def since(self, before: Usage, calls: int) -> Usage:
        """Of each of so many calls since then."""
        return Usage(
            (self.run_us - before.run_us) / calls,
            (self.wait_us - before.wait_us) / calls,
            round((self.switches - before.switches) / calls, 2),  # type: ignore[arg-type]
        )


@dataclasses.dataclass
class Breakdown:
    """One path: microseconds a call, what each process used of them, and the layers of that."""

    path: str
    calls: int
    us: float
    usage: dict[str, Usage]
    layers: dict[str, dict[str, float]]


# ---- what is run ---------------------------------------------------------------------------------


@rayx.remote
def nothing() -> None:
    """The least that a task can do."""


@rayx.remote
def pid_of_worker() -> int:
    time.sleep(0.05)
    return os.getpid()


@rayx.remote
class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        self.count += 1
        return self.count

    def pid(self) -> int:
        return os.getpid()


#: Makes some calls, and returns how many.
Step = Callable[[], int]


def steps(counter: Any) -> dict[str, Step]:
    """The paths that can be asked for."""
    kept = [rayx.put(SMALL) for _ in range(KEPT)]

    def one_by_one(remote: Callable[[], Any]) -> Step:
        def step() -> int:
            for _ in range(100):
                rayx.get(remote())
            return 100

        return step

    def at_once(remote: Callable[[], Any]) -> Step:
        def step() -> int:
            rayx.get([remote() for _ in range(BURST)])
            return BURST

        return step

    def put() -> int:
        for _ in range(KEPT):
            rayx.put(SMALL)
        return KEPT

    def get() -> int:
        for object_id in kept:
            rayx.get(object_id)
        return KEPT

    return {
        "sync": one_by_one(nothing.remote),
        "burst": at_once(nothing.remote),
        "actor_sync": one_by_one(counter.add.remote),
        "actor_burst": at_once(counter.add.remote),
        "put": put,
        "get": get,
    }


PATHS = ("sync", "burst", "actor_sync", "actor_burst", "put", "get")


def measure(path: str, seconds: float, folded: Path | None) -> Breakdown:
    """Runs one path for so long, in a session of its own."""
    with rayx.init() as info, tempfile.TemporaryDirectory() as scratch:
        counter: Any = Counter.remote()
        workers = set(rayx.get([pid_of_worker.remote() for _ in range(8)]))
        workers.add(rayx.get(counter.pid.remote()))
        processes = {
            "driver": [os.getpid()],
            "node": [_node_of(info["supervisor_pid"])],
            "workers": sorted(workers),
        }
        step = steps(counter)[path]
        step()
        pids = [pid for group in processes.values() for pid in group]
        sampler = _Sampler(Path(scratch) / "samples", pids, seconds, folded is not None)
        before = {name: Usage.of(group) for name, group in processes.items()}
        began = time.perf_counter()
        calls = 0
        while time.perf_counter() - began < seconds:
            calls += step()
        took_us = (time.perf_counter() - began) * 1e6
        usage = {
            name: Usage.of(group).since(before[name], calls) for name, group in processes.items()
        }
        names = {pid: name for name, group in processes.items() for pid in group}
        layers = shares(sampler.samples(), names)
        if folded is not None:
            folded.write_text("".join(f"{line}\n" for line in sampler.folded(names)))
    return Breakdown(path, calls, took_us / calls, usage, layers)


def _node_of(supervisor: int) -> int:
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for child in children:
        if b"rayx-node" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise SystemExit(f"the supervisor {supervisor} has no node")


# ---- sampling ------------------------------------------------------------------------------------


class _Sampler:
    """`perf record` on some processes, if there is a `perf`."""

    def __init__(self, file: Path, pids: list[int], seconds: float, stacks: bool) -> None:
        self._file = file
        self._perf = shutil.which("perf")
        if self._perf is None:
            return
        command = [self._perf, "record", "--quiet", "--event=cpu-clock", "--freq=1999"]
        command += ["--output", str(file), f"--pid={','.join(map(str, pids))}"]
        command += ["--call-graph=fp"] if stacks else []
        self._process = subprocess.Popen(
            [*command, "--", "sleep", str(seconds)], stderr=subprocess.DEVNULL
        )

    def samples(self) -> list[tuple[int, str, str]]:
        """The process, the symbol and the file of each."""
        if self._perf is None:
            return []
        self._process.wait()
        fields = "--fields=pid,ip,sym,dso"
        return list(parse_samples(self._script(fields, "--max-stack=1")))

    def folded(self, names: dict[int, str]) -> list[str]:
        """Each stack that was met, from the outermost, and how often: a line for each."""
        if self._perf is None:
            return []
        return fold(self._script("--fields=pid,ip,sym"), names)

    def _script(self, *options: str) -> str:
        command = [str(self._perf), "script", "--input", str(self._file), *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


_FRAME = re.compile(r"\s*[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)?(?: \((.*)\))?$")


def parse_samples(script: str) -> Iterator[tuple[int, str, str]]:
    """The innermost frame of each sample of `perf script --fields=pid,ip,sym,dso`."""
    pid: int | None = None
    for line in script.splitlines():
        head, _, rest = line.strip().partition(" ")
        if head.isdecimal() and not line.startswith("\t") and pid is None:
            pid = int(head)
            line = rest
        if pid is None or not line.strip():
            continue
        found = _FRAME.match(line)
        if found is not None:
            yield pid, found[1], found[2] or ""
            pid = None


def fold(script: str, names: dict[int, str]) -> list[str]:
    """A line for each stack of `perf script --fields=pid,ip,sym`, for flame graph tools."""
    counted: collections.Counter[str] = collections.Counter()
    for block in script.split("\n\n"):
        lines = block.strip().splitlines()
        if len(lines) < 2 or not lines[0].strip().isdecimal():
            continue
        frames = [found[1] for line in lines[1:] if (found := _FRAME.match(line)) is not None]
        name = names.get(int(lines[0]), "other")
        counted[";".join([name, *(frame.replace(";", ":") for frame in reversed(frames))])] += 1
    return [f"{stack} {count}" for stack, count in sorted(counted.items())]


def layer_of(symbol: str, file: str) -> str:
    """The layer that a symbol of a file belongs to."""
    name = Path(file).name
    if "kernel" in name or name.startswith("["):
        if _SWITCHING.search(symbol):
            return "kernel: waking and switching"
        return "kernel: sockets" if _SOCKETS.search(symbol) else "kernel: other"
    if name.startswith("_pickle"):
        return "pickle"
    if name.startswith("_raylet"):
        return "rayx client"
    if name.startswith(("libc.", "libc-", "libstdc++", "ld-linux", "[vdso")):
        return "C library"
    if name.startswith(("libpython", "python")):
        return "Python"
    if name == "rayx-node":
        return next((room for room, words in _ROOMS if words.search(symbol)), "daemon")
    return "other"


def shares(
    samples: Iterable[tuple[int, str, str]], names: dict[int, str]
) -> dict[str, dict[str, float]]:
    """For each process, the part of its samples in each layer; the largest first."""
    counted: dict[str, collections.Counter[str]] = {}
    for pid, symbol, file in samples:
        layers = counted.setdefault(names.get(pid, "other"), collections.Counter())
        layers[layer_of(symbol, file)] += 1
    return {
        name: {layer: count / layers.total() for layer, count in layers.most_common()}
        for name, layers in counted.items()
    }


# ---- what is said --------------------------------------------------------------------------------


def table(found: list[Breakdown]) -> str:
    """Markdown: a line for each process of each path."""
    lines = [
        "| path | a call | process | on a CPU | waits for one | switches | of its time on a CPU |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found:
        path, wall = one.path, f"{one.us:.1f} µs"
        for name, usage in one.usage.items():
            layers = one.layers.get(name, {})
            told = ", ".join(
                f"{layer} {part:.0%}" for layer, part in layers.items() if part >= 0.03
            )
            lines.append(
                f"| {path} | {wall} | {name} | {usage.run_us:.1f} µs | {usage.wait_us:.1f} µs "
                f"| {usage.switches:.2f} | {told} |"
            )
            path = wall = ""
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", metavar="path", help=", ".join(PATHS))
    parser.add_argument("--seconds", type=float, default=4.0, help="for each path")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--folded", type=Path, help="where to write the stacks of one path")
    given = parser.parse_args()
    paths = given.paths or PATHS
    unknown = sorted(set(paths) - set(PATHS))
    if unknown:
        parser.error(f"there is no path {unknown[0]!r}; choose from {', '.join(PATHS)}")
    if given.folded is not None and len(paths) != 1:
        parser.error("--folded wants one path")
    if shutil.which("perf") is None:
        print("There is no perf (Debian's linux-perf): the layers are left out.\n")
    found = [measure(path, given.seconds, given.folded) for path in paths]
    print(table(found))
    if given.json is not None:
        given.json.write_text(json.dumps([dataclasses.asdict(one) for one in found], indent=1))


if __name__ == "__main__":
    main()
