"""From samples to medians and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from peers.catalogue import LEFTOVERS, METRIC_OF, STARTUP, STEP_OF, Direction, Metric
from peers.round_process import Outcome
from peers.schedule import Turn

#: What all others are compared with.
BASE = "rayx"


@dataclass(frozen=True)
class Summary:
    """One metric of one backend over all rounds."""

    median: float
    smallest: float
    largest: float
    samples: tuple[float, ...]

    @classmethod
    def of(cls, samples: Iterable[float]) -> Summary:
        """Of at least one sample."""
        kept = tuple(samples)
        return cls(statistics.median(kept), min(kept), max(kept), kept)


def advantage(base: float, other: float, better: Direction) -> float | None:
    """How many times better `base` is than `other`; None where one of them is 0."""
    if base <= 0 or other <= 0:
        return None
    return base / other if better == "higher" else other / base


@dataclass
class Results:
    """All that was measured."""

    #: In the order in which they are shown.
    backends: list[str]
    metrics: list[Metric]
    samples: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    not_offered: dict[tuple[str, str], str] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    about: dict[str, dict[str, str]] = field(default_factory=dict)
    others_cpu_pct: list[tuple[str, int, str, float]] = field(default_factory=list)
    #: Figures of the machine itself, by name; see floors.
    limits: dict[str, list[float]] = field(default_factory=dict)

    def add(self, turn: Turn, outcome: Outcome) -> None:
        """Startup and shutdown run in every group, but their times count in their own.

        Leftovers count after every group: the more was done, the more may be forgotten.
        """
        if outcome.about:
            self.about[turn.backend] = outcome.about
        for name, figure in outcome.figures.items():
            metric = METRIC_OF[name]
            counts = STEP_OF[metric.step].group == turn.group or name == LEFTOVERS
            if counts and metric in self.metrics:
                self.samples.setdefault((name, turn.backend), []).append(figure)
        for step, why in outcome.not_offered.items():
            self.not_offered[step, turn.backend] = why
        for step, why in outcome.failures.items():
            self.failures.setdefault((step, turn.backend), why)
        for step, percent in outcome.others_cpu_pct.items():
            self.others_cpu_pct.append((turn.backend, turn.round_number, step, percent))

    def steps_left(self, turn: Turn) -> tuple[str, ...]:
        """The turn's steps without those that failed before, or are not offered; maybe none."""
        if (STARTUP, turn.backend) in self.failures:
            return ()
        useless = {s for s, b in [*self.failures, *self.not_offered] if b == turn.backend}
        steps = tuple(step for step in turn.steps if step not in useless)
        asked = {metric.step for metric in self.metrics if STEP_OF[metric.step].group == turn.group}
        return steps if asked & set(steps) else ()

    def summary(self, metric: str, backend: str) -> Summary | None:
        """None without samples."""
        samples = self.samples.get((metric, backend))
        return Summary.of(samples) if samples else None

    def ratio(self, metric: Metric, backend: str) -> float | None:
        """How many times better than this backend rayx is, by the medians."""
        if not metric.is_compared:
            return None
        base, other = self.summary(metric.name, BASE), self.summary(metric.name, backend)
        if base is None or other is None:
            return None
        return advantage(base.median, other.median, metric.better)

    def absence(self, metric: Metric, backend: str) -> str:
        """Why there is no figure: a word for the table."""
        if (metric.step, backend) in self.not_offered:
            return "not offered"
        failed = (metric.step, backend) in self.failures or (STARTUP, backend) in self.failures
        return "failed" if failed else ""

    def as_json(self) -> dict[str, Any]:
        """Everything, by metric and backend."""
        return {
            "backends": self.about,
            "metrics": {metric.name: self._metric_json(metric) for metric in self.metrics},
            "limits": {name: _json(Summary.of(kept)) for name, kept in self.limits.items()},
            "failures": _by_backend(self.failures),
            "not_offered": _by_backend(self.not_offered),
            "others_cpu_pct": [
                {"backend": backend, "round": number, "step": step, "percent": round(percent, 1)}
                for backend, number, step, percent in self.others_cpu_pct
            ],
        }

    def _metric_json(self, metric: Metric) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        for backend in self.backends:
            summary = self.summary(metric.name, backend)
            if summary is not None:
                figures[backend] = _json(summary)
                if backend != BASE:
                    figures[backend]["rayx_is_better_by"] = self.ratio(metric, backend)
        return {"better": metric.better, "says": metric.says, "backends": figures}


def _json(summary: Summary) -> dict[str, Any]:
    return {
        "median": summary.median,
        "min": summary.smallest,
        "max": summary.largest,
        "samples": list(summary.samples),
    }


def _by_backend(reasons: Mapping[tuple[str, str], str]) -> dict[str, dict[str, str]]:
    kept: dict[str, dict[str, str]] = {}
    for (step, backend), why in reasons.items():
        kept.setdefault(backend, {})[step] = why
    return kept
