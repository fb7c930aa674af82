"""The loss of proximal policy optimisation and its gradient, written by hand.

J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov, "Proximal policy optimization
algorithms", arXiv:1707.06347, 2017. J. Schulman and others, "High-dimensional continuous control
using generalized advantage estimation", ICLR 2016.
"""

from typing import NamedTuple

import numpy as np
from network import Weights, backward, forward, log_softmax

# What is earned later counts less, by so much a step.
DISCOUNT = 0.99
# 0: what an action has earned is judged by the next value only; 1: by all that was earned later.
TRACE = 0.95
# The probability of what was done may change by so much before the loss stops to care.
CLIP = 0.2
# How much is given for not being sure too early, and for values that are right.
ENTROPY_SHARE = 0.01
VALUE_SHARE = 0.5


class Batch(NamedTuple):
    """Steps of play, in arrays with a row for each."""

    observations: np.ndarray
    actions: np.ndarray
    #: The logarithm of how likely each action was when it was chosen.
    log_likelihoods: np.ndarray
    #: How much better each turned out than was expected.
    advantages: np.ndarray
    #: What the values should have been.
    returns: np.ndarray


def advantages_of(rewards: np.ndarray, values: np.ndarray, value_after: float) -> np.ndarray:
    """For steps of one episode that follow each other; `value_after` is expected after them."""
    following = np.append(values[1:], value_after)
    surprises = rewards + DISCOUNT * following - values
    result, running = np.empty_like(surprises), 0.0
    for step in range(len(surprises) - 1, -1, -1):
        running = surprises[step] + DISCOUNT * TRACE * running
        result[step] = running
    return result


def loss_and_gradient(weights: Weights, batch: Batch) -> tuple[float, Weights]:
    """Of the mean over the batch."""
    count, rows = len(batch.actions), np.arange(len(batch.actions))

    outputs, policy_seen = forward(weights, "policy", batch.observations)
    logs = log_softmax(outputs)
    probabilities = np.exp(logs)
    ratios = np.exp(logs[rows, batch.actions] - batch.log_likelihoods)
    clipped = np.clip(ratios, 1 - CLIP, 1 + CLIP)
    gains = np.minimum(ratios * batch.advantages, clipped * batch.advantages)
    entropies = -(probabilities * logs).sum(axis=1)

    values, value_seen = forward(weights, "value", batch.observations)
    errors = values[:, 0] - batch.returns
    loss = np.mean(VALUE_SHARE * errors**2 - gains - ENTROPY_SHARE * entropies)

    # Where the clipped gain is the smaller one, the gain does not depend on the policy.
    matters = ratios * batch.advantages <= clipped * batch.advantages
    chosen = np.zeros_like(outputs)
    chosen[rows, batch.actions] = 1
    gain_slopes = (matters * ratios * batch.advantages)[:, None] * (chosen - probabilities)
    entropy_slopes = -probabilities * (logs + entropies[:, None])
    policy_slopes = -(gain_slopes + ENTROPY_SHARE * entropy_slopes) / count
    value_slopes = (2 * VALUE_SHARE / count * errors)[:, None]
    gradient = backward(weights, "policy", policy_seen, policy_slopes)
    gradient |= backward(weights, "value", value_seen, value_slopes)
    return float(loss), gradient
