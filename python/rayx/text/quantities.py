"""Numbers that users give, of whatever type: numpy's, torch's and fractions too.

>>> from fractions import Fraction
>>> whole("count", 3, 1, 5), real(Fraction(1, 2))
(3, 0.5)
>>> whole("count", 2.0, 1, 5)
Traceback (most recent call last):
TypeError: count must be a whole number, not 2.0 of float

Truth values and texts are none, though Python would take them.
"""

from __future__ import annotations

import operator
from contextlib import suppress
from typing import Any

from rayx.text.value_text import class_has, shown, type_name

_TRUTH_VALUES = ("bool", "bool_")  # Python's, and the names that numpy's has had


def whole(name: str, value: Any, smallest: int, largest: int) -> int:
    """What `operator.index` makes of the value; ValueError if it is out of range."""
    number = index(name, value)
    if not smallest <= number <= largest:
        raise ValueError(f"{name} must be between {smallest:,} and {largest:,}, not {number:,}")
    return number


def index(name: str, value: Any) -> int:
    """The same, of any size; TypeError if it is no whole number."""
    if type(value) is int:
        return value
    if type_name(value) not in _TRUTH_VALUES:
        with suppress(TypeError):
            return int(operator.index(value))
    raise TypeError(f"{name} must be a whole number, not {shown(value)} of {type_name(value)}")


def real(value: Any) -> float | None:
    """What `float` makes of the value; None if it is no number."""
    if type(value) is float or type(value) is int:
        return float(value)
    if type_name(value) in _TRUTH_VALUES or isinstance(value, str | bytes | bytearray):
        return None
    if not class_has(value, "__float__") and not class_has(value, "__index__"):
        return None
    try:
        return float(value)
    except TypeError:  # an array of several
        return None
