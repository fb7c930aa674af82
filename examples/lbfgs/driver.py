"""Batch L-BFGS: scipy minimises a loss whose parts are computed by actors.

    python examples/lbfgs/driver.py --serial --picture lbfgs.png

A network with one hidden layer learns 4,000 real MNIST digits, each also shifted by a pixel in four
directions, and is tested with 1,000 others.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
import scipy.optimize
from network import Digits, Network, load_digits

import rayx

LossAndGradient = Callable[[np.ndarray], tuple[float, np.ndarray]]


@rayx.remote
class Part:
    """Holds a share of the images, and computes its share of the loss and of the gradient."""

    def __init__(self, network: Network, images: np.ndarray, labels: np.ndarray) -> None:
        self.network, self.images, self.labels = network, images, labels

    def loss_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        return self.network.loss_and_gradient(theta, self.images, self.labels)


def main() -> int:
    """Minimises in parallel, and if asked, one part after the other; compares both to the bit."""
    parser = options.parser(__doc__)
    parser.add_argument("--iterations", type=options.at_least_one, default=40)
    parser.add_argument("--hidden", type=options.at_least_one, default=64, help="hidden units")
    parser.add_argument("--parts", type=options.at_least_one, default=8, help="actors")
    chosen = parser.parse_args()
    digits = load_digits(chosen.seed)
    network = Network(digits.train_images.shape[1], chosen.hidden, 10)
    theta = network.initial(chosen.seed)
    parts = list(
        zip(
            np.array_split(digits.train_images, chosen.parts),
            np.array_split(digits.train_labels, chosen.parts),
            strict=True,
        )
    )

    with options.start(chosen):
        workers = min(options.cpus(), chosen.parts)
        # An actor holds no CPU unless it asks for one, so there may be more parts than CPUs.
        actors = [Part.remote(network, images, labels) for images, labels in parts]

        def in_parallel(theta: np.ndarray) -> tuple[float, np.ndarray]:
            # Stored once, and read by all actors where it lies.
            theta_id = rayx.put(theta)
            return total(rayx.get([actor.loss_and_gradient.remote(theta_id) for actor in actors]))

        in_parallel(theta)  # starts the actors, so that the minimisation alone is measured
        found, losses, parallel_s = minimise(in_parallel, theta, chosen.iterations)

    accuracy = network.accuracy(found, digits.test_images, digits.test_labels)
    print(f"{accuracy:.1%} of the {len(digits.test_labels)} test images are read correctly")

    serial_s = None
    if chosen.serial:

        def one_by_one(theta: np.ndarray) -> tuple[float, np.ndarray]:
            return total([network.loss_and_gradient(theta, *part) for part in parts])

        same, _, serial_s = minimise(one_by_one, theta, chosen.iterations)
        if not np.array_equal(same, found):
            print("the serial result is DIFFERENT", file=sys.stderr)
            return 1
        print("the serial result is identical to the bit")
    if chosen.picture:
        draw(chosen.picture, losses, parallel_s, serial_s, digits)
    outcome = f"test accuracy {accuracy:.3f} after {len(losses)} iterations"
    record.tell(chosen.record, "lbfgs", outcome, parallel_s, serial_s, workers)
    return 0


def total(shares: list[tuple[float, np.ndarray]]) -> tuple[float, np.ndarray]:
    """The sums, always in the order of the parts, so that rounding is the same everywhere."""
    loss, gradient = shares[0]
    gradient = gradient.copy()
    for more, more_gradient in shares[1:]:
        loss += more
        gradient += more_gradient
    return loss, gradient


def minimise(
    loss_and_gradient: LossAndGradient, theta: np.ndarray, iterations: int
) -> tuple[np.ndarray, list[float], float]:
    """scipy's L-BFGS; returns where it ends, the loss after each iteration, and the seconds."""
    losses: list[float] = []
    began = time.perf_counter()
    result = scipy.optimize.minimize(
        loss_and_gradient,
        theta,
        method="L-BFGS-B",
        jac=True,
        callback=lambda intermediate_result: losses.append(float(intermediate_result.fun)),
        options={"maxiter": iterations},
    )
    return result.x, losses, time.perf_counter() - began


def draw(
    path: Path, losses: list[float], parallel_s: float, serial_s: float | None, digits: Digits
) -> None:
    """The loss over time; both runs make the same steps, so one curve is the other, stretched."""
    mean = [loss / len(digits.train_labels) for loss in losses]
    lines = {}
    for name, seconds in (("rayx", parallel_s), ("one after the other", serial_s)):
        if seconds is not None:
            lines[name] = (np.linspace(0, seconds, len(mean) + 1)[1:].tolist(), mean)
    picture.curves(path, "L-BFGS on MNIST digits", "seconds", "loss per image", lines, yscale="log")


if __name__ == "__main__":
    sys.exit(main())
