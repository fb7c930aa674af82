"""numpy's functions as tasks."""

import numpy as np
import pytest

import rayx
import rayx.experimental.array.remote as ra

pytestmark = pytest.mark.usefixtures("shared_session")


def value(object_id):
    return rayx.get(object_id, timeout=30)


def test_arrays_are_made():
    assert np.array_equal(value(ra.zeros.remote([2, 3])), np.zeros((2, 3)))
    ones = value(ra.ones.remote([2], "int32"))
    assert ones.dtype == np.int32 and ones.tolist() == [1, 1]
    assert np.array_equal(value(ra.eye.remote(3)), np.eye(3))
    assert np.array_equal(value(ra.eye.remote(2, 4, 1)), np.eye(2, 4, 1))
    assert np.array_equal(value(ra.zeros_like.remote(np.ones(3, np.int8))), np.zeros(3, np.int8))


def test_ids_are_arguments():
    a, b = ra.ones.remote([2, 3]), ra.eye.remote(3)
    assert np.array_equal(value(ra.dot.remote(a, b)), np.ones((2, 3)))
    assert np.array_equal(value(ra.add.remote(a, a)), np.full((2, 3), 2.0))
    assert np.array_equal(value(ra.subtract.remote(a, a)), np.zeros((2, 3)))
    assert np.array_equal(value(ra.sum_list.remote(a, a, a)), np.full((2, 3), 3.0))
    assert value(ra.shape.remote(a)) == (2, 3)


def test_shapes_are_changed():
    a = np.arange(12).reshape(3, 4)
    assert np.array_equal(value(ra.vstack.remote(a, a)), np.vstack([a, a]))
    assert np.array_equal(value(ra.hstack.remote(a, a)), np.hstack([a, a]))
    assert np.array_equal(value(ra.subarray.remote(a, [1, 0], [3, 2])), a[1:3, 0:2])
    assert np.array_equal(value(ra.transpose.remote(a)), a.T)
    assert value(ra.transpose.remote(np.zeros((2, 3, 4)), [1, 0, 2])).shape == (3, 2, 4)
    assert np.array_equal(value(ra.copy.remote(a)), a)


def test_triangles_diagonals_and_sums():
    a = np.arange(9.0).reshape(3, 3)
    assert np.array_equal(value(ra.tril.remote(a)), np.tril(a))
    assert np.array_equal(value(ra.triu.remote(a, 1)), np.triu(a, 1))
    assert np.array_equal(value(ra.diag.remote(a)), np.diag(a))
    assert value(ra.sum.remote(a)) == 36
    assert np.array_equal(value(ra.sum.remote(a, axis=0)), a.sum(axis=0))
