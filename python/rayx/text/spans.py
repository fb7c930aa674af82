"""Spans of time as they are typed: a number of seconds, or with a unit.

>>> milliseconds_of("--grace", "30"), milliseconds_of("--lifetime", "1.5h")
(30000, 5400000)
"""

from __future__ import annotations

import re

from rayx.text.value_text import shown

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DAYS_MAX = 365


def milliseconds_of(name: str, text: str) -> int:
    """At least 1. ValueError, which names the option, if it is no span or longer than a year."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if found is None:
        raise ValueError(
            f"{name}={shown(text)} is no span of time: give seconds, as in 30, or another unit, as "
            "in 10m, 4h or 2d"
        )
    seconds = float(found[1]) * _SECONDS[found[2]]
    if seconds > _DAYS_MAX * _SECONDS["d"]:
        raise ValueError(f"{name}={text} is more than {_DAYS_MAX} days")
    return max(1, round(seconds * 1000))
