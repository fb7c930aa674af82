"""The command line of compare.py."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.backends import BACKENDS
from peers.catalogue import Metric, metrics_named

_TOP = Path(__file__).resolve().parents[2]
#: Where builds put the program, newest habit first.
_LIMITS_PLACES = ("build/editable/limits/rayx-limits", "build/limits/rayx-limits")


@dataclass(frozen=True)
class Options:
    """What was asked for, checked."""

    rounds: int
    metrics: list[Metric]
    #: Empty: all that are found.
    backends: list[str]
    #: Another Python than this one for a backend.
    pythons: dict[str, str]
    num_cpus: int
    #: In place of every step's own limit.
    time_limit_s: float | None
    json: Path | None
    markdown: Path | None
    limits: Path | None
    list_only: bool


def parse(arguments: Sequence[str]) -> Options:
    """Reads the command line; ends the program with an explanation if it makes no sense."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        metrics = metrics_named(_words(parsed.metrics))
    except KeyError as error:
        parser.error(f"no metric or group is called {error.args[0]!r}; --list shows them")
    backends = _words(parsed.backends)
    for name in backends:
        if name not in BACKENDS:
            parser.error(f"no backend is called {name!r}; there are {', '.join(BACKENDS)}")
    limits: Path | None = parsed.limits
    if limits is not None and not limits.is_file():
        parser.error(f"--limits: there is no program {limits}")
    return Options(
        rounds=parsed.rounds,
        metrics=metrics,
        backends=backends,
        pythons=_pythons(parser, parsed.python),
        num_cpus=parsed.num_cpus,
        time_limit_s=parsed.time_limit,
        json=parsed.json,
        markdown=parsed.markdown,
        limits=limits or find_limits(_TOP),
        list_only=parsed.list,
    )


def find_limits(top: Path) -> Path | None:
    """The program of benchmarks/limits where builds put it, the newest if there are several."""
    found = [top / place for place in _LIMITS_PLACES if (top / place).is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description="Measures rayx beside its peers and prints a Markdown table.",
    )
    add = parser.add_argument
    add("--rounds", type=_positive, default=5, metavar="N", help="rounds of each backend (5)")
    add("--metrics", default="", metavar="A,B", help="only these metrics or groups of metrics")
    add(
        "--backends",
        default="",
        metavar="A,B",
        help=f"of {', '.join(BACKENDS)}; all that are found",
    )
    add(
        "--python",
        action="append",
        default=[],
        metavar="BACKEND=PATH",
        help="the Python that has this backend; may be given several times",
    )
    add(
        "--num-cpus",
        type=_positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="workers of each backend (the CPUs of this machine)",
    )
    add("--time-limit", type=float, metavar="SECONDS", help="for each step, in place of its own")
    add("--json", type=Path, metavar="FILE", help="all samples, medians and ratios")
    add("--markdown", type=Path, metavar="FILE", help="the table, which also goes to stdout")
    add(
        "--limits",
        type=Path,
        metavar="PATH",
        help="the rayx-limits program, if not where builds put it",
    )
    add("--list", action="store_true", help="show metrics and backends, measure nothing")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _pythons(parser: argparse.ArgumentParser, given: Sequence[str]) -> dict[str, str]:
    pythons = dict.fromkeys(BACKENDS, sys.executable)
    for pair in given:
        backend, equals, path = pair.partition("=")
        if not equals or backend not in BACKENDS:
            parser.error(f"--python {pair}: write BACKEND=PATH, with one of {', '.join(BACKENDS)}")
        if not os.access(path, os.X_OK) or os.path.isdir(path):
            parser.error(f"--python {pair}: there is no program {path}")
        # Not resolved: a virtual environment is known by the path of its link.
        pythons[backend] = os.path.abspath(path)
    return pythons
