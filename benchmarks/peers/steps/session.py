"""What a step is given, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass

from peers.backends.interface import Backend

#: By the names of metrics.
Figures = dict[str, float]


@dataclass(frozen=True)
class Session:
    """A started backend, all its workers warm."""

    backend: Backend
    num_cpus: int
    #: The mark by which its processes are found; see session_processes.
    mark: str


def expect(what: object, wanted: object) -> None:
    """A speed counts only if the result is right."""
    if what != wanted:
        raise ValueError(f"the backend answered {what!r:.100}, not {wanted!r:.100}")
