"""An array as the ids of its blocks."""

import gc

import numpy as np
import pytest

import rayx
from rayx.experimental.array import distributed as da
from rayx.experimental.array.distributed import DistArray, dist_array

pytestmark = pytest.mark.usefixtures("shared_session")


def of(array, block_size):
    return DistArray.made(
        array.shape, block_size, lambda made, index: rayx.put(array[made.slices(index)])
    )


@pytest.mark.parametrize("shape", [(7,), (9, 4), (10, 10), (3, 4, 5), (0, 4), ()])
def test_blocks_cover_the_array_once(shape):
    array = np.arange(float(np.prod(shape))).reshape(shape)
    made = of(array, 4)
    assert made.num_blocks == tuple(-(-length // 4) for length in shape)
    assert np.array_equal(made.assemble(), array)
    assert made.ndim == len(shape)


def test_indexing_is_that_of_the_whole():
    array = np.arange(30).reshape(6, 5)
    made = of(array, 4)
    assert made[5, 4] == 29
    assert np.array_equal(made[2:4], array[2:4])
    assert made.assemble().dtype == array.dtype


def test_wrong_shapes_and_sizes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(5, 5\) has blocks of 4 in the shape \(2, 2\)"):
        DistArray((5, 5), 4, np.empty((1, 2), dtype=object))
    for size in (0, -1, True, 2.5):
        with pytest.raises(ValueError, match="block_size must be a whole number of at least 1"):
            DistArray.made((3,), size, lambda made, index: None)
    for shape in ((3, -1), (2.5,), "ab", None, ((1, 2), (3, 4))):
        with pytest.raises(ValueError, match="a shape is whole numbers of at least 0, not"):
            DistArray.made(shape, 4, lambda made, index: None)


def test_it_says_what_it_is():
    assert repr(of(np.zeros((9, 4)), 4)) == "<DistArray of shape (9, 4): 3 x 1 blocks of 4>"


def test_whoever_holds_it_holds_the_blocks_and_nobody_else():
    whole = rayx.put([of(np.ones((400, 300)), 200)])
    gc.collect()
    assert rayx.get(whole, timeout=30)[0].assemble().sum() == 120_000


def test_the_number_of_blocks():
    assert dist_array.blocks_of((10, 0, 1), 5) == (2, 0, 1)
    assert dist_array.blocks_of(np.int64(7), 5) == (2,)
    assert da.BLOCK_SIZE == 1000
