"""What tasks that end their worker cost the tasks beside them (row F2 of the reliability list).

    python benchmarks/poison.py --rounds 3

Each round runs 1,000 tasks of 10 ms alone, then the same with 100 among them that end their worker
in one of several ways, each tried four times. Prints the times and their ratio, and fails if a
value or an error is not what it should be. Workers say on stderr how they died: `2> /dev/null`.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import time
from typing import Any

import rayx

GOOD = 1_000
POISON = 100
WORDS = ("os._exit", "SIGKILL", "SIGSEGV", "abort", "closerange")


@rayx.remote
def work(number: int) -> int:
    time.sleep(0.01)
    return number + 1


@rayx.remote
def poison(number: int) -> None:
    match WORDS[number % len(WORDS)]:
        case "os._exit":
            os._exit(3)
        case "SIGKILL":
            os.kill(os.getpid(), signal.SIGKILL)
        case "SIGSEGV":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "abort":
            os.abort()
        case "closerange":
            os.closerange(3, 1024)


def clean() -> float:
    """Seconds that the good tasks take alone."""
    began = time.perf_counter()
    values = rayx.get([work.remote(number) for number in range(GOOD)])
    took = time.perf_counter() - began
    if values != list(range(1, GOOD + 1)):
        raise SystemExit("a good task returned a wrong value")
    return took


def mixed() -> float:
    """Seconds until the good tasks and the poison among them have all ended."""
    began = time.perf_counter()
    good: list[Any] = []
    bad: list[Any] = []
    for number in range(GOOD):
        good.append(work.remote(number))
        if number % (GOOD // POISON) == 0:
            bad.append(poison.remote(number // (GOOD // POISON)))
    values = rayx.get(good)
    crashed = 0
    for result in bad:
        try:
            rayx.get(result)
        except rayx.WorkerCrashedError:
            crashed += 1
    took = time.perf_counter() - began
    if values != list(range(1, GOOD + 1)) or crashed != POISON:
        raise SystemExit(f"wrong values, or {POISON - crashed} poisons without their error")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with rayx.init(driver_mode=rayx.SILENT_MODE):
        clean()
        pairs = [(clean(), mixed()) for _ in range(rounds)]
    for alone, with_poison in pairs:
        print(f"alone {alone:.2f} s, with poison {with_poison:.2f} s: {with_poison / alone:.2f}")
    print(f"median ratio {statistics.median(b / a for a, b in pairs):.2f} (F2 allows 3)")


if __name__ == "__main__":
    main()
