"""Making arrays of blocks, adding and multiplying them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rayx.calls.remote_function import remote
from rayx.experimental.array.distributed.dist_array import BLOCK_SIZE, DistArray, Index
from rayx.experimental.array.remote import core as blocks
from rayx.results import objects


@remote
def assemble(a: DistArray) -> np.ndarray:
    """The whole array as one object."""
    return a.assemble()


@remote
def numpy_to_dist(a: np.ndarray, block_size: int = BLOCK_SIZE) -> DistArray:
    """An array, cut into blocks."""
    return DistArray.made(
        a.shape, block_size, lambda made, index: objects.put(a[made.slices(index)])
    )


@remote
def zeros(
    shape: Sequence[int] | int, dtype_name: str = "float", block_size: int = BLOCK_SIZE
) -> DistArray:
    """An array of zeros."""
    np.dtype(dtype_name)  # a wrong name fails here, and not once in each block
    return DistArray.made(
        shape,
        block_size,
        lambda made, index: blocks.zeros.remote(made.block_shape(index), dtype_name),
    )


@remote
def ones(
    shape: Sequence[int] | int, dtype_name: str = "float", block_size: int = BLOCK_SIZE
) -> DistArray:
    """An array of ones."""
    np.dtype(dtype_name)
    return DistArray.made(
        shape,
        block_size,
        lambda made, index: blocks.ones.remote(made.block_shape(index), dtype_name),
    )


@remote
def eye(
    rows: int, columns: int = -1, dtype_name: str = "float", block_size: int = BLOCK_SIZE
) -> DistArray:
    """Ones on the diagonal, zeros elsewhere; square unless `columns` is given."""
    np.dtype(dtype_name)
    return identity(rows, rows if columns == -1 else columns, dtype_name, block_size)


def identity(rows: int, columns: int, dtype_name: str, block_size: int) -> DistArray:
    """The same for those who are in a task already."""

    def make(made: DistArray, index: Index) -> Any:
        shape = made.block_shape(index)
        if index[0] == index[1]:
            return blocks.eye.remote(shape[0], shape[1], dtype_name=dtype_name)
        return blocks.zeros.remote(shape, dtype_name)

    return DistArray.made((rows, columns), block_size, make)


@remote
def copy(a: DistArray) -> DistArray:
    """The same blocks under another name: they never change, so that nothing needs to be copied."""
    return DistArray(a.shape, a.block_size, a.block_ids.copy())


@remote
def triu(a: DistArray) -> DistArray:
    """The upper triangle: zeros below the diagonal."""
    return _triangle(a, blocks.triu, operator.lt)


@remote
def tril(a: DistArray) -> DistArray:
    """The lower triangle: zeros above the diagonal."""
    return _triangle(a, blocks.tril, operator.gt)


def _triangle(a: DistArray, cut: Any, keeps: Callable[[int, int], bool]) -> DistArray:
    _want_matrices("a triangle", a)

    def make(made: DistArray, index: Index) -> Any:
        if index[0] == index[1]:
            return cut.remote(a.block_ids[index])
        return a.block_ids[index] if keeps(*index) else blocks.zeros_like.remote(a.block_ids[index])

    return DistArray.made(a.shape, a.block_size, make)


@remote
def blockwise_dot(*matrices: np.ndarray) -> np.ndarray:
    """The sum of products of blocks: of a row of the first factor and a column of the second.

    The first half of the arguments is the row, the second the column.
    """
    half, odd = divmod(len(matrices), 2)
    if odd or not half:
        raise ValueError(
            f"blockwise_dot takes as many blocks of the first factor as of the second, but was "
            f"given {len(matrices)} blocks in all"
        )
    products = map(np.dot, matrices[:half], matrices[half:])
    return functools.reduce(operator.iadd, products)


@remote
def dot(a: DistArray, b: DistArray) -> DistArray:
    """The matrix product."""
    return product(a, b)


def product(a: DistArray, b: DistArray) -> DistArray:
    """The same for those who are in a task already."""
    _want_matrices("dot", a, b)
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"dot: {a!r} has {a.shape[1]} columns, but {b!r} has {b.shape[0]} rows")
    _want_equal_blocks("dot", a, b)

    def make(made: DistArray, index: Index) -> Any:
        row, column = a.block_ids[index[0], :], b.block_ids[:, index[1]]
        return blockwise_dot.remote(*row, *column)

    return DistArray.made((a.shape[0], b.shape[1]), a.block_size, make)


@remote
def subblocks(a: DistArray, *ranges: Sequence[int]) -> DistArray:
    """The blocks with these numbers along each axis, in this order; an empty range takes all.

    Only the last block of an axis may be smaller than the others, so it must come last.
    """
    if len(ranges) != a.ndim:
        raise ValueError(f"subblocks: {a!r} has {a.ndim} axes, but {len(ranges)} ranges were given")
    chosen = [
        list(given) if len(given) else list(range(count))
        for given, count in zip(ranges, a.num_blocks, strict=True)
    ]
    shape = []
    for axis, numbers in enumerate(chosen):
        last = a.num_blocks[axis] - 1
        for number in numbers:
            if not 0 <= number <= last:
                raise ValueError(f"subblocks: axis {axis} of {a!r} has no block {number}")
        if last in numbers[:-1] and a.shape[axis] % a.block_size:
            raise ValueError(
                f"subblocks: block {last} of axis {axis} is smaller than the others of {a!r}, "
                "so it can only be the last one"
            )
        start = [a.block_size] * len(numbers)
        if numbers and numbers[-1] == last:
            start[-1] = a.shape[axis] - last * a.block_size
        shape.append(sum(start))
    return DistArray(shape, a.block_size, a.block_ids[np.ix_(*chosen)])


@remote
def transpose(a: DistArray) -> DistArray:
    """Rows as columns."""
    _want_matrices("transpose", a)
    return DistArray.made(
        a.shape[::-1],
        a.block_size,
        lambda made, index: blocks.transpose.remote(a.block_ids[index[::-1]]),
    )


@remote
def add(a: DistArray, b: DistArray) -> DistArray:
    """The sum, element by element."""
    return _element_by_element("add", blocks.add, a, b)


@remote
def subtract(a: DistArray, b: DistArray) -> DistArray:
    """The difference, element by element."""
    return _element_by_element("subtract", blocks.subtract, a, b)


def _element_by_element(name: str, function: Any, a: DistArray, b: DistArray) -> DistArray:
    if a.shape != b.shape:
        raise ValueError(f"{name}: {a!r} and {b!r} have different shapes")
    _want_equal_blocks(name, a, b)
    return DistArray.made(
        a.shape,
        a.block_size,
        lambda made, index: function.remote(a.block_ids[index], b.block_ids[index]),
    )


def _want_matrices(name: str, *arrays: DistArray) -> None:
    for array in arrays:
        if array.ndim != 2:
            raise ValueError(f"{name} takes matrices, but {array!r} has {array.ndim} axes")


def _want_equal_blocks(name: str, a: DistArray, b: DistArray) -> None:
    if a.block_size != b.block_size:
        raise ValueError(
            f"{name}: {a!r} and {b!r} are cut into blocks of different sizes; make both with the "
            "same block_size"
        )
