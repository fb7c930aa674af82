"""Small objects."""

from __future__ import annotations

import itertools

from peers.steps.session import Figures, Session, expect
from peers.steps.timing import call_times, median_seconds, rate

_MANY = 10_000
_FEW = 1_000
_VALUE = {"step": 7, "loss": 0.25, "name": "small"}


def put_small(session: Session) -> Figures:
    """References are kept, as those of objects in use are."""
    put = session.backend.put
    kept = []
    taken = call_times(lambda: kept.append(put(_VALUE)), times=_MANY, budget_s=2)
    expect(session.backend.get_one(kept[-1]), _VALUE)
    return {"put_small_per_s": rate(taken)}


def get_small(session: Session) -> Figures:
    """Of many objects, in turn."""
    backend = session.backend
    get_one = backend.get_one
    references = [backend.put(_VALUE) for _ in range(_FEW)]
    expect(get_one(references[0]), _VALUE)
    turn = itertools.cycle(references)
    taken = call_times(lambda: get_one(next(turn)), times=_MANY, budget_s=2)
    return {"get_small_per_s": rate(taken)}


def get_10k(session: Session) -> Figures:
    """All in one call."""
    backend = session.backend
    references = [backend.put(_VALUE) for _ in range(_MANY)]

    def get_all() -> None:
        expect(len(backend.get(references)), _MANY)

    get_all()
    return {"get_10k_refs_s": median_seconds(get_all, times=3, budget_s=4)}
