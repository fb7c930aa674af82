"""Random search for a network that reads handwritten digits: many trainings at once, with rayx.

python examples/hyperopt/main.py --trials 40 --seed 0 --num-cpus 2
"""

import argparse
import os
import sys
import time

# One thread a training, here and in the workers, so that the comparison is a fair one. Must be said
# before numpy is imported.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import network  # noqa: E402
import numpy as np  # noqa: E402
from network import Digits, Hyperparameters  # noqa: E402

import rayx  # noqa: E402

SHOWN = 5

# A trial is its number, which also seeds it, and what it tries.
Trial = tuple[int, Hyperparameters]


@rayx.remote
def experiment(hyperparameters: Hyperparameters, digits: Digits, seed: int) -> float:
    """One training, as a task."""
    return network.train_and_validate(hyperparameters, digits, seed)


@rayx.remote
def warm_up() -> int:
    """Makes a worker do its imports, which this process has done already."""
    return network.EPOCHS


def main() -> int:
    """Searches in parallel, then one after the other, and compares."""
    options = parse_arguments()
    digits = network.load_digits(options.seed)
    generator = np.random.default_rng(options.seed)
    trials = [(number, network.sample(generator)) for number in range(options.trials)]
    print(
        f"{len(digits.train_labels)} images to learn from, {len(digits.validation_labels)} to "
        f"validate with; {options.trials} trials"
    )
    with rayx.init(num_cpus=options.num_cpus):
        cpus = int(rayx.cluster_resources()["CPU"])
        rayx.get([warm_up.remote() for _ in range(4 * cpus)])
        began = time.perf_counter()
        accuracies = search_in_parallel(trials, digits, cpus)
        parallel_seconds = time.perf_counter() - began
    print_best(trials, accuracies)

    print("The same trials one after the other, without rayx, for comparison ...")
    began = time.perf_counter()
    serial = {number: network.train_and_validate(tried, digits, number) for number, tried in trials}
    serial_seconds = time.perf_counter() - began

    same = serial == accuracies
    print(
        f"serial {serial_seconds:.1f} s, parallel on {cpus} CPUs {parallel_seconds:.1f} s: "
        f"{serial_seconds / parallel_seconds:.2f} times as fast; "
        f"the accuracies are {'identical' if same else 'DIFFERENT'}"
    )
    return 0 if same else 1


def search_in_parallel(trials: list[Trial], digits: Digits, cpus: int) -> dict[int, float]:
    """The accuracy of each trial, by number."""
    # Stored once; every experiment reads it where it lies.
    digits_id = rayx.put(digits)
    waiting = iter(trials)
    running: dict[rayx.ObjectID[float], int] = {}

    def start_next() -> None:
        number, hyperparameters = next(waiting, (None, None))
        if number is not None:
            running[experiment.remote(hyperparameters, digits_id, number)] = number

    # A few more than there are CPUs, so that no worker waits for us.
    for _ in range(2 * cpus):
        start_next()
    accuracies: dict[int, float] = {}
    while running:
        ready, _ = rayx.wait(list(running))
        accuracies[running.pop(ready[0])] = rayx.get(ready[0])
        start_next()
        show_progress(len(accuracies), len(trials), max(accuracies.values()))
    return accuracies


def show_progress(done: int, total: int, best: float) -> None:
    """One line, rewritten on a terminal, and printed now and then elsewhere."""
    line = f"{done:4d} of {total} trials, best accuracy so far {best:.4f}"
    if sys.stdout.isatty():
        print(f"\r{line}", end="\n" if done == total else "", flush=True)
    elif done == total or done % max(1, total // 5) == 0:
        print(line, flush=True)


def print_best(trials: list[Trial], accuracies: dict[int, float]) -> None:
    """The best trials as a table."""
    best = sorted(trials, key=lambda trial: (-accuracies[trial[0]], trial[0]))[:SHOWN]
    print(f"\n{'trial':>5}  {'accuracy':>8}  {'learning rate':>13}  {'batch':>5}  "
          f"{'regularisation':>14}  {'width':>5}")  # fmt: skip
    for number, tried in best:
        print(
            f"{number:5d}  {accuracies[number]:8.4f}  {tried.learning_rate:13.5f}  "
            f"{tried.batch_size:5d}  {tried.regularisation:14.2e}  {tried.width:5d}"
        )
    print()


def parse_arguments() -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description="Random search for hyperparameters, with rayx.")
    parser.add_argument("--trials", type=positive, default=60, help="experiments (60)")
    parser.add_argument("--seed", type=natural, default=0, help="of all randomness (0)")
    parser.add_argument("--num-cpus", type=positive, help="CPUs to use (all there are)")
    return parser.parse_args()


def natural(text: str) -> int:
    """A whole number of 0 or more."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of 0 or more, not '{text}'")
    return int(text)


def positive(text: str) -> int:
    """A whole number of 1 or more."""
    number = natural(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
