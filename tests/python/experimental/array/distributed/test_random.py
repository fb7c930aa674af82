"""Random arrays of blocks."""

import numpy as np
import pytest

import rayx
import rayx.experimental.array.distributed as da

pytestmark = pytest.mark.usefixtures("shared_session")


def drawn(seed, shape=(50, 30)):
    return rayx.get(da.random.normal.remote(shape, seed, block_size=20), timeout=30).assemble()


def test_a_seed_gives_the_same_numbers():
    assert np.array_equal(drawn(3), drawn(3))
    assert not np.array_equal(drawn(3), drawn(4))
    assert not np.array_equal(drawn(None), drawn(None))


def test_blocks_are_independent_and_normal():
    found = drawn(1)
    assert not np.array_equal(found[:20, :20], found[20:40, :20])
    assert abs(found.mean()) < 0.1 and abs(found.std() - 1) < 0.1
