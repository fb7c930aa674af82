"""Arithmetic of arrays of blocks is that of the whole arrays."""

import subprocess
import sys

import numpy as np
import pytest

import rayx
import rayx.experimental.array.distributed as da

pytestmark = pytest.mark.usefixtures("shared_session")

SIZE = 4
A = np.arange(63.0).reshape(9, 7)
B = np.arange(70.0).reshape(7, 10)


def of(array, block_size=SIZE):
    return da.numpy_to_dist.remote(array, block_size)


def whole(object_id):
    return rayx.get(da.assemble.remote(object_id), timeout=30)


def test_making():
    assert np.array_equal(whole(of(A)), A)
    assert np.array_equal(whole(da.zeros.remote([9, 7], block_size=SIZE)), np.zeros((9, 7)))
    ones = whole(da.ones.remote([5, 2, 9], "int16", block_size=SIZE))
    assert np.array_equal(ones, np.ones((5, 2, 9))) and ones.dtype == np.int16
    assert np.array_equal(whole(da.eye.remote(10, block_size=SIZE)), np.eye(10))
    assert np.array_equal(whole(da.eye.remote(5, 9, block_size=SIZE)), np.eye(5, 9))
    assert np.array_equal(whole(da.copy.remote(of(A))), A)


def test_names_of_types_are_looked_at_before_blocks_are_made():
    for make in (da.zeros, da.ones, da.eye):
        with pytest.raises(TypeError, match="data type 'flt' not understood"):
            rayx.get(make.remote(2, dtype_name="flt"), timeout=30)


def test_it_is_there_without_an_import_of_its_own():
    program = "import rayx; print(rayx.experimental.array.distributed.BLOCK_SIZE)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.stdout == "1000\n", found.stderr


def test_products_and_sums():
    assert np.allclose(whole(da.dot.remote(of(A), of(B))), A @ B)
    assert np.array_equal(whole(da.add.remote(of(A), of(A))), A + A)
    assert np.array_equal(whole(da.subtract.remote(of(A), of(A))), A - A)
    assert np.array_equal(whole(da.transpose.remote(of(A))), A.T)
    assert np.array_equal(whole(da.triu.remote(of(A))), np.triu(A))
    assert np.array_equal(whole(da.tril.remote(of(A))), np.tril(A))


def test_blockwise_dot_is_a_sum_of_products():
    found = rayx.get(da.blockwise_dot.remote(A, A + 1, A.T, A.T), timeout=30)
    assert np.allclose(found, A @ A.T + (A + 1) @ A.T)
    with pytest.raises(ValueError, match="as many blocks of the first factor as of the second"):
        rayx.get(da.blockwise_dot.remote(A, A, A), timeout=30)


def test_subblocks():
    a = of(A)
    assert np.array_equal(whole(da.subblocks.remote(a, [0, 2], [1])), A[[0, 1, 2, 3, 8]][:, 4:])
    assert np.array_equal(whole(da.subblocks.remote(a, [], [0])), A[:, :4])
    for ranges, words in (
        (([0], [2]), "axis 1 of .* has no block 2"),
        (([2, 0], []), "can only be the last one"),
        (([0],), "has 2 axes, but 1 ranges were given"),
    ):
        with pytest.raises(ValueError, match=words):
            rayx.get(da.subblocks.remote(a, *ranges), timeout=30)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: da.dot.remote(of(A), of(A)), "has 7 columns, but .* has 9 rows"),
        (lambda: da.dot.remote(of(A), of(B, 5)), "blocks of different sizes"),
        (lambda: da.add.remote(of(A), of(B)), "different shapes"),
        (lambda: da.transpose.remote(of(np.zeros(3))), "takes matrices"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        rayx.get(call(), timeout=30)
