"""Making arrays, adding and multiplying them: each a task on whole arrays."""

from __future__ import annotations

import builtins
import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from rayx.calls.remote_function import remote


@remote
def zeros(shape: Sequence[int], dtype_name: str = "float", order: Any = "C") -> np.ndarray:
    """An array of zeros."""
    return np.zeros(shape, dtype=np.dtype(dtype_name), order=order)


@remote
def zeros_like(a: np.ndarray) -> np.ndarray:
    """An array of zeros of the shape and the type of `a`."""
    return np.zeros_like(a)


@remote
def ones(shape: Sequence[int], dtype_name: str = "float", order: Any = "C") -> np.ndarray:
    """An array of ones."""
    return np.ones(shape, dtype=np.dtype(dtype_name), order=order)


@remote
def eye(rows: int, columns: int = -1, k: int = 0, dtype_name: str = "float") -> np.ndarray:
    """Ones on the k-th diagonal, zeros elsewhere; square unless `columns` is given."""
    return np.eye(rows, rows if columns == -1 else columns, k, dtype=np.dtype(dtype_name))


@remote
def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product, as `numpy.dot`."""
    product: np.ndarray = np.dot(a, b)
    return product


@remote
def vstack(*arrays: np.ndarray) -> np.ndarray:
    """The arrays, one below the other."""
    return np.vstack(arrays)


@remote
def hstack(*arrays: np.ndarray) -> np.ndarray:
    """The arrays, one beside the other."""
    return np.hstack(arrays)


@remote
def subarray(a: np.ndarray, lower: Sequence[int], upper: Sequence[int]) -> np.ndarray:
    """What lies between the indices `lower` (included) and `upper` (not), one of each an axis."""
    return a[tuple(builtins.map(slice, lower, upper))]


@remote
def copy(a: np.ndarray, order: Any = "K") -> np.ndarray:
    """An object of its own with the same content."""
    return np.copy(a, order=order)


@remote
def tril(a: np.ndarray, k: int = 0) -> np.ndarray:
    """The lower triangle: zeros above the k-th diagonal."""
    return np.tril(a, k)


@remote
def triu(a: np.ndarray, k: int = 0) -> np.ndarray:
    """The upper triangle: zeros below the k-th diagonal."""
    return np.triu(a, k)


@remote
def diag(v: np.ndarray, k: int = 0) -> np.ndarray:
    """The k-th diagonal of a matrix, or a matrix with this diagonal."""
    return np.diag(v, k)


@remote
def transpose(a: np.ndarray, axes: Sequence[int] | None = None) -> np.ndarray:
    """The array with its axes in another order: reversed, unless told."""
    # The copy is laid out in the order of its own shape: a reader goes row by row.
    return np.ascontiguousarray(np.transpose(a, axes or None))


@remote
def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum, element by element."""
    result: np.ndarray = np.add(a, b)
    return result


@remote
def subtract(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The difference, element by element."""
    result: np.ndarray = np.subtract(a, b)
    return result


@remote
def sum(a: np.ndarray, axis: int | None = None) -> Any:
    """The sum of all elements, or of those along one axis."""
    return np.sum(a, axis=axis)


@remote
def sum_list(*arrays: np.ndarray) -> np.ndarray:
    """The sum of all the arrays."""
    return functools.reduce(operator.add, arrays)


@remote
def shape(a: np.ndarray) -> tuple[int, ...]:
    """The lengths of the axes."""
    return np.shape(a)
