"""What may be said of a remote function beside its code.

>>> TaskOptions().replaced({"num_return_vals": 2}).num_return_vals
2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rayx import resources as resource_amounts

_RETURNS_MAX = 1 << 20  # limits::kReturnsMax of the node
_RETRIES_MAX = (1 << 31) - 1


class TaskOptions(NamedTuple):
    """Options of `rayx.remote`, checked. None stands for the default."""

    num_return_vals: int = 1
    num_cpus: float | None = None
    num_gpus: float | None = None
    resources: Mapping[str, float] | None = None
    max_retries: int = 3

    def replaced(self, changes: dict[str, Any]) -> TaskOptions:
        """These options with others in their place; TypeError or ValueError if one is wrong."""
        for name in changes:
            if name not in self._fields:
                raise TypeError(
                    f"rayx.remote has no option '{name}'; it has {', '.join(self._fields)}"
                )
        changed = self._replace(**changes)
        _check_whole("num_return_vals", changed.num_return_vals, 0, _RETURNS_MAX)
        _check_whole("max_retries", changed.max_retries, -1, _RETRIES_MAX)
        changed.demand()
        if changed.resources is not None:
            # A copy: the caller's dictionary may change.
            changed = changed._replace(resources=dict(changed.resources))
        return changed

    def demand(self) -> dict[str, float]:
        """The resources that a task holds while it runs."""
        return resource_amounts.demand(self.num_cpus, self.num_gpus, self.resources)

    def shape(self, ids: Sequence[Any]) -> Any:
        """What a call returns: one id, a list of them, or None."""
        if self.num_return_vals == 1:
            return ids[0]
        return list(ids) if self.num_return_vals else None


def _check_whole(name: str, value: Any, smallest: int, largest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r} of {type(value).__name__}")
    if not smallest <= value <= largest:
        raise ValueError(f"{name} must be between {smallest} and {largest}, not {value}")
