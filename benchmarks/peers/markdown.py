"""Tables for people."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from peers import floors
from peers.results import BASE, Results, Summary

_ARROWS = {"higher": "↑", "lower": "↓"}
_BUSY_PERCENT = 10.0


def render(results: Results, num_cpus: int, command: str, machine: str) -> str:
    """The whole report."""
    parts = [
        f"`{command}`",
        f"{machine}. {_versions(results)}",
        "Median [smallest..largest] of the rounds; ↑ more is better, ↓ less is better.",
        figures_table(results, num_cpus),
    ]
    if BASE in results.backends and len(results.backends) > 1:
        parts += [
            "How many times better rayx is, by the medians (less than 1: worse).",
            ratios_table(results),
        ]
    parts += notes(results)
    return "\n\n".join(parts) + "\n"


def figures_table(results: Results, num_cpus: int) -> str:
    """A row for each metric, a column for each backend, and the limit if there is one."""
    best = floors.best_of(results.limits)
    limits = {m.name: floors.limit_of(m.name, best, num_cpus) for m in results.metrics}
    has_limits = any(limits.values())
    rows = [["metric", *results.backends, *(["limit", "limit stands on"] if has_limits else [])]]
    for metric in results.metrics:
        row = [f"{metric.name} {_ARROWS[metric.better]}"]
        for backend in results.backends:
            summary = results.summary(metric.name, backend)
            row.append(cell(summary) if summary else results.absence(metric, backend))
        if has_limits:
            limit = limits[metric.name]
            row += [number(limit[0]), limit[1]] if limit else ["", ""]
        rows.append(row)
    return table(rows)


def ratios_table(results: Results) -> str:
    """A column for each peer."""
    peers = [backend for backend in results.backends if backend != BASE]
    rows = [["metric", *peers]]
    for metric in results.metrics:
        ratios = [results.ratio(metric, peer) for peer in peers]
        if any(ratio is not None for ratio in ratios):
            rows.append([metric.name, *("" if r is None else f"{number(r)}x" for r in ratios)])
    return table(rows)


def notes(results: Results) -> list[str]:
    """What failed, and how quiet the machine was."""
    lines = [
        f"- {backend}, {step}: {_one_line(why)}"
        for (step, backend), why in results.failures.items()
    ]
    busy = sorted(results.others_cpu_pct, key=lambda entry: -entry[3])
    if busy:
        middle = statistics.median(percent for *_, percent in busy)
        line = f"- Other processes took {middle:.0f}% of the CPUs (median of all steps)"
        worst = [f"{b} {s} {p:.0f}% in round {n}" for b, n, s, p in busy if p > _BUSY_PERCENT]
        if worst:
            line += (
                f"; over {_BUSY_PERCENT:.0f}% in {len(worst)}, the worst: {', '.join(worst[:3])}"
            )
        lines.append(line + ".")
    return ["\n".join(lines)] if lines else []


def cell(summary: Summary) -> str:
    """`4.2 [4.1..4.4]`; without the range if there was one round."""
    if len(summary.samples) == 1:
        return number(summary.median)
    spread = f"{number(summary.smallest)}..{number(summary.largest)}"
    return f"{number(summary.median)} [{spread}]"


def number(value: float) -> str:
    """Three digits, or all that stand before the point."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """In Markdown; the first row is the head."""
    lines = ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows]
    lines.insert(1, "| --- " * len(rows[0]) + "|")
    return "\n".join(lines)


def _versions(results: Results) -> str:
    told = []
    for backend in results.backends:
        about = results.about.get(backend, {})
        version = about.get("version")
        name = f"{backend} {version}" if version else backend
        told.append(f"{name} (Python {about['python']})" if "python" in about else name)
    return "Backends: " + ", ".join(told) + "."


def _one_line(text: str) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= 300 else joined[:297] + "..."
