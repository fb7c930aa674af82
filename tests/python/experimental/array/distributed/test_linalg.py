"""Decompositions: their factors are what they should be, and their product is the matrix."""

import numpy as np
import pytest

import rayx
import rayx.experimental.array.distributed as da

pytestmark = pytest.mark.usefixtures("shared_session")

SIZE = 10
TALL = [(10, 10), (95, 8), (31, 10), (20, 1), (11, 10), (160, 3)]


def matrix(rows, columns, block_size=SIZE):
    array = np.random.default_rng([rows, columns]).normal(size=(rows, columns))
    return array, da.numpy_to_dist.remote(array, block_size)


def is_orthonormal(q):
    return np.allclose(q.T @ q, np.eye(q.shape[1]))


@pytest.mark.parametrize("shape", TALL)
def test_tsqr(shape):
    array, a = matrix(*shape)
    q, r = rayx.get(da.linalg.tsqr.remote(a), timeout=30)
    assert is_orthonormal(q.assemble())
    assert np.array_equal(r, np.triu(r)) and r.shape == (shape[1], shape[1])
    assert np.allclose(q.assemble() @ r, array)


@pytest.mark.parametrize("shape", TALL)
def test_svd(shape):
    array, a = matrix(*shape)
    u, s, v = rayx.get(da.linalg.svd.remote(a), timeout=30)
    assert is_orthonormal(u.assemble())
    assert np.allclose(s, np.linalg.svd(array, compute_uv=False))
    assert np.allclose(u.assemble() * s @ v, array)


@pytest.mark.parametrize("size", [1, 4, 12])
def test_modified_lu(size):
    q = np.linalg.qr(np.random.default_rng(size).normal(size=(size + 3, size)))[0][:size]
    lower, upper, signs = rayx.get(da.linalg.modified_lu.remote(q), timeout=30)
    assert set(np.abs(signs)) == {1.0}
    assert np.allclose(np.tril(lower), lower) and np.allclose(np.diag(lower), 1)
    assert np.allclose(np.triu(upper), upper)
    assert np.allclose(q - np.diag(signs), lower @ upper)


@pytest.mark.parametrize("shape", TALL)
def test_tsqr_hr(shape):
    array, a = matrix(*shape)
    y, t, top, r = rayx.get(da.linalg.tsqr_hr.remote(a), timeout=30)
    vectors = y.assemble()
    reflection = np.eye(shape[0]) - vectors @ t @ vectors.T
    assert is_orthonormal(reflection)
    assert np.allclose(reflection[:, : shape[1]] @ r, array)
    assert np.allclose(vectors[: shape[1]], top) and np.allclose(np.tril(top), top)


@pytest.mark.parametrize(
    "shape", [(1, 1), (30, 30), (35, 35), (50, 23), (23, 50), (5, 7), (7, 5), (45, 31), (20, 35)]
)
def test_qr_of_any_shape(shape):
    array, a = matrix(*shape)
    q, r = (factor.assemble() for factor in rayx.get(da.linalg.qr.remote(a), timeout=30))
    rank = min(shape)
    assert q.shape == (shape[0], rank) and r.shape == (rank, shape[1])
    assert is_orthonormal(q)
    assert np.allclose(np.triu(r), r)
    assert np.allclose(q @ r, array)


def test_what_does_not_fit_is_refused():
    for name in ("tsqr", "tsqr_hr", "svd"):
        for shape in ((30, 15), (5, 8)):
            with pytest.raises(
                ValueError, match=f"{name} takes a matrix with one column of blocks"
            ):
                rayx.get(getattr(da.linalg, name).remote(matrix(*shape)[1]), timeout=30)
    with pytest.raises(ValueError, match="square matrix"):
        rayx.get(da.linalg.modified_lu.remote(np.zeros((2, 3))), timeout=30)
    with pytest.raises(ValueError, match="qr takes a matrix"):
        rayx.get(da.linalg.qr.remote(da.zeros.remote([3], block_size=2)), timeout=30)
