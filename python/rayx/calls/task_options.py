"""What may be said of a remote function beside its code.

>>> TaskOptions().replaced({"num_return_vals": 2}).num_return_vals
2
"""

# Annotations are read when the program runs, so they are not put off (see call_options).
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from rayx._raylet import NAME_BYTES_MAX
from rayx.calls import call_options
from rayx.calls.call_options import (
    STREAM,
    Cpus,
    Gpus,
    Name,
    NumReturnVals,
    Option,
    Resources,
    ReturnCount,
    Timeout,
    between,
)
from rayx.text import resources as resource_amounts

_RETRIES_MAX = (1 << 31) - 1
_PRIORITY_MAX = (1 << 31) - 1


class TaskOptions(NamedTuple):
    """Options of `rayx.remote` on a function, checked. None stands for the default."""

    num_return_vals: NumReturnVals = 1
    num_cpus: Cpus = None
    num_gpus: Gpus = None
    resources: Resources = None
    max_retries: Annotated[int, Option(between(-1, _RETRIES_MAX), "max_retries")] = 3
    timeout: Timeout = None
    priority: Annotated[int, Option(between(-_PRIORITY_MAX, _PRIORITY_MAX), "priority")] = 0
    name: Name = None

    def replaced(self, changes: dict[str, Any]) -> "TaskOptions":
        """These options with others in their place; TypeError or ValueError if one is wrong."""
        return call_options.replaced(self, changes, "function")

    def demand(self) -> dict[str, float]:
        """The resources that a task holds while it runs."""
        return resource_amounts.demand(self.num_cpus, self.num_gpus, self.resources)

    def shape(self, ids: Sequence[Any], name: str) -> Any:
        """What a call returns: one id, a list of them, None, or a stream."""
        return shape(ids, self.num_return_vals, name)


def shape(ids: Sequence[Any], num_return_vals: ReturnCount, name: str) -> Any:
    """The ids of a call's results as its caller gets them."""
    if num_return_vals == 1:
        return ids[0]
    if num_return_vals == STREAM:
        from rayx.waiting.object_stream import ObjectStream  # the caller's; loaded for its options

        return ObjectStream(ids, name)
    return list(ids) if num_return_vals else None


def shortened_name(name: str) -> str:
    """A name as the node takes it: in UTF-8, and not too long."""
    return name.encode(errors="replace")[:NAME_BYTES_MAX].decode(errors="ignore")
