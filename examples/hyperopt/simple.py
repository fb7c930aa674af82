"""Random search for a network that reads handwritten digits: many trainings at once, with rayx.

python examples/hyperopt/simple.py --trials 40 --steps 60 --serial --picture search.png
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import network
import numpy as np
from network import Digits, Hyperparameters

import rayx

SHOWN = 5

# When each trial ended, in seconds from the beginning, and the best accuracy by then.
Curve = tuple[list[float], list[float]]


@rayx.remote
def experiment(hyperparameters: Hyperparameters, digits: Digits, seed: int, steps: int) -> float:
    """One training, as a task."""
    return network.train(hyperparameters, digits, seed, steps)[0]


@rayx.remote
def warm_up() -> int:
    """Makes a worker do its imports, which this process has done already."""
    return network.CLASSES


def main() -> int:
    """Searches in parallel, and if asked, the same one after the other; compares both."""
    parser = options.parser(__doc__)
    parser.add_argument("--trials", type=options.at_least_one, default=60, help="trainings")
    parser.add_argument("--steps", type=options.at_least_one, default=60, help="passes of each")
    chosen = parser.parse_args()
    digits = network.load_digits(chosen.seed)
    generator = np.random.default_rng(chosen.seed)
    trials = [network.sample(generator) for _ in range(chosen.trials)]
    print(
        f"{len(digits.train_labels)} images to learn from, {len(digits.validation_labels)} to "
        f"validate with; {len(trials)} trials"
    )
    with options.start(chosen):
        workers = options.cpus()
        rayx.get([warm_up.remote() for _ in range(4 * workers)])
        accuracies, curve = search_in_parallel(trials, digits, chosen.steps, workers)
    print_best(trials, accuracies)
    curves, serial_s = {"rayx": curve}, None
    if chosen.serial:
        print("The same trials one after the other, without rayx, for comparison ...")
        serial, curves["one after the other"] = search_one_by_one(trials, digits, chosen.steps)
        serial_s = curves["one after the other"][0][-1]
        if serial != accuracies:
            print("the accuracies are DIFFERENT", file=sys.stderr)
            return 1
        print("the accuracies are identical")
    if chosen.picture:
        picture.curves(chosen.picture, "Random search", "seconds", "best accuracy so far", curves)
    outcome = f"accuracy {max(accuracies.values()):.4f} by the best of {len(trials)} trials"
    record.tell(chosen.record, "hyperopt/simple", outcome, curve[0][-1], serial_s, workers)
    return 0


def search_in_parallel(
    trials: list[Hyperparameters], digits: Digits, steps: int, workers: int
) -> tuple[dict[int, float], Curve]:
    """The accuracy of each trial, by number; a new one begins whenever one has ended."""
    # Stored once; every experiment reads it where it lies.
    digits_id = rayx.put(digits)
    waiting = iter(enumerate(trials))
    running: dict[rayx.ObjectID[float], int] = {}
    accuracies: dict[int, float] = {}
    curve: Curve = ([], [])
    began = time.perf_counter()

    def start_next() -> None:
        number, hyperparameters = next(waiting, (None, None))
        if number is not None:
            running[experiment.remote(hyperparameters, digits_id, number, steps)] = number

    # A few more than there are CPUs, so that no worker waits for us.
    for _ in range(2 * workers):
        start_next()
    while running:
        ready, _ = rayx.wait(list(running))
        accuracies[running.pop(ready[0])] = rayx.get(ready[0])
        start_next()
        note(curve, began, accuracies)
        show_progress(len(accuracies), len(trials), max(accuracies.values()))
    return accuracies, curve


def search_one_by_one(
    trials: list[Hyperparameters], digits: Digits, steps: int
) -> tuple[dict[int, float], Curve]:
    """The same without rayx."""
    accuracies: dict[int, float] = {}
    curve: Curve = ([], [])
    began = time.perf_counter()
    for number, tried in enumerate(trials):
        accuracies[number] = network.train(tried, digits, number, steps)[0]
        note(curve, began, accuracies)
    return accuracies, curve


def note(curve: Curve, began: float, accuracies: dict[int, float]) -> None:
    """Adds a point to the curve."""
    curve[0].append(time.perf_counter() - began)
    curve[1].append(max(accuracies.values()))


def show_progress(done: int, total: int, best: float) -> None:
    """One line, rewritten on a terminal, and printed now and then elsewhere."""
    line = f"{done:4d} of {total} trials, best accuracy so far {best:.4f}"
    if sys.stdout.isatty():
        print(f"\r{line}", end="\n" if done == total else "", flush=True)
    elif done == total or done % max(1, total // 5) == 0:
        print(line, flush=True)


def print_best(trials: list[Hyperparameters], accuracies: dict[int, float]) -> None:
    """The best trials as a table."""
    best = sorted(accuracies, key=lambda number: (-accuracies[number], number))[:SHOWN]
    print(f"\n{'trial':>5}  {'accuracy':>8}  {'learning rate':>13}  {'batch':>5}  "
          f"{'regularisation':>14}  {'width':>5}")  # fmt: skip
    for number in best:
        tried = trials[number]
        print(
            f"{number:5d}  {accuracies[number]:8.4f}  {tried.learning_rate:13.5f}  "
            f"{tried.batch_size:5d}  {tried.regularisation:14.2e}  {tried.width:5d}"
        )
    print()


if __name__ == "__main__":
    sys.exit(main())
