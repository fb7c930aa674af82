"""What this machine has, and lets this process use of it.

>>> cpu_count() >= 1
True
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def cpu_count(proc: Path = Path("/proc"), cgroups: Path = _CGROUPS) -> int:
    """CPUs this process may use: of the machine, its affinity, its cgroup's quota; at least 1."""
    counts = [os.cpu_count() or 1, len(os.sched_getaffinity(0))]
    for directory in _cgroup_directories("cpu", proc, cgroups):
        quota = _cpu_quota(directory)
        if quota is not None:
            counts.append(max(1, math.ceil(quota)))
    return min(counts)


def busy_cpu_count(proc: Path = Path("/proc"), cgroups: Path = _CGROUPS) -> int:
    """CPUs that threads may keep busy without a pause; 0 if none.

    As `cpu_count`, except that whoever uses up a quota is stopped for a while: of that the last
    whole CPU is not to be used so.
    """
    counts = [os.cpu_count() or 1, len(os.sched_getaffinity(0))]
    quotas = map(_cpu_quota, _cgroup_directories("cpu", proc, cgroups))
    counts += [math.floor(quota) - 1 for quota in quotas if quota is not None]
    return max(0, min(counts))


def memory_bytes(proc: Path = Path("/proc"), cgroups: Path = _CGROUPS) -> int:
    """Memory this process may use: of the machine, or of its cgroup if that is less."""
    limits = [_physical_bytes(proc)]
    for directory in _cgroup_directories("memory", proc, cgroups):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _read(directory / name)
            if text.isdigit():
                limits.append(int(text))
    return min(limits)


def gpu_names(proc: Path = Path("/proc"), devices: Path = Path("/dev")) -> list[str]:
    """The GPUs of this machine, as their driver names them. Looks; asks no program."""
    names = []
    for information in sorted((proc / "driver/nvidia/gpus").glob("*/information")):
        for line in _read(information).splitlines():
            if line.startswith("Model:"):
                names.append(line.partition(":")[2].strip())
    if names:
        return names
    return [device.name for device in sorted(devices.glob("nvidia[0-9]*"))]


def addresses() -> list[str]:
    """The internet addresses of this machine's network interfaces, loopback included."""
    import socket

    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    found = [
        entry.address.partition("%")[0]  # without the interface's name
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in families
    ]
    return list(dict.fromkeys(found))


def _physical_bytes(proc: Path) -> int:
    for line in _read(proc / "meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cpu_quota(directory: Path) -> float | None:
    words = _read(directory / "cpu.max").split()  # "max 100000" or "150000 100000"
    if len(words) != 2:
        words = [_read(directory / "cpu.cfs_quota_us"), _read(directory / "cpu.cfs_period_us")]
    try:
        quota, period = float(words[0]), float(words[1])
    except ValueError:
        return None
    return quota / period if quota > 0 and period > 0 else None


def _cgroup_directories(controller: str, proc: Path, cgroups: Path) -> Iterator[Path]:
    """Where limits may stand: of the process's group, and of all groups above it."""
    for line in _read(proc / "self" / "cgroup").splitlines():
        fields = line.split(":", 2)
        if len(fields) != 3:
            continue
        _, controllers, path = fields
        if controllers == "":  # version 2
            root = cgroups
        elif controller in controllers.split(","):
            root = cgroups / controller
        else:
            continue
        below = [part for part in path.split("/") if part not in ("", "..", ".")]
        for depth in range(len(below), -1, -1):
            yield root.joinpath(*below[:depth])


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
