"""A parameter server: an actor has the weights, workers pull them and push gradients, all at once.

    python examples/beyond/parameter_server.py --serial --picture parameter_server.png

Softmax regression on the handwritten digits of scikit-learn. Nobody waits for anybody: a gradient
may be of weights that others have changed meanwhile, which such training bears.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
from sklearn import datasets

import rayx

BATCH = 64
CLASSES = 10


class ParameterServer:
    """The weights, and how many gradients they have taken."""

    def __init__(self, shape, step):
        self.weights, self.step, self.pushed = np.zeros(shape), step, 0

    def push(self, gradient):
        self.weights -= self.step * gradient
        self.pushed += 1

    def pull(self):
        return self.weights

    def count(self):
        return self.pushed


def train(server, images, labels, seed, steps):
    """Pulls, computes, pushes, again and again. `server` is a handle of the actor."""
    generator = np.random.default_rng(seed)
    for _ in range(steps):
        batch = generator.integers(0, len(labels), BATCH)
        weights = rayx.get(server.pull.remote())
        server.push.remote(gradient_of(weights, images[batch], labels[batch]))
    # Calls run in order: when this one has ended, so have all pushes of this task.
    return rayx.get(server.count.remote())


def gradient_of(weights, images, labels):
    """Of the mean cross entropy."""
    scores = images @ weights
    scores -= scores.max(axis=1, keepdims=True)
    errors = np.exp(scores)
    errors /= errors.sum(axis=1, keepdims=True)
    errors[np.arange(len(labels)), labels] -= 1
    return images.T @ errors / len(labels)


def accuracy(weights, images, labels):
    """The share of images that are read correctly."""
    return float(np.mean((images @ weights).argmax(axis=1) == labels))


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--steps", type=options.at_least_one, default=2000, help="of all workers")
    parser.add_argument("--step-size", type=float, default=0.2)
    chosen = parser.parse_args()
    images, labels = datasets.load_digits(return_X_y=True)
    images = np.hstack([images / 16, np.ones((len(images), 1))])
    order = np.random.default_rng(chosen.seed).permutation(len(labels))
    test, learned = order[:400], order[400:]
    curve = ([], [])
    with options.start(chosen):
        workers = options.cpus()
        server = rayx.remote(ParameterServer).remote((images.shape[1], CLASSES), chosen.step_size)
        images_id, labels_id = rayx.put(images[learned]), rayx.put(labels[learned])
        rayx.get(server.count.remote())
        began = time.perf_counter()
        trainer = rayx.remote(train)
        each = max(1, chosen.steps // workers)
        running = [
            trainer.remote(server, images_id, labels_id, [chosen.seed, number], each)
            for number in range(workers)
        ]
        ready = []
        while len(ready) < workers:
            ready, _ = rayx.wait(running, num_returns=workers, timeout_s=0.05)
            curve[0].append(time.perf_counter() - began)
            weights = rayx.get(server.pull.remote())
            curve[1].append(accuracy(weights, images[test], labels[test]))
        rayx.get(running)
        parallel_s = curve[0][-1]
        pushed = rayx.get(server.count.remote())
    curves, serial_s = {"rayx": curve}, None
    if chosen.serial:
        weights = np.zeros((images.shape[1], CLASSES))
        generator = np.random.default_rng(chosen.seed)
        slow = ([], [])
        began = time.perf_counter()
        for number in range(pushed):
            batch = learned[generator.integers(0, len(learned), BATCH)]
            weights -= chosen.step_size * gradient_of(weights, images[batch], labels[batch])
            if number % 50 == 49:
                slow[0].append(time.perf_counter() - began)
                slow[1].append(accuracy(weights, images[test], labels[test]))
        serial_s = time.perf_counter() - began
        curves["one process, without rayx"] = slow
    if chosen.picture:
        title = "A parameter server"
        picture.curves(chosen.picture, title, "seconds", "accuracy on test images", curves)
    outcome = f"test accuracy {curve[1][-1]:.3f} after {pushed} gradients"
    record.tell(chosen.record, "parameter_server", outcome, parallel_s, serial_s, workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
