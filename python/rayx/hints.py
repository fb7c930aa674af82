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

if TYPE_CHECKING:
    from rayx.session import Session

#: The variable of the environment that switches hints off.
VARIABLE: Final = "RAYX_HINTS"
_OFF = ("0", "off", "false", "no")
# Whoever has seen so many will not read the next.
_CAUSES_MAX = 1000


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


def tell(text: str) -> None:
    """Prints the text as a hint."""
    stream = sys.stderr
    if stream is None:
        return
    with suppress(OSError, ValueError):
        # In one piece: other threads print too.
        stream.write(f"rayx: {text}\n")
        stream.flush()
