"""numpy's functions as tasks: each takes arrays or ids of arrays, and returns the id of an array.

>>> import rayx.experimental.array.remote as ra
>>> total = ra.sum.remote(ra.ones.remote([3, 4]))
>>> float(rayx.get(total))
12.0

`ra.linalg` has those of `numpy.linalg`, and `ra.random` those that draw numbers.
"""

from rayx.experimental.array.remote import linalg, random
from rayx.experimental.array.remote.core import (
    add,
    copy,
    diag,
    dot,
    eye,
    hstack,
    ones,
    shape,
    subarray,
    subtract,
    sum,
    sum_list,
    transpose,
    tril,
    triu,
    vstack,
    zeros,
    zeros_like,
)

__all__ = [
    "add",
    "copy",
    "diag",
    "dot",
    "eye",
    "hstack",
    "linalg",
    "ones",
    "random",
    "shape",
    "subarray",
    "subtract",
    "sum",
    "sum_list",
    "transpose",
    "tril",
    "triu",
    "vstack",
    "zeros",
    "zeros_like",
]
