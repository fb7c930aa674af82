"""Measures rayx beside its peers: process pools, joblib, dask and ray, whichever are installed.

    python benchmarks/compare.py --rounds 3 --metrics tasks
    python benchmarks/compare.py --python ray=/path/to/venv/bin/python --json figures.json
    python benchmarks/compare.py --list

Rounds are interleaved; each backend has a process of its own. A Markdown table goes to stdout,
progress to stderr. README.md explains each figure.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from peers import floors, machine, markdown, options, peer_python
from peers.backends import BACKENDS
from peers.catalogue import GROUPS, METRICS, STEP_OF
from peers.options import Options
from peers.results import BASE, Results
from peers.round_process import Command, run_turn
from peers.schedule import turns

_BENCHMARKS = Path(__file__).resolve().parent


def main() -> int:
    """Exit code 0 if there is a figure of each backend that was measured."""
    chosen = options.parse(sys.argv[1:])
    # So that the processes of a round are ended with us, whoever asks.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    backends, refused = peer_python.select(chosen.backends, chosen.pythons)
    if chosen.list_only:
        print(listing(backends, refused))
        return 0
    for name, why in refused.items():
        tell(f"{name} left out: {why}")
    if not backends or any(name in refused for name in chosen.backends):
        return 2
    about_machine = machine.words()
    results = measure(chosen, backends)
    command = shlex.join(["python", "benchmarks/compare.py", *sys.argv[1:]])
    report = markdown.render(results, chosen.num_cpus, command, about_machine)
    print(report, end="")
    if chosen.markdown is not None:
        chosen.markdown.write_text(report)
    if chosen.json is not None:
        head = {"command": command, "date": date.today().isoformat(), "machine": about_machine}
        head |= {"num_cpus": str(chosen.num_cpus), "rounds": str(chosen.rounds)}
        chosen.json.write_text(json.dumps({**head, **results.as_json()}, indent=1) + "\n")
    measured = {backend for _, backend in results.samples}
    return 0 if measured == set(backends) else 1


def measure(chosen: Options, backends: list[str]) -> Results:
    """All rounds."""
    results = Results(backends, chosen.metrics)
    if chosen.limits is None:
        tell("rayx-limits is not built: only Python's own limits are measured (see README.md)")
    # Compiled modules are kept, as users keep them: else each import and each worker compiles anew.
    environment = {"PYTHONPATH": python_path(), "PYTHONDONTWRITEBYTECODE": ""}
    floors_measured = 0
    for turn in turns(chosen.rounds, backends, chosen.metrics):
        if turn.round_number > floors_measured:
            floors_measured = turn.round_number
            limits_python = chosen.pythons[BASE if BASE in backends else backends[0]]
            for name, figure in floors.measure(chosen.limits, limits_python, environment).items():
                results.limits.setdefault(name, []).append(figure)
        steps = results.steps_left(turn)
        if not steps:
            continue
        command = round_command(chosen, turn.backend)
        outcome = run_turn(command, steps, chosen.time_limit_s, environment)
        results.add(turn, outcome)
        where = f"round {turn.round_number}/{chosen.rounds} {turn.group} {turn.backend}"
        tell(f"{where}: {outcome.seconds:.1f} s")
        for step, why in outcome.failures.items():
            tell(f"{where}: {step} failed: {why}")
    return results


def python_path() -> str:
    """With it, the processes of all backends find the package of this program."""
    return os.pathsep.join(filter(None, [str(_BENCHMARKS), os.environ.get("PYTHONPATH")]))


def round_command(chosen: Options, backend: str) -> Command:
    """What starts a backend's process."""

    def command(steps: Sequence[str], report_fd: int) -> list[str]:
        return [
            chosen.pythons[backend],
            "-m",
            "peers.measure_round",
            f"--backend={backend}",
            f"--num-cpus={chosen.num_cpus}",
            f"--report-fd={report_fd}",
            *steps,
        ]

    return command


def listing(backends: list[str], refused: dict[str, str]) -> str:
    """What `--list` prints."""
    lines = ["Metrics, by group (+ more is better, - less is better):"]
    for group in GROUPS:
        lines.append(f"  {group}")
        for metric in METRICS:
            if STEP_OF[metric.step].group == group:
                sign = "+" if metric.better == "higher" else "-"
                lines.append(f"  {sign} {metric.name:26} {metric.says}")
    lines.append("Backends:")
    for name, peer in BACKENDS.items():
        lines.append(f"  {name:8} {peer.says:40} {_presence(name, backends, refused)}".rstrip())
    return "\n".join(lines)


def _presence(name: str, backends: list[str], refused: dict[str, str]) -> str:
    if name in refused:
        return refused[name]
    return "found" if name in backends else "not asked for"


def tell(line: str) -> None:
    """Progress, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
