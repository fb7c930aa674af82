"""A policy whose weights are one vector, an optimiser for it, and what an episode earns."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

# Observations are cut off at so many deviations from their mean.
CLIP = 5.0


class Rollout(NamedTuple):
    """What an episode has earned, how long it was, and sums over what was observed in it."""

    reward: float
    steps: int
    observed_sum: np.ndarray
    observed_squares: np.ndarray


class Policy:
    """A network of tanh layers that looks at normalised observations."""

    def __init__(self, environment: Any, hidden: tuple[int, ...]) -> None:
        self.observed = int(np.prod(environment.observation_space.shape))
        actions = environment.action_space
        self.is_discrete = hasattr(actions, "n")
        acts = int(actions.n) if self.is_discrete else int(np.prod(actions.shape))
        if not self.is_discrete:
            self.low, self.high = actions.low, actions.high
        widths = (self.observed, *hidden, acts)
        self.shapes = list(pairwise(widths))
        self.size = sum((rows + 1) * columns for rows, columns in self.shapes)

    def initial(self, seed: int) -> np.ndarray:
        """Weights to begin with: small, so that no action is preferred."""
        generator = np.random.default_rng(seed)
        parts = []
        for rows, columns in self.shapes:
            parts.append(generator.standard_normal(rows * columns) * 0.1 / np.sqrt(rows))
            parts.append(np.zeros(columns))
        return np.concatenate(parts).astype(np.float32)

    def layers(self, theta: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """The weights and biases in the vector."""
        found, start = [], 0
        for rows, columns in self.shapes:
            end = start + rows * columns
            found.append((theta[start:end].reshape(rows, columns), theta[end : end + columns]))
            start = end + columns
        return found

    def act(self, layers: list[tuple[np.ndarray, np.ndarray]], observation: np.ndarray) -> Any:
        """The action for a normalised observation."""
        value = observation
        for weights, bias in layers[:-1]:
            value = np.tanh(value @ weights + bias)
        weights, bias = layers[-1]
        value = value @ weights + bias
        return int(value.argmax()) if self.is_discrete else np.clip(value, self.low, self.high)


class Normaliser:
    """Mean and deviation of all observations so far."""

    def __init__(self, size: int) -> None:
        self.count = 1e-2
        self.total = np.zeros(size)
        self.squares = np.full(size, 1e-2)

    def add(self, rollout: Rollout) -> None:
        """Takes those of an episode."""
        self.count += rollout.steps
        self.total += rollout.observed_sum
        self.squares += rollout.observed_squares

    def mean_and_deviation(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each number that is observed."""
        mean = self.total / self.count
        variance = np.maximum(self.squares / self.count - mean**2, 1e-4)
        return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)


def play(
    environment: Any,
    policy: Policy,
    theta: np.ndarray,
    mean_and_deviation: tuple[np.ndarray, np.ndarray],
    seed: int,
    steps_max: int,
) -> Rollout:
    """One episode. The same arguments give the same reward, in any process."""
    mean, deviation = mean_and_deviation
    layers = policy.layers(theta)
    reward, steps = 0.0, 0
    total, squares = np.zeros(policy.observed), np.zeros(policy.observed)
    observation, _ = environment.reset(seed=seed)
    is_over = False
    while not is_over and steps < steps_max:
        flat = np.asarray(observation, dtype=np.float64).ravel()
        total += flat
        squares += flat**2
        seen = np.clip((flat - mean) / deviation, -CLIP, CLIP).astype(np.float32)
        observation, earned, terminated, truncated, _ = environment.step(policy.act(layers, seen))
        reward += float(earned)
        steps += 1
        is_over = terminated or truncated
    return Rollout(reward, steps, total, squares)


class Adam:
    """D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015."""

    def __init__(self, size: int, step: float) -> None:
        self.step, self.time = step, 0
        self.first, self.second = np.zeros(size, np.float32), np.zeros(size, np.float32)

    def ascent(self, gradient: np.ndarray) -> np.ndarray:
        """What to add to the weights."""
        self.time += 1
        self.first += 0.1 * (gradient - self.first)
        self.second += 0.001 * (gradient**2 - self.second)
        first = self.first / (1 - 0.9**self.time)
        second = self.second / (1 - 0.999**self.time)
        return (self.step * first / (np.sqrt(second) + 1e-8)).astype(np.float32)


def centred_ranks(rewards: np.ndarray) -> np.ndarray:
    """From -0.5 for the worst to 0.5 for the best: one lucky episode must not decide all."""
    ranks = np.empty(rewards.size, np.float32)
    ranks[rewards.ravel().argsort(kind="stable")] = np.linspace(-0.5, 0.5, rewards.size)
    return ranks.reshape(rewards.shape)
