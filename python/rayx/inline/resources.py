"""What tasks and actors hold in PYTHON_MODE. Nobody ever waits for it: tasks run one in another.

>>> resources = InlineResources({"CPU": 2.0, "GPU": 1.0})
>>> resources.take({"CPU": 1.0, "GPU": 0.5})
Holding(amounts={'CPU': 1.0, 'GPU': 0.5}, gpus=[0])
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Holding(NamedTuple):
    """Of one task or actor."""

    amounts: Mapping[str, float]
    #: Indices.
    gpus: list[int]


class InlineResources:
    """The amounts of the session."""

    def __init__(self, total: Mapping[str, float]) -> None:
        self.total = dict(total)
        self._holdings: list[Holding] = []

    def available(self) -> dict[str, float]:
        """What nobody holds. A task within another may hold the same a second time."""
        return {
            name: max(0.0, amount - sum(one.amounts.get(name, 0.0) for one in self._holdings))
            for name, amount in self.total.items()
        }

    def lacking(self, amounts: Mapping[str, float]) -> str:
        """What of this can never be given; "" if all can."""
        return " and ".join(
            f"{amount:g} {name}, of which there are {self.total.get(name, 0.0):g} in all"
            for name, amount in amounts.items()
            if amount > self.total.get(name, 0.0)
        )

    def take(self, amounts: Mapping[str, float]) -> Holding:
        """To be given back."""
        count = math.ceil(amounts.get("GPU", 0.0))
        held = {gpu for one in self._holdings for gpu in one.gpus}
        indices = sorted(range(int(self.total.get("GPU", 0.0))), key=lambda gpu: gpu in held)
        holding = Holding(amounts, sorted(indices[:count]))
        self._holdings.append(holding)
        return holding

    def give_back(self, holding: Holding) -> None:
        """Once."""
        self._holdings = [one for one in self._holdings if one is not holding]
