"""Amounts of resources as users write them: checked, and put into the form the node takes.

>>> demand(num_cpus=2, num_gpus=None, resources={"disk": 0.5})
{'CPU': 2.0, 'disk': 0.5}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rayx._raylet import NAME_BYTES_MAX, RESOURCE_MAX, RESOURCE_UNITS_PER_ONE
from rayx.text.quantities import real
from rayx.text.value_text import shown, type_name


def amount(name: str, value: Any) -> float:
    """`value` as an amount of a resource; TypeError or ValueError if it is none."""
    number = real(value)
    if number is None:
        raise TypeError(f"{name} must be a number, not {shown(value)} of type {type_name(value)}")
    if not math.isfinite(number) or not 0 <= number <= RESOURCE_MAX:
        raise ValueError(f"{name} must be between 0 and {RESOURCE_MAX:,}, not {shown(value)}")
    if 0 < number < 1 / RESOURCE_UNITS_PER_ONE:
        raise ValueError(
            f"{name} must be 0 or at least {1 / RESOURCE_UNITS_PER_ONE}, not {shown(value)}"
        )
    return number


def custom(resources: Any) -> dict[str, float]:
    """`resources` as names and amounts of what is neither CPU nor GPU."""
    if resources is None:
        return {}
    if not isinstance(resources, Mapping):
        raise TypeError(
            "resources must be a dictionary of names and amounts such as {'disk': 1}, "
            f"not {shown(resources)} of type {type_name(resources)}"
        )
    checked = {}
    for name, value in resources.items():
        if not isinstance(name, str) or not name:
            raise TypeError(
                f"a resource's name must be a string that is not empty, not {shown(name)}"
            )
        if name in ("CPU", "GPU"):
            raise ValueError(f"give {name} as num_{name.lower()}s={shown(value)}, not in resources")
        if len(name.encode(errors="replace")) > NAME_BYTES_MAX or not name.isprintable():
            raise ValueError(
                f"a resource's name must be printable and have at most {NAME_BYTES_MAX} bytes, "
                f"not {shown(name[:60])}"
            )
        if "=" in name:
            raise ValueError(f"a resource's name must not contain '=': {shown(name)}")
        checked[name] = amount(f"resources[{shown(name)}]", value)
    return checked


def demand(num_cpus: Any, num_gpus: Any, resources: Any) -> dict[str, float]:
    """What a task asks for. CPU is always named, since the node takes silence for one CPU."""
    wanted = {"CPU": 1.0 if num_cpus is None else amount("num_cpus", num_cpus)}
    if num_gpus is not None:
        wanted["GPU"] = _gpus(num_gpus)
    return wanted | custom(resources)


def _gpus(num_gpus: Any) -> float:
    gpus = amount("num_gpus", num_gpus)
    if gpus > 1 and not gpus.is_integer():
        raise ValueError(
            f"num_gpus must be a whole number, or less than 1 for a share of one GPU, not {gpus}"
        )
    return gpus
