"""Tasks that move arrays."""

from __future__ import annotations

from typing import Any

from peers import workload
from peers.backends.interface import Backend
from peers.steps.session import Figures, Session, expect
from peers.steps.timing import median_seconds

_IN_FLIGHT = 200
_LEAVES = 100
_LEAF_ITEMS = 1_000_000


def numpy_arg(session: Session) -> Figures:
    """The array itself is the argument, not a reference to it."""
    backend = session.backend
    submit, array = backend.remote(workload.take), workload.megabyte()

    def give() -> None:
        sizes = backend.get([submit(array) for _ in range(_IN_FLIGHT)])
        expect(sizes, [array.nbytes] * _IN_FLIGHT)

    give()
    return {"numpy_arg_1m_per_s": _IN_FLIGHT / median_seconds(give, times=5, budget_s=4)}


def numpy_ret(session: Session) -> Figures:
    """The driver gets each array, and looks at one item of it."""
    backend = session.backend
    submit = backend.remote(workload.megabyte)

    def take() -> None:
        arrays = backend.get([submit() for _ in range(_IN_FLIGHT)])
        expect(sum(float(array[-1]) for array in arrays), float(_IN_FLIGHT))

    take()
    return {"numpy_ret_1m_per_s": _IN_FLIGHT / median_seconds(take, times=5, budget_s=4)}


def tree_reduce(session: Session) -> Figures:
    """Where references cannot be arguments, the arrays go through the driver, level by level."""
    backend = session.backend
    wanted = float(sum(range(_LEAVES)))

    def reduce() -> None:
        expect(float(_tree_sum(backend)[-1]), wanted)

    return {"tree_reduce_s": median_seconds(reduce, times=3, budget_s=4)}


def _tree_sum(backend: Backend) -> Any:
    make, add = backend.remote(workload.filled), backend.remote(workload.add)
    level = [make(float(leaf), _LEAF_ITEMS) for leaf in range(_LEAVES)]
    while len(level) > 1:
        operands = level if backend.takes_references else backend.get(level)
        pairs = zip(operands[::2], operands[1::2], strict=False)
        odd = [level[-1]] if len(level) % 2 else []
        level = [add(left, right) for left, right in pairs] + odd
    return backend.get_one(level[0])
