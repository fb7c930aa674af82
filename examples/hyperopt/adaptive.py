"""Adaptive search: trainings in segments, of which the promising are continued and others dropped.

    python examples/hyperopt/adaptive.py --num-starting-segments 8 --num-segments 120 \
        --steps-per-segment 10 --serial --picture adaptive.png
"""

import statistics
import sys
import time
from argparse import Namespace
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import network
import numpy as np
from network import Digits, Hyperparameters, Model

import rayx

# An experiment ends after so many segments, however good it is.
SEGMENTS_MAX = 8

Curve = tuple[list[float], list[float]]


@rayx.remote(num_return_vals=2)
def segment(
    hyperparameters: Hyperparameters, digits: Digits, seed: int, steps: int, model: Model | None
) -> tuple[float, Model]:
    """Trains on from `model`; returns the accuracy and the new model."""
    return network.train(hyperparameters, digits, seed, steps, model)


@dataclass
class Experiment:
    """A training that goes on for as long as it is promising."""

    number: int
    hyperparameters: Hyperparameters
    accuracies: list[float] = field(default_factory=list)


class Search:
    """Decides which segment runs next. It knows nothing of where they run."""

    def __init__(self, seed: int, segments: int) -> None:
        self.experiments: list[Experiment] = []
        self.best = 0.0
        self._generator = np.random.default_rng(seed)
        self._left = segments
        # The accuracies of all experiments after so many segments.
        self._accuracies: defaultdict[int, list[float]] = defaultdict(list)

    def new(self) -> Experiment | None:
        """A new experiment to start; None if all segments have been given out."""
        if not self._left:
            return None
        self._left -= 1
        self.experiments.append(Experiment(len(self.experiments), network.sample(self._generator)))
        return self.experiments[-1]

    def continues(self, experiment: Experiment, accuracy: float) -> bool:
        """Takes the accuracy after a segment; whether another segment of it is to be run."""
        experiment.accuracies.append(accuracy)
        self.best = max(self.best, accuracy)
        age = len(experiment.accuracies)
        others = self._accuracies[age]
        # As good as the better half of those that have come as far: the median stopping rule.
        is_promising = age < SEGMENTS_MAX and (not others or accuracy >= statistics.median(others))
        others.append(accuracy)
        if not is_promising or not self._left:
            return False
        self._left -= 1
        return True


def main() -> int:
    """Searches in parallel; if asked, the same search one segment after the other."""
    parser = options.parser(__doc__)
    for name, default, words in (
        ("--num-starting-segments", 8, "experiments at the beginning, and at any time"),
        ("--num-segments", 120, "segments in all"),
        ("--steps-per-segment", 10, "passes over the images in each"),
    ):
        parser.add_argument(name, type=options.at_least_one, default=default, help=words)
    chosen = parser.parse_args()
    digits = network.load_digits(chosen.seed)
    with options.start(chosen):
        workers = options.cpus()
        rayx.get([warm_up.remote() for _ in range(4 * workers)])
        search, curve = search_in_parallel(chosen, digits)
    tell_of(search)
    curves, serial_s = {"rayx": curve}, None
    if chosen.serial:
        serial, curves["one after the other"] = search_one_by_one(chosen, digits)
        serial_s = curves["one after the other"][0][-1]
        tell_of(serial)
    if chosen.picture:
        picture.curves(chosen.picture, "Adaptive search", "seconds", "best accuracy so far", curves)
    outcome = f"accuracy {search.best:.4f} by {chosen.num_segments} segments"
    record.tell(chosen.record, "hyperopt/adaptive", outcome, curve[0][-1], serial_s, workers)
    return 0


@rayx.remote
def warm_up() -> int:
    """Makes a worker do its imports, which this process has done already."""
    return network.CLASSES


def search_in_parallel(chosen: Namespace, digits: Digits) -> tuple[Search, Curve]:
    """Whenever a segment has ended, its experiment is continued, or another one is started."""
    search = Search(chosen.seed, chosen.num_segments)
    digits_id = rayx.put(digits)
    running: dict[rayx.ObjectID[float], tuple[Experiment, rayx.ObjectID[Model]]] = {}
    curve: Curve = ([], [])
    began = time.perf_counter()

    def start(experiment: Experiment | None, model: rayx.ObjectID[Model] | None) -> None:
        if experiment is not None:
            # The model stays in the store: only its id goes from segment to segment.
            accuracy_id, model_id = segment.remote(
                experiment.hyperparameters,
                digits_id,
                experiment.number,
                chosen.steps_per_segment,
                model,
            )
            running[accuracy_id] = (experiment, model_id)

    for _ in range(chosen.num_starting_segments):
        start(search.new(), None)
    while running:
        (accuracy_id,), _ = rayx.wait(list(running))
        experiment, model_id = running.pop(accuracy_id)
        if search.continues(experiment, rayx.get(accuracy_id)):
            start(experiment, model_id)
        else:
            start(search.new(), None)
        curve[0].append(time.perf_counter() - began)
        curve[1].append(search.best)
    return search, curve


def search_one_by_one(chosen: Namespace, digits: Digits) -> tuple[Search, Curve]:
    """The same decisions, without rayx. The order of ends is another one, and so may they be."""
    search = Search(chosen.seed, chosen.num_segments)
    waiting: list[tuple[Experiment, Model | None]] = []
    curve: Curve = ([], [])
    began = time.perf_counter()

    def start(experiment: Experiment | None, model: Model | None) -> None:
        if experiment is not None:
            waiting.append((experiment, model))

    for _ in range(chosen.num_starting_segments):
        start(search.new(), None)
    while waiting:
        experiment, model = waiting.pop(0)
        accuracy, model = network.train(
            experiment.hyperparameters,
            digits,
            experiment.number,
            chosen.steps_per_segment,
            model,
        )
        if search.continues(experiment, accuracy):
            start(experiment, model)
        else:
            start(search.new(), None)
        curve[0].append(time.perf_counter() - began)
        curve[1].append(search.best)
    return search, curve


def tell_of(search: Search) -> None:
    """How many experiments there were, and how far the best has come."""
    best = max(search.experiments, key=lambda one: max(one.accuracies, default=0.0))
    dropped = sum(len(one.accuracies) == 1 for one in search.experiments)
    print(
        f"{len(search.experiments)} experiments, {dropped} of them dropped after one segment; the "
        f"best has accuracy {max(best.accuracies):.4f} after {len(best.accuracies)} segments: "
        f"learning rate {best.hyperparameters.learning_rate:.5f}, batches of "
        f"{best.hyperparameters.batch_size}, width {best.hyperparameters.width}"
    )


if __name__ == "__main__":
    sys.exit(main())
