"""Runs the long run of every example: pictures, examples/RESULTS.md, the figures in the READMEs.

    python examples/run_all.py                          all of examples/runs.toml: `make examples`
    python examples/run_all.py --only lbfgs hyperopt    those whose name begins so
    python examples/run_all.py --ray /path/to/python    also on Ray, by the Python that has it

Each run has a process of its own and a time limit. What a run has recorded is kept in
build/examples, so that RESULTS.md stays whole when some are run again. Exit code 1 if one failed.
"""

import argparse
import importlib.util
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACE = Path(__file__).resolve().parent
PROJECT = PLACE.parent
RECORDS = PROJECT / "build" / "examples"
PICTURE_MAX_BYTES = 60_000
LAST_LINES = 15

sys.path.insert(0, str(PLACE))

from harness import limits, report
from harness.report import Row


@dataclass(frozen=True)
class Run:
    """A run as runs.toml has it."""

    example: str
    program: str
    picture: str
    arguments: str
    serial: bool = True
    ray: bool = True
    needs: str | None = None

    def record(self, engine: str) -> Path:
        """Where the figures of its last run are."""
        return RECORDS / f"{self.example.replace('/', '-')}.{engine}.json"


def main() -> int:
    """Runs what was asked for, and writes the table of all."""
    parser = argparse.ArgumentParser(description="Runs the long run of every example.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="examples that begin with these")
    parser.add_argument("--ray", metavar="PYTHON", help="a Python that has Ray, to run on as well")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds of one run")
    parser.add_argument("--table", action="store_true", help="run nothing, write the table only")
    chosen = parser.parse_args()
    runs = [Run(**run) for run in tomllib.loads((PLACE / "runs.toml").read_text())["run"]]
    wanted = [run for run in runs if not chosen.only or run.example.startswith(tuple(chosen.only))]
    if not wanted:
        parser.error(f"there is no example called {' or '.join(chosen.only)}")
    RECORDS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    if not chosen.table:
        measure_machine()
    failed = []
    for run in [] if chosen.table else wanted:
        if run.needs is not None and not is_there(run.needs):
            say(f"{run.example} is left out: there is no {run.needs}")
            continue
        if not run_on_rayx(run, chosen.limit):
            failed.append(run.example)
        if chosen.ray and run.ray and not run_on_ray(run, chosen.ray, chosen.limit):
            failed.append(f"{run.example} on Ray")
    write_table(runs)
    say(f"{time.monotonic() - began:.0f} s in all; see examples/RESULTS.md")
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def limits_record() -> Path:
    """Where it stands what the machine allows."""
    return RECORDS / "machine.json"


def measure_machine() -> None:
    """What several processes gain here without any engine, beside which the examples are read."""
    say("how much several processes gain on this machine")
    command = [sys.executable, str(limits.__file__)]
    limits_record().write_text(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )


def is_there(module: str) -> bool:
    """Whether a module can be imported. Folders here have the names of some."""
    found = importlib.util.find_spec(module)
    return found is not None and found.origin is not None


def run_on_rayx(run: Run, limit_s: float) -> bool:
    """Runs it, with its serial comparison and its picture; whether all went well."""
    picture = PLACE / run.picture
    arguments = [*shlex.split(run.arguments), "--picture", str(picture)]
    if run.serial:
        arguments.append("--serial")
    if not run_program(run, "rayx", sys.executable, arguments, {}, limit_s):
        return False
    size = picture.stat().st_size
    if size > PICTURE_MAX_BYTES:
        say(f"{run.picture} has {size} bytes, which is more than {PICTURE_MAX_BYTES}")
    return size <= PICTURE_MAX_BYTES


def run_on_ray(run: Run, python: str, limit_s: float) -> bool:
    """Runs the same file on Ray: `import rayx` finds harness/on_ray, here and in Ray's workers."""
    places = [PLACE / "harness" / "on_ray", PLACE, (PLACE / run.program).parent]
    environment = {
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_DEDUP_LOGS": "0",
    }
    return run_program(run, "ray", python, shlex.split(run.arguments), environment, limit_s)


def run_program(
    run: Run,
    engine: str,
    python: str,
    arguments: list[str],
    environment: Mapping[str, str],
    limit_s: float,
) -> bool:
    """Runs the program with its output in a file beside the record; whether it ended well."""
    record = run.record(engine)
    record.unlink(missing_ok=True)
    command = [python, str(PLACE / run.program), *arguments, "--record", str(record)]
    say(f"{run.example} on {engine}: {run.program} {' '.join(arguments)}")
    began = time.monotonic()
    log = record.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    ended = "went past the limit" if code is None else f"exit code {code}"
    say(f"{run.example} on {engine}: {ended}, {time.monotonic() - began:.0f} s")
    if code == 0 and record.exists():
        return True
    print("\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:]), flush=True)
    return False


def write_table(runs: list[Run]) -> None:
    """RESULTS.md of all that has been recorded, and the figures in the READMEs."""
    rows = []
    for run in runs:
        rayx = figures_of(run.record("rayx"))
        if rayx is None:
            continue
        row = Row.of(rayx, figures_of(run.record("ray")), run.example, run.program, run.arguments)
        rows.append(row)
        readme = (PLACE / run.program).parent / "README.md"
        if readme.exists():
            readme.write_text(report.with_figures(readme.read_text(), row))
    if rows:
        table = report.table(rows, figures_of(limits_record()))
        (PLACE / "RESULTS.md").write_text(table)


def figures_of(path: Path) -> dict[str, Any] | None:
    """What a run has recorded, if it has."""
    if not path.exists():
        return None
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures


def say(line: str) -> None:
    """Progress, with the time of day."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
