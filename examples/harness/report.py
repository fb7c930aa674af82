"""The table of all examples, and the line of figures in each README."""

from __future__ import annotations

import os
import platform
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Lines of Markdown are no longer.
COLUMNS = 100

HEAD = """# What the examples do, and how fast

{made}

{read}

| example | what came out | serial | rayx | faster | Ray | CPUs |
|---|---|--:|--:|--:|--:|--:|
"""

READ = (
    "Times are seconds of the work itself, with workers and actors that have started and imported "
    "what they need; each is of a single run. *Serial* is the same work in one process without "
    "rayx, with one thread of linear algebra; *faster* is serial / rayx. *Ray* is {ray}, which "
    "runs the same file by the adapter `harness/on_ray`; a dash where no such run was asked for, "
    "or none makes sense."
)

TAIL = """
The runs, each a line after `python examples/`:

"""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    example: str
    program: str
    arguments: str
    outcome: str
    workers: int
    rayx_s: float
    serial_s: float | None
    ray_s: float | None
    ray_version: str | None

    @classmethod
    def of(
        cls,
        rayx: dict[str, Any],
        ray: dict[str, Any] | None,
        example: str,
        program: str,
        arguments: str,
    ) -> Row:
        """From what runs have recorded (record.py)."""
        return cls(
            example,
            program,
            arguments,
            rayx["outcome"],
            rayx["workers"],
            rayx["parallel_s"],
            rayx["serial_s"],
            None if ray is None else ray["parallel_s"],
            None if ray is None else ray.get("engine"),
        )

    @property
    def faster(self) -> str:
        """How many times as fast as serial; a dash if there is no serial run."""
        return "–" if self.serial_s is None else f"{self.serial_s / self.rayx_s:.2f} ×"


def table(rows: Sequence[Row], limits: dict[str, Any] | None = None) -> str:
    """RESULTS.md; `limits` is what limits.py has printed."""
    versions = sorted({row.ray_version for row in rows if row.ray_version is not None})
    ray = ", ".join(versions) or "Ray 2"
    made = f"Made by `make examples` on {time.strftime('%Y-%m-%d')}: {machine()}."
    text = HEAD.format(made=filled(made + gains(limits)), read=filled(READ.format(ray=ray)))
    for row in rows:
        folder = row.program.rpartition("/")[0]
        text += (
            f"| [{row.example}]({folder}/README.md) | {row.outcome.replace('|', '/')} | "
            f"{seconds(row.serial_s)} | {seconds(row.rayx_s)} | {row.faster} | "
            f"{seconds(row.ray_s)} | {row.workers} |\n"
        )
    text += TAIL
    for row in rows:
        text += f"- `{f'{row.program} {row.arguments}'.strip()}`\n"
    return text


def gains(limits: dict[str, Any] | None) -> str:
    """What can be gained at most, in a sentence with a blank before it; nothing if not measured."""
    if limits is None:
        return ""
    of_works = [f"{gain:.2f} times as many {work}" for work, gain in limits["gains"].items()]
    return (
        f" Without any engine, {limits['processes']} processes do {' and '.join(of_works)} in the "
        "same time as one does (`harness/limits.py`); no engine can gain more of such work."
    )


def with_figures(readme: str, row: Row) -> str:
    """The README with the paragraph after `<!-- figures: NAME -->` written anew."""
    mark = f"<!-- figures: {row.example} -->"
    lines = readme.split("\n")
    first = next((at for at, line in enumerate(lines, start=1) if line.strip() == mark), len(lines))
    last = first
    while last < len(lines) and lines[last].strip():
        last += 1
    if first < len(lines):
        lines[first:last] = filled(sentence(row)).split("\n")
    return "\n".join(lines)


def filled(text: str) -> str:
    """A paragraph of Markdown."""
    return textwrap.fill(text, COLUMNS, break_long_words=False, break_on_hyphens=False)


def sentence(row: Row) -> str:
    """The figures of a run for a reader."""
    text = f"{row.outcome[:1].upper()}{row.outcome[1:]}, "
    text += f"in {row.rayx_s:.1f} s with {row.workers} at a time"
    if row.serial_s is not None:
        text += f", {row.serial_s:.1f} s one after the other: {row.faster}"
    return text + ". `make examples` has measured this, and writes it here."


def seconds(figure: float | None) -> str:
    """A time, with a digit more where it is short."""
    if figure is None:
        return "–"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def machine() -> str:
    """What a reader must know to understand the figures."""
    model = platform.machine()
    with open("/proc/cpuinfo") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                model = value.strip()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} CPUs ({model}), {memory_gib:.0f} GiB of memory, {platform.system()}"
