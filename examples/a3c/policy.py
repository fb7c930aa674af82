"""A policy with memory: a layer of tanh, an LSTM, and from it what to do and what to expect.

All of it is numpy, the backward pass too. The weights are one vector, which is what travels between
the driver and the runners; `Layout` says where in it each matrix lies.
"""

from typing import NamedTuple

import numpy as np

# How much is given for not being sure too early, and for values that are right.
ENTROPY_SHARE = 0.01
VALUE_SHARE = 0.5
# Gradients that are longer are shortened to it.
LENGTH_MAX = 40.0

# What the LSTM remembers: its cells, and what it last said.
Memory = tuple[np.ndarray, np.ndarray]


class Batch(NamedTuple):
    """A part of an episode, a row a step, as `process_rollout` makes it."""

    observations: np.ndarray
    actions: np.ndarray
    #: How much better each action turned out than was expected.
    advantages: np.ndarray
    #: What the values should have been.
    returns: np.ndarray
    #: What was remembered before the first step.
    memory: Memory


class Layout:
    """Where the matrices lie in a vector of weights, or of slopes."""

    def __init__(self, observed: int, actions: int, hidden: int) -> None:
        self.shapes = {
            "look": (observed + 1, hidden),
            "lstm": (2 * hidden + 1, 4 * hidden),
            "act": (hidden + 1, actions),
            "value": (hidden + 1, 1),
        }
        self.size = sum(rows * columns for rows, columns in self.shapes.values())

    def matrices(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Views of the vector by name. The last row of each is what is added."""
        found, start = {}, 0
        for name, (rows, columns) in self.shapes.items():
            found[name] = vector[start : start + rows * columns].reshape(rows, columns)
            start += rows * columns
        return found


class LSTMPolicy:
    """Chooses actions, computes gradients, and applies them."""

    def __init__(self, observed: int, actions: int, hidden: int, seed: int = 0) -> None:
        self.hidden = hidden
        self.layout = Layout(observed, actions, hidden)
        generator = np.random.default_rng(seed)
        vector = np.empty(self.layout.size, np.float32)
        for name, matrix in self.layout.matrices(vector).items():
            scale = (0.01 if name == "act" else 1) / np.sqrt(len(matrix))
            matrix[:] = generator.standard_normal(matrix.shape) * scale
            matrix[-1] = 0
        # Gates that forget are open at first, so that the memory lasts.
        self.layout.matrices(vector)["lstm"][-1, hidden : 2 * hidden] = 1
        self.set_weights(vector)

    def get_weights(self) -> np.ndarray:
        """The vector. It is never changed; an update makes another one."""
        return self.weights

    def set_weights(self, vector: np.ndarray) -> None:
        """Takes the vector as it is, without a copy."""
        self.weights = vector
        self.matrices = self.layout.matrices(vector)

    def blank_memory(self) -> Memory:
        """To begin an episode with."""
        return np.zeros(self.hidden, np.float32), np.zeros(self.hidden, np.float32)

    def look(self, observation: np.ndarray, memory: Memory) -> tuple[np.ndarray, float, Memory]:
        """The probabilities of the actions, what is expected to be earned, and the new memory."""
        matrices = self.matrices
        seen = np.tanh(_apply(matrices["look"], observation))
        memory, _ = _lstm_forward(matrices["lstm"], seen, memory)
        said = memory[1]
        probabilities = np.exp(_log_softmax(_apply(matrices["act"], said)))
        return probabilities, float(_apply(matrices["value"], said)[0]), memory

    def loss_and_gradient(self, batch: Batch) -> tuple[float, np.ndarray]:
        """Summed over the steps of the batch."""
        matrices = self.matrices
        gradient = np.zeros_like(self.weights)
        slopes = self.layout.matrices(gradient)
        seen = np.tanh(_apply(matrices["look"], batch.observations))
        memory, gates, said = batch.memory, [], []
        for step in seen:
            memory, gate = _lstm_forward(matrices["lstm"], step, memory)
            gates.append(gate)
            said.append(memory[1])
        outputs = np.array(said)

        logs = _log_softmax(_apply(matrices["act"], outputs))
        probabilities, rows = np.exp(logs), np.arange(len(logs))
        entropies = -(probabilities * logs).sum(axis=1)
        errors = _apply(matrices["value"], outputs)[:, 0] - batch.returns
        gains = logs[rows, batch.actions] * batch.advantages
        loss = np.sum(VALUE_SHARE * errors**2 - gains - ENTROPY_SHARE * entropies)

        chosen = np.zeros_like(logs)
        chosen[rows, batch.actions] = 1
        act_slopes = -(chosen - probabilities) * batch.advantages[:, None]
        act_slopes += ENTROPY_SHARE * probabilities * (logs + entropies[:, None])
        value_slopes = (2 * VALUE_SHARE * errors)[:, None]
        said_slopes = _backward(matrices["act"], slopes["act"], outputs, act_slopes)
        said_slopes += _backward(matrices["value"], slopes["value"], outputs, value_slopes)
        seen_slopes = np.empty_like(seen)
        # Backwards in time: what a step has said and remembered also acts through the next one.
        later = np.zeros_like(batch.memory[0]), np.zeros_like(batch.memory[1])
        for step in range(len(seen) - 1, -1, -1):
            later = later[0], later[1] + said_slopes[step]
            seen_slopes[step], later = _lstm_backward(
                matrices["lstm"], slopes["lstm"], gates[step], later
            )
        _backward(matrices["look"], slopes["look"], batch.observations, seen_slopes * (1 - seen**2))
        return float(loss), gradient

    def get_gradients(self, batch: Batch) -> np.ndarray:
        """The gradient, not too long."""
        gradient = self.loss_and_gradient(batch)[1]
        length = float(np.linalg.norm(gradient))
        return gradient * np.float32(LENGTH_MAX / length) if length > LENGTH_MAX else gradient


class Gates(NamedTuple):
    """What a step of the LSTM has computed, for its backward pass."""

    #: What was seen and what was said before, and a one.
    inputs: np.ndarray
    #: The gates that take in, keep and give out, and what could be taken in.
    take: np.ndarray
    keep: np.ndarray
    give: np.ndarray
    fresh: np.ndarray
    cells_before: np.ndarray
    squashed: np.ndarray


def _apply(matrix: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    result: np.ndarray = inputs @ matrix[:-1] + matrix[-1]
    return result


def _backward(
    matrix: np.ndarray, slopes: np.ndarray, inputs: np.ndarray, output_slopes: np.ndarray
) -> np.ndarray:
    """Adds to the slopes of the matrix, and returns those of the inputs."""
    slopes[:-1] += inputs.T @ output_slopes
    slopes[-1] += output_slopes.sum(axis=0)
    result: np.ndarray = output_slopes @ matrix[:-1].T
    return result


def _lstm_forward(matrix: np.ndarray, seen: np.ndarray, memory: Memory) -> tuple[Memory, Gates]:
    """S. Hochreiter, J. Schmidhuber, "Long short-term memory", 1997, with gates that forget."""
    cells, said = memory
    hidden = len(cells)
    inputs = np.concatenate((seen, said, np.ones(1, seen.dtype)))
    sums = inputs @ matrix
    take, keep, give = (1 / (1 + np.exp(-sums[: 3 * hidden]))).reshape(3, hidden)
    fresh = np.tanh(sums[3 * hidden :])
    now = keep * cells + take * fresh
    squashed = np.tanh(now)
    return (now, give * squashed), Gates(inputs, take, keep, give, fresh, cells, squashed)


def _lstm_backward(
    matrix: np.ndarray, slopes: np.ndarray, gates: Gates, later: Memory
) -> tuple[np.ndarray, Memory]:
    """The slopes of what was seen and of the memory before, given those of the memory after."""
    inputs, take, keep, give, fresh, before, squashed = gates
    hidden = len(take)
    cells = later[0] + later[1] * give * (1 - squashed**2)
    sums = np.concatenate(
        (
            cells * fresh * take * (1 - take),
            cells * before * keep * (1 - keep),
            later[1] * squashed * give * (1 - give),
            cells * take * (1 - fresh**2),
        )
    )
    slopes += np.outer(inputs, sums)
    back = matrix[:-1] @ sums
    return back[:hidden], (cells * keep, back[hidden:])


def _log_softmax(outputs: np.ndarray) -> np.ndarray:
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


class Adam:
    """D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015."""

    def __init__(self, size: int) -> None:
        self.time = 0
        self.first, self.second = np.zeros(size, np.float32), np.zeros(size, np.float32)

    def descend(self, weights: np.ndarray, gradient: np.ndarray, step: float) -> np.ndarray:
        """New weights."""
        self.time += 1
        self.first += np.float32(0.1) * (gradient - self.first)
        self.second += np.float32(0.001) * (gradient**2 - self.second)
        step *= np.sqrt(1 - 0.999**self.time) / (1 - 0.9**self.time)
        result: np.ndarray = weights - np.float32(step) * self.first / (np.sqrt(self.second) + 1e-8)
        return result.astype(np.float32, copy=False)
