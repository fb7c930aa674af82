"""Arrays that are cut into blocks, so that many workers, or machines, hold and compute one.

>>> import rayx.experimental.array.distributed as da
>>> x = da.random.normal.remote([2500, 300], seed=1)
>>> q, r = da.linalg.tsqr.remote(x)
>>> q, r, x = rayx.get([q, r, x])
>>> bool(np.allclose(q.assemble() @ r, x.assemble()))
True

Each function is a remote one: it takes ids or values, and its result is a `DistArray`, which has
the ids of its blocks. Tasks for the blocks are submitted from there.
"""

from rayx.experimental.array.distributed import linalg, random
from rayx.experimental.array.distributed.core import (
    add,
    assemble,
    blockwise_dot,
    copy,
    dot,
    eye,
    numpy_to_dist,
    ones,
    subblocks,
    subtract,
    transpose,
    tril,
    triu,
    zeros,
)
from rayx.experimental.array.distributed.dist_array import BLOCK_SIZE, DistArray

__all__ = [
    "BLOCK_SIZE",
    "DistArray",
    "add",
    "assemble",
    "blockwise_dot",
    "copy",
    "dot",
    "eye",
    "linalg",
    "numpy_to_dist",
    "ones",
    "random",
    "subblocks",
    "subtract",
    "transpose",
    "tril",
    "triu",
    "zeros",
]
