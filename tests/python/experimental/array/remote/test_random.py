"""Random arrays as tasks."""

import numpy as np
import pytest

import rayx
import rayx.experimental.array.remote as ra

pytestmark = pytest.mark.usefixtures("shared_session")


def test_a_seed_gives_the_same_numbers_anywhere():
    first, second, other = rayx.get(
        [ra.random.normal.remote([50, 2], seed=seed) for seed in (1, 1, 2)], timeout=30
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert np.array_equal(first, np.random.default_rng(1).normal(size=(50, 2)))


def test_without_a_seed_no_two_are_equal():
    first, second = rayx.get([ra.random.uniform.remote(20) for _ in range(2)], timeout=30)
    assert not np.array_equal(first, second)
    assert first.min() >= 0 and first.max() < 1


def test_mean_deviation_and_limits():
    drawn = rayx.get(ra.random.normal.remote(10_000, 5.0, 0.1, seed=1), timeout=30)
    assert abs(drawn.mean() - 5) < 0.01 and abs(drawn.std() - 0.1) < 0.01
    assert rayx.get(ra.random.uniform.remote(9, 3, 4, seed=1), timeout=30).min() >= 3
