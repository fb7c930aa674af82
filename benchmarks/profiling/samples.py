"""Samples of processes by the clock, taken with `perf`, and the layers that they lie in.

A sample is a stack. Its layer is that of its innermost frame, with one exception: much of the
kernel, such as its locks and its memory, is used by all of it. So a frame of the kernel that tells
nothing counts for the next one outside that does.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

HZ = 1999  # not in step with anything that happens each millisecond

#: Of the node's own code, by the names in its symbols.
_ROOMS = (
    ("scheduler", re.compile(r"rayx::scheduler|rayx::Task(Spec|Entry)")),
    ("plasma", re.compile(r"rayx::plasma")),
    ("control", re.compile(r"rayx::control")),
    ("asio", re.compile(r"\basio::|rayx::EventLoop")),
    ("protocol", re.compile(r"flatbuffers|rayx::protocol|ParseTaskSpec|FrameReader")),
)
# All that these two call when a message has come wakes who waits for it.
_WAKING = r"sock_def_readable|ep_poll_callback"
_SWITCHING = re.compile(
    r"sched|switch|wake|ttwu|enqueue|dequeue|pick_next|update_curr|futex|hrtimer|update_load"
    rf"|affin|rseq|{_WAKING}"
)
_SOCKETS = re.compile(r"unix_|sock|skb|sendmsg|recvmsg|iov|copy_(to|from)|rep_movs|scm_|poll")
_NOT_KERNEL = ("[vdso]", "[unknown]", "[heap]", "[stack]")


@dataclasses.dataclass(frozen=True)
class Frame:
    """A function of a program, a library or the kernel."""

    symbol: str
    file: str

    @property
    def in_kernel(self) -> bool:
        return self.file.startswith("[") and self.file not in _NOT_KERNEL


@dataclasses.dataclass(frozen=True)
class Sample:
    """Where a process was; the innermost frame first."""

    pid: int
    stack: tuple[Frame, ...]


# ---- taking --------------------------------------------------------------------------------------


class Sampler:
    """`perf record` on some processes, for so many seconds from now."""

    def __init__(self, file: Path, pids: list[int], seconds: float) -> None:
        self._file = file
        self._pids = ",".join(map(str, pids))
        whole = samples_the_machine()
        # What belongs to a processor costs nothing when processes are switched; what belongs to a
        # process is switched with it, which would be a quarter of a round trip.
        whose = ["--all-cpus"] if whole else [f"--pid={self._pids}"]
        self._process = subprocess.Popen(
            [
                *("perf", "record", "--quiet", "--event=cpu-clock", f"--freq={HZ}"),
                *("--call-graph=fp", "--no-buildid", "--no-buildid-cache"),
                *(*whose, "--output", str(file), "--", "sleep", str(seconds)),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def is_over(self) -> bool:
        return self._process.poll() is not None

    def samples(self) -> list[Sample]:
        """All of those processes. Raises SystemExit with what `perf` says if it failed."""
        _, said = self._process.communicate()
        if self._process.returncode != 0:
            raise SystemExit(f"perf failed: {said.strip()}")
        command = ["perf", "script", "--input", str(self._file), f"--pid={self._pids}"]
        command.append("--fields=pid,ip,sym,dso")
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise SystemExit(f"perf failed: {ran.stderr.strip()}")
        return list(parse(ran.stdout))


def can_sample() -> bool:
    return shutil.which("perf") is not None


@functools.cache
def samples_the_machine() -> bool:
    """Whether the system lets us sample whole processors; else only processes, ours."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["perf", "record", "--quiet", "--event=cpu-clock", "--all-cpus"]
        command += [f"--output={directory}/samples", "--", "true"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


# ---- reading -------------------------------------------------------------------------------------

_FRAME = re.compile(r"\s*[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)?(?: \(([^()]*(?: \(deleted\))?)\))?$")


def parse(script: str) -> Iterator[Sample]:
    """What `perf script --fields=pid,ip,sym,dso` writes; samples without a stack are left out."""
    for block in script.split("\n\n"):
        head, *rest = block.strip("\n").splitlines() or [""]
        if not head.strip().isdecimal():
            continue
        found = [match for line in rest if (match := _FRAME.match(line)) is not None]
        if found:
            yield Sample(int(head), tuple(Frame(match[1], match[2] or "") for match in found))


def fold(samples: Iterable[Sample], names: Mapping[int, str]) -> list[str]:
    """A line for each stack that was met, from the outermost, and how often: for flame graphs."""
    counted: collections.Counter[str] = collections.Counter()
    for sample in samples:
        frames = [frame.symbol.replace(";", ":") for frame in reversed(sample.stack)]
        counted[";".join([names.get(sample.pid, "other"), *frames])] += 1
    return [f"{stack} {count}" for stack, count in sorted(counted.items())]


def layer_of(stack: tuple[Frame, ...]) -> str:
    """The layer in which a process was; the innermost frame is the first."""
    innermost = stack[0]
    if innermost.in_kernel:
        return _layer_in_kernel(stack)
    name = Path(innermost.file.removesuffix(" (deleted)")).name
    if name.startswith("_pickle"):
        return "pickle"
    if name.startswith("_raylet"):
        return "rayx client"
    if name.startswith(("libc.", "libc-", "libstdc++", "libpthread", "ld-linux", "[vdso")):
        return "C library"
    if name.startswith(("libpython", "python")):
        return "Python"
    if name == "rayx-node":
        return next((room for room, words in _ROOMS if words.search(innermost.symbol)), "daemon")
    return "other"


def _layer_in_kernel(stack: tuple[Frame, ...]) -> str:
    for frame in stack:
        if not frame.in_kernel:
            break
        if _SWITCHING.search(frame.symbol):
            return "kernel: waking and switching"
        if _SOCKETS.search(frame.symbol):
            return "kernel: sockets"
    return "kernel: other"


def shares(samples: Iterable[Sample], names: Mapping[int, str]) -> dict[str, dict[str, float]]:
    """For each process, the part of its samples in each layer; the largest first."""
    counted: dict[str, collections.Counter[str]] = {}
    for sample in samples:
        layers = counted.setdefault(names.get(sample.pid, "other"), collections.Counter())
        layers[layer_of(sample.stack)] += 1
    return {
        name: {layer: count / layers.total() for layer, count in layers.most_common()}
        for name, layers in counted.items()
    }
