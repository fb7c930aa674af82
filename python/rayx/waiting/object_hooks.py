"""What an ObjectID calls of this package when it is awaited, or waited for in vain.

    await object_id, object_id.future()  ──▶ awaiting      which imports asyncio
    a wait of five seconds, and longer   ──▶ patience

_raylet knows neither. Both are imported when they are needed first: most programs never do.
"""

from __future__ import annotations

from typing import Any

from rayx._raylet import set_long_wait_hook, set_waiting_hooks
from rayx.hints import FIRST_LOOK_MS


class _Waiting:
    """The functions of `awaiting`."""

    def __getattr__(self, name: str) -> Any:
        from rayx.waiting import awaiting

        return getattr(awaiting, name)


def _look(*wait: Any) -> Any:
    from rayx.waiting import patience

    return patience.look(*wait)


def install() -> None:
    """From now on. Called once, when the package is imported."""
    set_waiting_hooks(_Waiting())
    set_long_wait_hook(_look, FIRST_LOOK_MS)
