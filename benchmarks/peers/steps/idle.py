"""What a session costs while nothing runs."""

from __future__ import annotations

import time

from peers import session_processes
from peers.steps.session import Figures, Session

_SETTLE_S = 1.0
_WATCH_S = 3.0


def idle(session: Session) -> Figures:
    """Memory, processes and CPU time, some time after the first tasks."""
    time.sleep(_SETTLE_S)
    watched = session_processes.find(session.mark)
    before_s = session_processes.running_seconds(watched)
    started = time.monotonic()
    time.sleep(_WATCH_S)
    watched_s = time.monotonic() - started
    # Before the search, which takes this process some milliseconds.
    used_s = session_processes.running_seconds(watched) - before_s
    found = session_processes.find(session.mark)
    used_s += session_processes.running_seconds(set(found) - set(watched))
    return {
        "idle_pss_mb": session_processes.pss_bytes(found) / 1e6,
        "idle_procs": len(found),
        "idle_cpu_pct": 100 * max(0.0, used_s) / watched_s,
    }
