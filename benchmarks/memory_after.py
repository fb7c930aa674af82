"""What a session keeps in memory of a burst of small tasks that is over, process by process.

    python benchmarks/memory_after.py                  # 1,000,000 tasks: a minute, and 1.5 GB
    python benchmarks/memory_after.py --tasks 100000 --json figures.json

Proportional memory (a page that three share counts a third for each) of the driver and of all
processes below it: in a session that has run a thousand tasks; when all results are there and the
driver has their ids; and after the last id is gone, once a second for ten seconds. The rate is that
of the burst, from the first submission to the last result.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

import rayx

_PART = 10_000


@rayx.remote
def same(value: int) -> int:
    return value


def memory_by_name() -> Counter[str]:
    """Bytes by the name of the process; several of a name together."""
    driver = psutil.Process()
    found: Counter[str] = Counter({"driver": driver.memory_full_info().pss})
    for process in driver.children(recursive=True):
        try:
            found[process.name()] += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return found


def burst(tasks: int) -> tuple[float, Counter[str]]:
    """Its rate a second, and the memory while all results are there. Drops all ids."""
    began = time.perf_counter()
    ids = [same.remote(number) for number in range(tasks)]
    for start in range(0, tasks, _PART):
        part = ids[start : start + _PART]
        ready, _ = rayx.wait(part, num_returns=len(part))
        if len(ready) != len(part):
            raise SystemExit("wait has returned before all results were there")
    rate = tasks / (time.perf_counter() - began)
    if rayx.get(ids[-1]) != tasks - 1:
        raise SystemExit("a task has returned a wrong value")
    return rate, memory_by_name()


def measure(tasks: int, seconds: int) -> dict[str, object]:
    with rayx.init(num_gpus=0, driver_mode=rayx.SILENT_MODE):
        rayx.get([same.remote(number) for number in range(1000)])
        before = memory_by_name()
        rate, during = burst(tasks)
        dropped = time.monotonic()
        after = []
        for second in range(1, seconds + 1):
            time.sleep(max(0, dropped + second - time.monotonic()))
            after.append(memory_by_name())
    return {"tasks": tasks, "rate": rate, "before": before, "during": during, "after": after}


def report(figures: dict[str, object]) -> None:
    before, during, after = figures["before"], figures["during"], figures["after"]
    assert isinstance(before, Counter) and isinstance(during, Counter) and isinstance(after, list)
    last = after[-1]
    print(f"{figures['tasks']:,} tasks, {figures['rate']:,.0f} a second; MB of memory:\n")
    print(f"| process | before | all results | {len(after)} s after | more than before |")
    print("| --- | --- | --- | --- | --- |")
    rows = [(name, before[name], during[name], last[name]) for name in sorted(last)]
    rows.append(("all", before.total(), during.total(), last.total()))
    for name, was, most, left in rows:
        print(
            f"| {name} | "
            + " | ".join(f"{n / 1e6:.1f}" for n in (was, most, left, left - was))
            + " |"
        )
    line = ", ".join(f"{(one.total() - before.total()) / 1e6:.0f}" for one in after)
    print(f"\nMore than before, second by second: {line}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=10, help="how long to look after the burst")
    parser.add_argument("--json", type=Path, help="the figures, to this file as well")
    options = parser.parse_args()
    if options.tasks < 1 or options.seconds < 1:
        sys.exit("--tasks and --seconds must be 1 or more")
    figures = measure(options.tasks, options.seconds)
    report(figures)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
