"""The options that every example has, and the session that they ask for."""

import argparse
import os
from pathlib import Path
from typing import Any

import rayx

# One thread of linear algebra a process, here and in the workers, so that serial and parallel runs
# are compared fairly. To be said before numpy is imported.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def use_one_thread() -> None:
    """Call it before numpy is imported."""
    for name in THREADS:
        os.environ[name] = "1"


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options of all examples; the first line of `description` is shown."""
    made = argparse.ArgumentParser(
        description=(description or "").strip().partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    made.add_argument("--redis-address", help="use a running session instead of an own one")
    made.add_argument("--num-cpus", type=at_least_one, help="CPUs of the own session")
    made.add_argument("--seed", type=int, default=0, help="where all randomness comes from")
    made.add_argument("--serial", action="store_true", help="measure the same without rayx as well")
    made.add_argument("--picture", type=Path, help="draw the result into this PNG file")
    made.add_argument("--record", type=Path, help="write the figures into this JSON file")
    return made


def at_least_one(text: str) -> int:
    """A whole number of at least 1, for `add_argument(type=…)`."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text}")
    return int(text)


def start(options: argparse.Namespace, **own: Any) -> Any:
    """Starts or joins the session; `with start(options):` ends it. `own` is for one that starts."""
    if options.redis_address:
        return rayx.init(redis_address=options.redis_address)
    return rayx.init(num_cpus=options.num_cpus, **own)


def cpus() -> int:
    """The CPUs of the session."""
    return max(1, int(rayx.cluster_resources()["CPU"]))
