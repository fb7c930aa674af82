"""What processes have used, by the scheduler's counts in /proc."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path


@dataclasses.dataclass
class Usage:
    """Microseconds on a processor, and waiting for one; switches of both kinds."""

    run_us: float = 0.0
    wait_us: float = 0.0
    switches: float = 0.0

    @classmethod
    def of(cls, pids: Iterable[int]) -> Usage:
        """Of these together, since they began; of all their threads."""
        total = cls()
        for pid in pids:
            for task in Path(f"/proc/{pid}/task").iterdir():
                total._add((task / "schedstat").read_text(), (task / "status").read_text())
        return total

    def _add(self, schedstat: str, status: str) -> None:
        run_ns, wait_ns, _ = schedstat.split()
        self.run_us += int(run_ns) / 1000
        self.wait_us += int(wait_ns) / 1000
        self.switches += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)", status)))

    def since(self, before: Usage, calls: int) -> Usage:
        """Of each of so many calls since then."""
        return Usage(
            (self.run_us - before.run_us) / calls,
            (self.wait_us - before.wait_us) / calls,
            (self.switches - before.switches) / calls,
        )


def node_of(supervisor: int) -> int:
    """The pid of a session's node, which is a child of its supervisor."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    for child in children:
        if b"rayx-node" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise SystemExit(f"the supervisor {supervisor} has no node")
