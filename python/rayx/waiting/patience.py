"""Says why, when somebody has waited for ten seconds and nothing has happened.

    get, wait, streams   _raylet.Client ──(after 5 s, 10 s, 15 s, …)──▶ look
    as_completed, map    Queue.take ──────────────────────────────────▶ look
    await, future()      awaiting ────────────────────────────────────▶ look

A look asks the node what holds up the task that is waited for. If something works on it, or if the
answer was another one at the look before, all is well. Else the answer is printed, once for each
cause. Waits of less than five seconds come past here not at all. Most programs have no others: the
first look imports this module.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from rayx import hints, questions, session
from rayx._raylet import RayletError
from rayx.hints import FIRST_LOOK_MS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rayx._raylet import ObjectID

# The first look is at FIRST_LOOK_MS, and the second one may print something. Later ones follow at
# growing distances.
_GROWTH = 1.5
# So many ids are asked for: what was submitted first runs first.
_ASKED = 8
# The node answers at once, or is busy.
_ANSWER_MS = 500
_NEVER_MS = 1 << 62


class Look(NamedTuple):
    """What was found, and how long the wait will have lasted at the next look."""

    next_ms: int
    #: (objects that are there, what holds up the next one).
    found: tuple[int, str] | None = None


def look(
    ids: Iterable[ObjectID[Any]],
    needs_all: bool,
    waited_ms: int,
    before: Look | None,
) -> Look:
    """Looks at a wait for these, or for one of them; `before` is the last look's answer."""
    owner = session.current()
    if not hints.wanted(owner):
        return Look(_NEVER_MS)
    next_ms = max(waited_ms + FIRST_LOOK_MS, round(waited_ms * _GROWTH))
    try:
        # While this task waits, others have its CPU, and the node shall say so.
        loan = owner.client.lend_cpus()
        try:
            found, cause, text = _find(owner, list(ids), needs_all)
        finally:
            owner.client.return_cpus(loan)
    except RayletError:  # the node is busy, or gone: the wait itself will tell
        return Look(next_ms)
    if text and before is not None and before.found == (found, text):
        hints.give(owner, f"waits: {cause}", f"no progress for {waited_ms // 1000} s: {text}")
    return Look(next_ms, (found, text))


def _find(
    owner: session.Session, ids: list[ObjectID[Any]], needs_all: bool
) -> tuple[int, str, str]:
    """How many objects are there; cause and text of what holds up the others, or ""."""
    ready = owner.client.wait(ids, len(ids), 0)
    missing = (object_id for object_id, is_ready in zip(ids, ready, strict=True) if not is_ready)
    # A wait for all waits for the first of them. For other waits one of several is enough.
    held_up = [
        questions.hold_up(owner.client, object_id, _ANSWER_MS)
        for object_id in islice(missing, 1 if needs_all else _ASKED)
    ]
    if not held_up or any(not text for _, text in held_up):
        return sum(ready), "", ""
    return sum(ready), *held_up[0]


class Patience:
    """For a wait in parts: `next_part` tells how long the next may be, then comes `look`."""

    def __init__(self) -> None:
        self.waited_ms = 0
        self._last: Look | None = None

    def part_ms(self, left_ms: int) -> int:
        """How long to wait until the next look, if so much time is left; -1 is without end."""
        until = FIRST_LOOK_MS if self._last is None else self._last.next_ms - self.waited_ms
        return until if left_ms < 0 else min(until, left_ms)

    def look(self, ids: Iterable[ObjectID[Any]], part_ms: int) -> None:
        """Nothing has come for so much longer."""
        self.waited_ms += part_ms
        self._last = look(ids, False, self.waited_ms, self._last)
