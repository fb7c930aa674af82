"""Two networks of numpy, with two layers of tanh each: the policy says how likely each action is,
the value says how much is still to be earned."""

from itertools import pairwise

import numpy as np

Weights = dict[str, np.ndarray]
NETWORKS = ("policy", "value")


def initial_weights(observed: int, actions: int, hidden: int, seed: int) -> Weights:
    """Weights to begin with: the policy prefers no action."""
    generator = np.random.default_rng(seed)
    weights = {}
    for network, outputs in (("policy", actions), ("value", 1)):
        widths = (observed, hidden, hidden, outputs)
        for layer, (rows, columns) in enumerate(pairwise(widths)):
            scale = (0.01 if layer == 2 else 1) / np.sqrt(rows)
            drawn = generator.standard_normal((rows, columns)) * scale
            weights[f"{network} weight {layer}"] = drawn.astype(np.float32)
            weights[f"{network} bias {layer}"] = np.zeros(columns, np.float32)
    return weights


def forward(
    weights: Weights, network: str, observations: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The outputs, and what each of the layers has seen, for the backward pass."""
    seen = [observations]
    for layer in (0, 1):
        bias = weights[f"{network} bias {layer}"]
        seen.append(np.tanh(seen[-1] @ weights[f"{network} weight {layer}"] + bias))
    return seen[-1] @ weights[f"{network} weight 2"] + weights[f"{network} bias 2"], seen


def backward(weights: Weights, network: str, seen: list[np.ndarray], slopes: np.ndarray) -> Weights:
    """The gradient of a loss, given its slopes in the network's outputs."""
    gradient = {}
    for layer in (2, 1, 0):
        gradient[f"{network} weight {layer}"] = seen[layer].T @ slopes
        gradient[f"{network} bias {layer}"] = slopes.sum(axis=0)
        if layer > 0:
            slopes = (slopes @ weights[f"{network} weight {layer}"].T) * (1 - seen[layer] ** 2)
    return gradient


def log_softmax(outputs: np.ndarray) -> np.ndarray:
    """The logarithms of the probabilities that the outputs stand for."""
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


class Adam:
    """D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015."""

    def __init__(self, weights: Weights) -> None:
        self.time = 0
        self.first = {name: np.zeros_like(array) for name, array in weights.items()}
        self.second = {name: np.zeros_like(array) for name, array in weights.items()}

    def descend(self, weights: Weights, gradient: Weights, step: float) -> Weights:
        """New weights."""
        self.time += 1
        changed = {}
        for name, slope in gradient.items():
            self.first[name] += 0.1 * (slope - self.first[name])
            self.second[name] += 0.001 * (slope**2 - self.second[name])
            first = self.first[name] / (1 - 0.9**self.time)
            second = self.second[name] / (1 - 0.999**self.time)
            changed[name] = weights[name] - np.float32(step) * first / (np.sqrt(second) + 1e-8)
        return changed
