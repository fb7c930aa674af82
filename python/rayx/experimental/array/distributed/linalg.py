"""Decompositions of matrices of blocks: QR and SVD.

Sources: tall and skinny QR (TSQR), J. Demmel, L. Grigori, M. Hoemmen, J. Langou, "Communication-
optimal parallel and sequential QR and LU factorizations", SIAM J. Sci. Comput. 34(1), 2012.
Householder vectors from it (TSQR-HR): G. Ballard, J. Demmel, L. Grigori, M. Jacquelin,
H. D. Nguyen, E. Solomonik, "Reconstructing Householder vectors from tall-skinny QR", IPDPS 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rayx.calls.remote_function import remote
from rayx.experimental.array.distributed import core
from rayx.experimental.array.distributed.dist_array import DistArray, Index
from rayx.experimental.array.remote import core as blocks
from rayx.experimental.array.remote import linalg as block_linalg
from rayx.results import objects

# ---- tall and skinny -----------------------------------------------------------------------------


@remote(num_return_vals=2)
def tsqr(a: DistArray) -> tuple[DistArray, np.ndarray]:
    """QR decomposition of a matrix with one column of blocks, at least as high as it is wide.

    Returns q, a DistArray of the same shape with orthonormal columns, and r, an upper triangle as
    an ordinary array: a = q r. Each block is decomposed by itself, then the r of two neighbours
    together, and so on: the depth is the logarithm of the number of blocks.
    """
    q_ids, r_id = _tsqr(_one_column("tsqr", a))
    q = DistArray(a.shape, a.block_size, _column_of(q_ids))
    return q, objects.get(r_id)


def _one_column(name: str, a: DistArray) -> list[Any]:
    if a.ndim != 2 or a.num_blocks[1] != 1 or a.shape[0] < a.shape[1]:
        raise ValueError(
            f"{name} takes a matrix with one column of blocks, at least as high as wide, but was "
            f"given {a!r}"
        )
    return list(a.block_ids[:, 0])


def _column_of(ids: list[Any]) -> np.ndarray:
    column = np.empty((len(ids), 1), dtype=object)
    column[:, 0] = ids
    return column


def _tsqr(block_ids: list[Any]) -> tuple[list[Any], Any]:
    """Ids of the blocks of q, and of r."""
    leaves, tops = [], []
    for block_id in block_ids:
        q_id, r_id = block_linalg.qr.remote(block_id)
        leaves.append(q_id)
        tops.append(r_id)
    # Up: pairs of r are decomposed together. A last one without a neighbour goes up as it is.
    levels: list[list[Any]] = []
    while len(tops) > 1:
        level: list[Any] = []
        above: list[Any] = []
        for first in range(0, len(tops) - 1, 2):
            q_id, r_id = _qr_of_two.remote(tops[first], tops[first + 1])
            level.append((q_id, tops[first]))
            above.append(r_id)
        if len(tops) % 2:
            level.append(None)
            above.append(tops[-1])
        levels.append(level)
        tops = above
    if not levels:
        return leaves, tops[0]
    # Down: what each block's own q has to be multiplied by. None is the identity at the top.
    factors: list[Any] = [None]
    for level in reversed(levels):
        below = []
        for node, factor in zip(level, factors, strict=True):
            if node is None:
                below.append(factor)
            else:
                q_id, upper_id = node
                below += _two_factors.remote(q_id, upper_id, factor)
        factors = below
    q_ids = [
        leaf if factor is None else blocks.dot.remote(leaf, factor)
        for leaf, factor in zip(leaves, factors, strict=True)
    ]
    return q_ids, tops[0]


@remote(num_return_vals=2)
def _qr_of_two(upper: np.ndarray, lower: np.ndarray) -> Any:
    return tuple(np.linalg.qr(np.vstack([upper, lower])))


@remote(num_return_vals=2)
def _two_factors(q: np.ndarray, upper: np.ndarray, factor: np.ndarray | None) -> Any:
    product = q if factor is None else q @ factor
    return product[: len(upper)], product[len(upper) :]


@remote(num_return_vals=3)
def modified_lu(q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a square matrix q, usually the top of one with orthonormal columns: l, u and s.

    q - diag(s) = l u, l with ones on the diagonal; s has an entry of 1 or -1 for each column. No
    pivoting is needed, since each s is chosen for the largest pivot.
    """
    return _modified_lu(q)


def _modified_lu(q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    work = np.array(q, dtype=np.result_type(q, np.float64))
    size = len(work)
    if work.shape != (size, size):
        raise ValueError(f"modified_lu takes a square matrix, not one of shape {work.shape}")
    signs = np.empty(size)
    for i in range(size):
        signs[i] = -1.0 if work[i, i] >= 0 else 1.0
        work[i, i] -= signs[i]
        work[i + 1 :, i] /= work[i, i]
        work[i + 1 :, i + 1 :] -= np.outer(work[i + 1 :, i], work[i, i + 1 :])
    return np.tril(work, -1) + np.eye(size), np.triu(work), signs


@remote(num_return_vals=4)
def tsqr_hr(a: DistArray) -> tuple[DistArray, np.ndarray, np.ndarray, np.ndarray]:
    """QR decomposition of a tall matrix as Householder vectors: y, t, y's first rows, and r.

    y is a DistArray of the shape of a, its top a lower triangle with ones on the diagonal. With
    H = I - y t y^T, which is orthogonal, a is the first columns of H, times r.
    """
    y_ids, t_id, top_id, r_id = _tsqr_hr(_one_column("tsqr_hr", a), a.block_shape((0, 0)))
    y = DistArray(a.shape, a.block_size, _column_of(y_ids))
    t, top, r = objects.get([t_id, top_id, r_id])
    return y, t, top, r


def _tsqr_hr(block_ids: list[Any], first: tuple[int, ...]) -> tuple[list[Any], Any, Any, Any]:
    """The same by ids; `first` is the shape of the first block, which must be as high as wide."""
    if first[0] < first[1]:
        raise ValueError(f"tsqr_hr: the first block must not be wider than high, but is {first}")
    q_ids, r_id = _tsqr(block_ids)
    top_id, u_id, t_id, y_id, r_id = _householder_top.remote(q_ids[0], r_id)
    y_ids = [y_id] + [_divided_by_triangle.remote(q_id, u_id) for q_id in q_ids[1:]]
    return y_ids, t_id, top_id, r_id


@remote(num_return_vals=5)
def _householder_top(q: np.ndarray, r: np.ndarray) -> Any:
    """Of the first block of q: the top of y, u, t, the block of y, and r with the right signs."""
    width = q.shape[1]
    lower, upper, signs = _modified_lu(q[:width])
    # t = -u s l^-T
    t = np.linalg.solve(lower, -(upper * signs).T).T
    rest = np.linalg.solve(upper.T, q[width:].T).T
    return lower, upper, t, np.vstack([lower, rest]), signs[:, None] * r


@remote
def _divided_by_triangle(q: np.ndarray, upper: np.ndarray) -> np.ndarray:
    return np.linalg.solve(upper.T, q.T).T


# ---- any matrix ----------------------------------------------------------------------------------


@remote(num_return_vals=2)
def qr(a: DistArray) -> tuple[DistArray, DistArray]:
    """QR decomposition of any matrix: q with orthonormal columns, r an upper trapezoid; a = q r.

    For a of m rows and n columns and k, the smaller of both, q has k columns and r has k rows.
    Column by column of blocks: its Householder vectors by `tsqr_hr`, then all columns right of it.
    """
    return _qr(a)


def _qr(a: DistArray) -> tuple[DistArray, DistArray]:
    if a.ndim != 2 or not all(a.shape):
        raise ValueError(f"qr takes a matrix with rows and columns, not {a!r}")
    size = a.block_size
    (rows, columns), rank = a.shape, min(a.shape)
    work = a.block_ids.copy()
    panels: list[tuple[list[Any], Any]] = []
    r = core.zeros.function((rank, columns), block_size=size)
    for panel in range(-(-rank // size)):
        # A wide matrix's last panel has more columns than rows: only the square part makes vectors.
        height = min(size, rows - panel * size)
        width = a.block_shape((panel, panel))[1]
        used = min(width, height)
        panel_ids = list(work[panel:, panel])
        if used < width:
            panel_ids = [_first_columns.remote(block_id, used) for block_id in panel_ids]
        y_ids, t_id, _, r_id = _tsqr_hr(panel_ids, (height, used))
        panels.append((y_ids, t_id))
        if used < width:
            updated = _reflected(y_ids, t_id, list(work[panel:, panel]), transposed=True)
            r.block_ids[panel, panel] = blocks.triu.remote(updated[0])
        else:
            r.block_ids[panel, panel] = r_id
        for column in range(panel + 1, a.num_blocks[1]):
            work[panel:, column] = _reflected(
                y_ids, t_id, list(work[panel:, column]), transposed=True
            )
            r.block_ids[panel, column] = _first_rows.remote(
                work[panel, column], r.block_shape((panel, column))[0]
            )
    return _q_of(panels, (rows, rank), size), r


def _q_of(panels: list[tuple[list[Any], Any]], shape: tuple[int, int], size: int) -> DistArray:
    """The product of all the reflections, its first columns."""
    q = core.identity(*shape, "float", size)
    for panel in reversed(range(len(panels))):
        y_ids, t_id = panels[panel]
        for column in range(panel, q.num_blocks[1]):
            q.block_ids[panel:, column] = _reflected(
                y_ids, t_id, list(q.block_ids[panel:, column]), transposed=False
            )
    return q


def _reflected(y_ids: list[Any], t_id: Any, column: list[Any], transposed: bool) -> list[Any]:
    """I - y t y^T, or its transpose, times a column of blocks."""
    products = [_product_transposed.remote(*pair) for pair in zip(y_ids, column, strict=True)]
    weights = _weights.remote(t_id, transposed, *products)
    return [
        _minus_product.remote(block_id, y_id, weights)
        for block_id, y_id in zip(column, y_ids, strict=True)
    ]


@remote
def _product_transposed(y: np.ndarray, block: np.ndarray) -> np.ndarray:
    product: np.ndarray = y.T @ block
    return product


@remote
def _weights(t: np.ndarray, transposed: bool, *products: np.ndarray) -> np.ndarray:
    total = np.sum(products, axis=0)
    weights: np.ndarray = (t.T if transposed else t) @ total
    return weights


@remote
def _minus_product(block: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    difference: np.ndarray = block - y @ weights
    return difference


@remote
def _first_columns(block: np.ndarray, count: int) -> np.ndarray:
    return np.ascontiguousarray(block[:, :count])


@remote
def _first_rows(block: np.ndarray, count: int) -> np.ndarray:
    return block[:count]


@remote(num_return_vals=3)
def svd(a: DistArray) -> tuple[DistArray, np.ndarray, np.ndarray]:
    """Singular values of a matrix with one column of blocks, at least as high as it is wide.

    Returns u, a DistArray with orthonormal columns, s, the singular values from the largest on, and
    the transpose of v: a = u diag(s) v^T. By `tsqr`, and the decomposition of r in one place.
    """
    q_ids, r_id = _tsqr(_one_column("svd", a))
    inner_id, values_id, v_id = block_linalg.svd.remote(r_id)

    def make(made: DistArray, index: Index) -> Any:
        return blocks.dot.remote(q_ids[index[0]], inner_id)

    u = DistArray.made(a.shape, a.block_size, make)
    values, v_transposed = objects.get([values_id, v_id])
    return u, values, v_transposed
