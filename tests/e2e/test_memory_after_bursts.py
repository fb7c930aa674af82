"""The memory of a session after a burst: little of what a hundred thousand tasks needed stays."""

import os
import time
from pathlib import Path

import rayx

TASKS = 100_000
# Bytes that may stay. Without giving back it is 95 MB; up to 16 MB are kept for the next burst, and
# the control server has its own heap.
MOST = 65e6


@rayx.remote
def same(value):
    return value


def processes_below(process):
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [process]
    for one in found:
        found += parents.get(one, [])
    return found


def memory_of_session():
    """Bytes in memory of this process and all below it, shared ones by their share."""
    total = 0
    for process in processes_below(os.getpid()):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def test_what_a_burst_has_used_goes_back():
    rayx.init(num_cpus=2, num_gpus=0)
    try:
        rayx.get([same.remote(number) for number in range(1000)])
        before = memory_of_session()
        ids = [same.remote(number) for number in range(TASKS)]
        assert rayx.get(ids[-1]) == TASKS - 1
        for start in range(0, TASKS, 10_000):
            rayx.wait(ids[start : start + 10_000], num_returns=10_000)
        del ids
        deadline = time.monotonic() + 10
        while (more := memory_of_session() - before) > MOST and time.monotonic() < deadline:
            rayx.wait([same.remote(0)])
        assert more < MOST, f"{more / 1e6:.0f} MB more than before"
    finally:
        rayx.shutdown()
