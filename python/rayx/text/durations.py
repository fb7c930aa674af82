"""Times that users give, as the node takes them.

>>> import datetime
>>> milliseconds("timeout", 1.5, SECONDS), milliseconds("timeout", datetime.timedelta(minutes=1), 1)
(1500, 60000)
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

from rayx.text.quantities import real
from rayx.text.value_text import shown, type_name

if TYPE_CHECKING:
    from datetime import timedelta

    #: A number, in the unit that the parameter's description names; or the same in any unit.
    Duration: TypeAlias = float | timedelta
else:
    Duration = Any

#: How many milliseconds a number of seconds, or of milliseconds, is multiplied with.
SECONDS: Final = 1000
MILLISECONDS: Final = 1
_UNITS = {SECONDS: "seconds", MILLISECONDS: "milliseconds"}
# More, and it is as good as infinity.
_ENDLESS_MS = 1e15


def milliseconds(name: str, value: Any, per_unit: int) -> int:
    """The time of parameter `name`, rounded up; -1 for infinity.

    TypeError or ValueError if it is none. `per_unit`: what a number is in, SECONDS or MILLISECONDS.
    """
    number = in_units(name, value, per_unit)
    if math.isnan(number) or number < 0:
        raise ValueError(
            f"{name} must not be negative, but is {value!r}"
            + ("" if is_timedelta(value) else f" {_UNITS[per_unit]}")
            + "; None waits without end"
        )
    exact = number * per_unit
    if is_timedelta(value):  # of whole milliseconds, it may be a little more as a number
        exact = round(exact, 6)
    return -1 if exact > _ENDLESS_MS else math.ceil(exact)


def in_units(name: str, value: Any, per_unit: int) -> float:
    """The time as a number of this unit, whatever it is; TypeError if it is no time."""
    if type(value) is int or type(value) is float:
        return value
    if is_timedelta(value):
        from datetime import timedelta

        return value / timedelta(milliseconds=per_unit)
    number = real(value)  # of numpy too, and fractions
    if number is None:
        raise TypeError(
            f"{name} must be a number of {_UNITS[per_unit]}, a datetime.timedelta or None, not "
            f"{shown(value)} of {type_name(value)}"
        )
    return number


def is_timedelta(value: Any) -> TypeGuard[timedelta]:
    """Whether it is a datetime.timedelta: only who has imported that module can have one."""
    module = sys.modules.get("datetime")
    return module is not None and isinstance(value, module.timedelta)
