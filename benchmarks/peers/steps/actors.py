"""Actors, where the backend has them."""

from __future__ import annotations

from typing import Any

from peers import workload
from peers.backends.interface import NotOffered
from peers.steps.session import Figures, Session, expect
from peers.steps.timing import call_times, median_seconds, rate

_BURST = 10_000
_MANY_ACTORS = 50
_IN_FLIGHT = 200


def actor_sync(session: Session) -> Figures:
    """Each call waits for its value."""
    backend = session.backend
    actor = backend.start_actor()
    call = backend.actor_call(actor, "increment")
    expect(call(), 1)
    taken = call_times(call, times=5_000, budget_s=3)
    backend.stop_actors([actor])
    return {"actor_sync_per_s": rate(taken)}


def actor_async(session: Session) -> Figures:
    """Bursts; calls come back in order."""
    backend = session.backend
    actor = backend.start_actor()
    submit = backend.actor_method(actor, "increment")

    def burst(count: int) -> None:
        counts = backend.actor_get([submit() for _ in range(count)])
        expect(counts[-1] - counts[0], count - 1)

    burst(_BURST // 10)
    total_s = median_seconds(lambda: burst(_BURST), times=3, budget_s=4)
    backend.stop_actors([actor])
    return {"actor_async_per_s": _BURST / total_s}


def actor_n_n(session: Session) -> Figures:
    """Each of two tasks calls each of two actors."""
    backend = session.backend
    submit = backend.actor_caller()
    actors = [backend.start_actor() for _ in range(2)]

    def call(total: int) -> None:
        calls_each = total // 4
        replies = backend.get([submit(actors, calls_each) for _ in range(2)])
        expect(replies, [2 * calls_each] * 2)

    call(_BURST // 10)
    total_s = median_seconds(lambda: call(_BURST), times=3, budget_s=4)
    backend.stop_actors(actors)
    return {"actor_n_n_async_per_s": _BURST / total_s}


def numpy_actor_arg(session: Session) -> Figures:
    """200 calls in flight, or one where calls cannot be asynchronous."""
    backend = session.backend
    actor = backend.start_actor()
    array = workload.megabyte()

    def give() -> None:
        expect(_take_many(session, actor, array), [array.nbytes] * _IN_FLIGHT)

    give()
    total_s = median_seconds(give, times=5, budget_s=4)
    backend.stop_actors([actor])
    return {"numpy_actor_arg_1m_per_s": _IN_FLIGHT / total_s}


def actors_create(session: Session) -> Figures:
    """Each called once, and ended."""
    backend = session.backend

    def create() -> None:
        actors = [backend.start_actor() for _ in range(_MANY_ACTORS)]
        try:
            submits = [backend.actor_method(actor, "increment") for actor in actors]
            counts = backend.actor_get([submit() for submit in submits])
        except NotOffered:
            counts = [backend.actor_call(actor, "increment")() for actor in actors]
        expect(counts, [1] * _MANY_ACTORS)
        backend.stop_actors(actors)

    return {"actors_create_50_s": median_seconds(create, times=1, budget_s=1)}


def _take_many(session: Session, actor: Any, array: Any) -> list[Any]:
    try:
        submit = session.backend.actor_method(actor, "take")
    except NotOffered:
        call = session.backend.actor_call(actor, "take")
        return [call(array) for _ in range(_IN_FLIGHT)]
    return session.backend.actor_get([submit(array) for _ in range(_IN_FLIGHT)])
