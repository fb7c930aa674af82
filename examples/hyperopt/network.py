"""A small neural network in numpy: one hidden layer, softmax, minibatches, momentum."""

import copy
import math
from dataclasses import dataclass

import numpy as np

MOMENTUM = 0.9
CLASSES = 10


@dataclass(frozen=True)
class Hyperparameters:
    """What the search looks for."""

    learning_rate: float
    batch_size: int
    regularisation: float
    width: int


@dataclass(frozen=True)
class Digits:
    """Images as rows of pixels between 0 and 1, and the digits they show."""

    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray


def load_digits(seed: int) -> Digits:
    """The 1,797 handwritten digits of scikit-learn; a quarter of them is kept for validation."""
    from sklearn import datasets

    images, labels = (np.asarray(part) for part in datasets.load_digits(return_X_y=True))
    images = (images / 16.0).astype(np.float32)
    order = np.random.default_rng(seed).permutation(len(labels))
    held_back = len(labels) // 4
    train, validation = order[held_back:], order[:held_back]
    return Digits(images[train], labels[train], images[validation], labels[validation])


def sample(generator: np.random.Generator) -> Hyperparameters:
    """Draws hyperparameters; what spans magnitudes is drawn on a logarithmic scale."""
    return Hyperparameters(
        learning_rate=float(10 ** generator.uniform(-3, 0)),
        batch_size=int(2 ** generator.integers(3, 8)),
        regularisation=float(10 ** generator.uniform(-6, -1)),
        width=int(2 ** generator.integers(3, 9)),
    )


@dataclass
class Model:
    """A network in the midst of its training: all that the next pass over the images needs."""

    weights: list[np.ndarray]
    velocities: list[np.ndarray]
    generator: np.random.Generator
    passes: int = 0


def train(
    wanted: Hyperparameters, digits: Digits, seed: int, steps: int, model: Model | None = None
) -> tuple[float, Model]:
    """Trains for `steps` passes over the images, from where `model` is if there is one.

    Returns the accuracy on the validation images, and the model as it is then; the one given is
    left as it was. All randomness follows from `seed`: training in segments, wherever each of them
    runs, gives the same as training at once.
    """
    model = _new_model(wanted, digits, seed) if model is None else copy.deepcopy(model)
    count = len(digits.train_labels)
    for _ in range(steps):
        order = model.generator.permutation(count)
        for start in range(0, count, wanted.batch_size):
            batch = order[start : start + wanted.batch_size]
            gradients = _gradients(
                model.weights, digits.train_images[batch], digits.train_labels[batch], wanted
            )
            for weight, velocity, gradient in zip(
                model.weights, model.velocities, gradients, strict=True
            ):
                velocity *= MOMENTUM
                velocity -= np.float32(wanted.learning_rate) * gradient
                weight += velocity
    model.passes += steps
    return accuracy(model.weights, digits.validation_images, digits.validation_labels), model


def _new_model(wanted: Hyperparameters, digits: Digits, seed: int) -> Model:
    generator = np.random.default_rng(seed)
    weights = [
        _initial(generator, digits.train_images.shape[1], wanted.width),
        np.zeros(wanted.width, np.float32),
        _initial(generator, wanted.width, CLASSES),
        np.zeros(CLASSES, np.float32),
    ]
    return Model(weights, [np.zeros_like(weight) for weight in weights], generator)


def accuracy(weights: list[np.ndarray], images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose digit the network tells right."""
    _, scores = _forward(weights, images)
    return float(np.mean(scores.argmax(axis=1) == labels))


def _initial(generator: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    scale = math.sqrt(2.0 / rows)
    return (generator.standard_normal((rows, columns)) * scale).astype(np.float32)


def _forward(weights: list[np.ndarray], images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, first_bias, second, second_bias = weights
    hidden = np.maximum(images @ first + first_bias, 0)
    return hidden, hidden @ second + second_bias


def _gradients(
    weights: list[np.ndarray], images: np.ndarray, labels: np.ndarray, wanted: Hyperparameters
) -> list[np.ndarray]:
    """Of the mean cross entropy, and of the weights' squares times the regularisation."""
    first, _, second, _ = weights
    hidden, scores = _forward(weights, images)
    scores -= scores.max(axis=1, keepdims=True)
    errors = np.exp(scores)
    errors /= errors.sum(axis=1, keepdims=True)
    errors[np.arange(len(labels)), labels] -= 1
    errors /= len(labels)
    back = (errors @ second.T) * (hidden > 0)
    decay = np.float32(wanted.regularisation)
    return [
        images.T @ back + decay * first,
        back.sum(axis=0),
        hidden.T @ errors + decay * second,
        errors.sum(axis=0),
    ]
