"""Advice on stderr, at most once a session for each cause.

Nobody has asked for it, so it can be switched off: by `rayx.init(hints=False)`, or by RAYX_HINTS=0
in the environment.

>>> is_on("0"), is_on("1"), is_on(None)
(False, True, True)
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from rayx._raylet import RayletError

if TYPE_CHECKING:
    from types import FrameType

    from rayx.session import Session

#: The variable of the environment that switches hints off.
VARIABLE: Final = "RAYX_HINTS"
_OFF = ("0", "off", "false", "no")
# A person who has seen so many will not read the next.
_CAUSES_MAX = 1000
# For the number of tasks, which the node says at once or not at all.
_COUNT_MS = 1000
#: When a wait is looked at first (patience.py).
FIRST_LOOK_MS: Final = 5_000
#: Modules that cancel what they have started when they are interrupted, and call `of_interrupt`
#: then. They say so themselves.
cancellers: set[str] = set()


def is_on(setting: str | None) -> bool:
    """What the variable says."""
    return setting is None or setting.strip().lower() not in _OFF


def wanted(owner: Session) -> bool:
    """Whether anybody wants hints here."""
    return owner.hints and is_on(os.environ.get(VARIABLE))


def give(owner: Session, cause: str, text: str) -> bool:
    """Prints the text, unless this cause was named before in this session. True if it did.

    Any thread. Nothing comes of a stderr that is closed.
    """
    if cause in owner.hints_given or len(owner.hints_given) >= _CAUSES_MAX or not wanted(owner):
        return False
    owner.hints_given.add(cause)
    tell(text)
    return True


def of_interrupt(owner: Session, has_cancelled: bool = False) -> None:
    """After Ctrl-C in a call that waited: that the work goes on, for who can go on as well.

    Where the program ends now, the session does too. `map` and `progress` call it again when they
    have cancelled what they had started: before that, the number would be wrong.
    """
    is_interactive = hasattr(sys, "ps1") or bool(sys.flags.interactive)
    if not is_interactive or owner.running is not None or not wanted(owner):
        return
    caller: FrameType | None = None if has_cancelled else sys._getframe(2)
    while caller is not None:
        if caller.f_globals.get("__name__") in cancellers:
            return
        caller = caller.f_back
    from rayx import questions

    with suppress(RayletError):
        count = questions.count_unfinished(owner.client, _COUNT_MS)
        if count > 0:
            what = (
                "1 task of this driver goes" if count == 1 else f"{count} tasks of this driver go"
            )
            tell(f"interrupted, but {what} on. rayx.cancel_all() stops what is under way")


def tell(text: str) -> None:
    """Prints the text as a hint."""
    stream = sys.stderr
    if stream is None:
        return
    with suppress(OSError, ValueError):
        # In one piece: other threads print too.
        stream.write(f"rayx: {text}\n")
        stream.flush()
