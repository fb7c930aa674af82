"""Who measures what when.

Rounds are interleaved, so that what disturbs the machine for a while disturbs all backends alike:

    round 1   group 1:  A  B  C     group 2:  A  B  C    ...
    round 2   group 1:  A  B  C     ...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from peers.catalogue import GROUPS, SHUTDOWN, STARTUP, STEPS, Metric


@dataclass(frozen=True)
class Turn:
    """One process of one backend: the steps of one group, in one round."""

    round_number: int
    group: str
    backend: str
    steps: tuple[str, ...]


def turns(rounds: int, backends: Sequence[str], metrics: Sequence[Metric]) -> Iterator[Turn]:
    """All turns in their order. Groups without a metric that was asked for have none."""
    groups = [(group, steps) for group in GROUPS if (steps := steps_of(group, metrics))]
    for round_number in range(1, rounds + 1):
        for group, steps in groups:
            for backend in backends:
                yield Turn(round_number, group, backend, steps)


def steps_of(group: str, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The steps of a group that the metrics need; startup and shutdown are always among them."""
    asked = {metric.step for metric in metrics}
    needed = [step.name for step in STEPS if step.group == group and step.name in asked]
    if not needed:
        return ()
    return (STARTUP, *(name for name in needed if name not in (STARTUP, SHUTDOWN)), SHUTDOWN)
