"""An array as the ids of its blocks."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rayx.results import objects

if TYPE_CHECKING:
    from rayx._raylet import ObjectID

#: Rows and columns of a block unless told: 8 MB of float64. 20,000 x 20,000 is 400 of them.
BLOCK_SIZE = 1000

Index = tuple[int, ...]


class DistArray:
    """An array cut into blocks of `block_size` along each axis; those at the end may be smaller.

    `block_ids` is an array of ObjectIDs, with as many axes. The DistArray keeps its
    blocks: it may be passed to tasks, stored, and be kept longer than what made it.

    >>> ids = np.empty((1, 1), dtype=object)
    >>> DistArray((30, 20), 100, ids).num_blocks
    (1, 1)
    """

    def __init__(self, shape: Sequence[int] | int, block_size: int, block_ids: np.ndarray) -> None:
        self.shape = lengths_of(shape)
        self.block_size = block_size
        self.num_blocks = blocks_of(self.shape, block_size)
        if block_ids.shape != self.num_blocks:
            raise ValueError(
                f"an array of shape {self.shape} has blocks of {block_size} in the shape "
                f"{self.num_blocks}, but the ids given have the shape {block_ids.shape}"
            )
        self.block_ids = block_ids

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        blocks = " x ".join(map(str, self.num_blocks))
        return f"<DistArray of shape {self.shape}: {blocks} blocks of {self.block_size}>"

    def __getitem__(self, index: Any) -> Any:
        """What `assemble()[index]` is. All blocks are fetched for it."""
        return self.assemble()[index]

    def assemble(self) -> np.ndarray:
        """The whole array, here. It must fit into the memory of this process."""
        if not self.shape:
            return np.asarray(objects.get(self.block_ids.item()))
        blocks = iter(objects.get([self.block_ids[index] for index in self.indices()]))
        whole: np.ndarray | None = None
        for index in self.indices():
            block = next(blocks)
            if whole is None:
                whole = np.empty(self.shape, dtype=block.dtype)
            whole[self.slices(index)] = block
        return np.empty(self.shape) if whole is None else whole

    def indices(self) -> Iterator[Index]:
        """The index of each block, the last axis first."""
        return iter(np.ndindex(*self.num_blocks))

    def slices(self, index: Index) -> tuple[slice, ...]:
        """What the block covers of the array."""
        return tuple(
            slice(place * self.block_size, min((place + 1) * self.block_size, length))
            for place, length in zip(index, self.shape, strict=True)
        )

    def block_shape(self, index: Index) -> tuple[int, ...]:
        """The shape of one block."""
        return tuple(part.stop - part.start for part in self.slices(index))

    @classmethod
    def made(
        cls,
        shape: Sequence[int] | int,
        block_size: int,
        make: Callable[[DistArray, Index], ObjectID[Any]],
    ) -> DistArray:
        """An array whose blocks `make(array, index)` submits."""
        if isinstance(block_size, bool) or not isinstance(block_size, int) or block_size < 1:
            raise ValueError(f"block_size must be a whole number of at least 1, not {block_size!r}")
        array = cls(shape, block_size, np.empty(blocks_of(shape, block_size), dtype=object))
        for index in array.indices():
            array.block_ids[index] = make(array, index)
        return array


def lengths_of(shape: Sequence[int] | int) -> tuple[int, ...]:
    """A shape as numpy takes it, a single number too. Raises ValueError for any other."""
    try:
        lengths = tuple(map(operator.index, np.atleast_1d(np.asarray(shape, dtype=object))))
    except TypeError:
        lengths = (-1,)
    if any(length < 0 for length in lengths):
        raise ValueError(f"a shape is whole numbers of at least 0, not {shape!r}")
    return lengths


def blocks_of(shape: Sequence[int] | int, block_size: int) -> tuple[int, ...]:
    """How many blocks an array of this shape has along each axis."""
    return tuple(math.ceil(length / block_size) for length in lengths_of(shape))
