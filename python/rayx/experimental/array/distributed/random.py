"""Arrays of blocks of random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rayx.calls.remote_function import remote
from rayx.experimental.array.distributed.dist_array import BLOCK_SIZE, DistArray, Index, blocks_of
from rayx.experimental.array.remote import random as blocks


@remote
def normal(
    shape: Sequence[int] | int, seed: int | None = None, block_size: int = BLOCK_SIZE
) -> DistArray:
    """Draws of the standard normal distribution.

    Each block has a seed of its own, which follows from `seed`: the same seed and block size give
    the same numbers, whichever workers draw them.
    """
    count = blocks_of(shape, block_size)
    seeds = np.random.SeedSequence(seed).generate_state(int(np.prod(count)), np.uint64)

    def make(made: DistArray, index: Index) -> Any:
        number = int(np.ravel_multi_index(index, count))
        return blocks.normal.remote(made.block_shape(index), seed=int(seeds[number]))

    return DistArray.made(shape, block_size, make)
