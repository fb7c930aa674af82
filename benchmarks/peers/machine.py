"""The machine, in words."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def words() -> str:
    """What a reader must know to understand the figures."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} CPUs ({_cpu_model()}), {_memory_gib():.0f} GiB of memory, "
        f"{platform.system()} {platform.release()}, load {load:.1f} at the start"
    )


def _cpu_model() -> str:
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            model = value.strip()
    return model


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
