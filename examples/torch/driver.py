"""Data-parallel training with PyTorch: actors compute gradients, the driver steps.

    python examples/torch/driver.py --serial --picture torch.png

A small network reads the 1,797 handwritten digits of scikit-learn.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import options, picture, record

options.use_one_thread()

import numpy as np
from sklearn.datasets import load_digits

try:
    import torch
    from torch import nn  # without PyTorch, `torch` is the folder of this program
except ImportError:
    sys.exit("this example needs PyTorch: pip install torch")

import rayx
from rayx.experimental import TorchVariables


def build(hidden, seed):
    """The network, with the same weights wherever it is built."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


class Trainer:
    """Holds a share of the images."""

    def __init__(self, images, labels, hidden, seed):
        torch.set_num_threads(1)
        self.images = torch.tensor(images)
        self.labels = torch.tensor(labels)
        self.network = build(hidden, seed)
        self.variables = TorchVariables(self.network)

    def gradients(self, weights):
        """Of the mean loss over the share, at these weights."""
        self.variables.set_weights(weights)
        self.network.zero_grad()
        loss = nn.functional.cross_entropy(self.network(self.images), self.labels)
        loss.backward()
        return self.variables.get_gradients()


def main():
    parser = options.parser(__doc__)
    parser.add_argument("--iterations", type=options.at_least_one, default=150)
    parser.add_argument("--hidden", type=options.at_least_one, default=64, help="hidden units")
    parser.add_argument("--actors", type=options.at_least_one, default=2)
    chosen = parser.parse_args()
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    order = np.random.default_rng(chosen.seed).permutation(len(labels))
    test, train = order[:400], order[400:]
    shares = [(images[part], labels[part]) for part in np.array_split(train, chosen.actors)]

    with options.start(chosen):
        actors = [
            rayx.remote(Trainer).remote(*share, chosen.hidden, chosen.seed) for share in shares
        ]

        def in_parallel(weights):
            weights_id = rayx.put(weights)
            return rayx.get([actor.gradients.remote(weights_id) for actor in actors])

        network, accuracies, seconds = learn(chosen, in_parallel, images[test], labels[test])
    curves, serial_s = {"rayx": (list(range(1, len(accuracies) + 1)), accuracies)}, None
    if chosen.serial:
        trainers = [Trainer(*share, chosen.hidden, chosen.seed) for share in shares]
        same, _, serial_s = learn(
            chosen,
            lambda weights: [trainer.gradients(weights) for trainer in trainers],
            images[test],
            labels[test],
        )
        if not np.array_equal(TorchVariables(same).get_flat(), TorchVariables(network).get_flat()):
            print("the serial weights are DIFFERENT", file=sys.stderr)
            return 1
        print("the serial weights are identical to the bit")
    if chosen.picture:
        picture.curves(
            chosen.picture, "PyTorch, data-parallel", "steps", "accuracy on test images", curves
        )
    outcome = f"test accuracy {accuracies[-1]:.3f}"
    record.tell(chosen.record, "torch", outcome, seconds, serial_s, chosen.actors)
    return 0


def learn(chosen, gradients_at, images, labels):
    """The trained network, its accuracy after each step, and the seconds."""
    network = build(chosen.hidden, chosen.seed)
    variables = TorchVariables(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    images, labels = torch.tensor(images), torch.tensor(labels)
    gradients_at(variables.get_weights())  # starts the actors
    accuracies = []
    began = time.perf_counter()
    for _ in range(chosen.iterations):
        found = gradients_at(variables.get_weights())
        variables.set_gradients(
            {name: sum(one[name] for one in found) / len(found) for name in found[0]}
        )
        optimizer.step()
        with torch.no_grad():
            right = network(images).argmax(dim=1) == labels
        accuracies.append(float(right.float().mean()))
    return network, accuracies, time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
