"""Arrays of random numbers, each drawn in a task."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rayx.calls.remote_function import remote


@remote
def normal(
    size: Sequence[int] | int, mean: float = 0.0, deviation: float = 1.0, seed: int | None = None
) -> np.ndarray:
    """Draws of a normal distribution. The same seed gives the same numbers, in any worker."""
    return np.random.default_rng(seed).normal(mean, deviation, size)


@remote
def uniform(
    size: Sequence[int] | int, low: float = 0.0, high: float = 1.0, seed: int | None = None
) -> np.ndarray:
    """Draws between `low` (included) and `high` (not), each equally likely."""
    return np.random.default_rng(seed).uniform(low, high, size)
