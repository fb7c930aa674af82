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
    before = session_processes.running_seconds(session_processes.find(session.mark))
    started = time.monotonic()
    time.sleep(_WATCH_S)
    found = session_processes.find(session.mark)
    watched_s = time.monotonic() - started
    used_s = session_processes.running_seconds(found) - before
    return {
        "idle_pss_mb": session_processes.pss_bytes(found) / 1e6,
        "idle_procs": len(found),
        "idle_cpu_pct": 100 * max(0.0, used_s) / watched_s,
    }
