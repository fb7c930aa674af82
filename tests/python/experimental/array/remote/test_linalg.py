"""numpy.linalg as tasks."""

import inspect

import numpy as np
import pytest

import rayx
import rayx.experimental.array.remote as ra
from rayx.calls.remote_function import RemoteFunction

pytestmark = pytest.mark.usefixtures("shared_session")

A = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
ARGUMENTS = {
    "lstsq": (A, np.ones(3)),
    "matrix_power": (A, 3),
    "multi_dot": ([A, A, A],),
    "solve": (A, np.ones(3)),
    "tensorinv": (np.eye(4).reshape(4, 2, 2), 1),
    "tensorsolve": (np.eye(4).reshape(4, 2, 2), np.ones(4)),
}
NAMES = [name for name, made in vars(ra.linalg).items() if isinstance(made, RemoteFunction)]


def test_there_are_all_of_the_reference():
    assert set(NAMES) == {
        "cholesky", "cond", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq",
        "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve",
        "svd", "tensorinv", "tensorsolve",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_gives_what_numpy_gives(name):
    arguments = ARGUMENTS.get(name, (A,))
    expected = getattr(np.linalg, name)(*arguments)
    found = rayx.get(getattr(ra.linalg, name).remote(*arguments), timeout=30)
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
    else:
        assert np.array_equal(found, expected)


def test_keywords_are_passed_on():
    assert rayx.get(ra.linalg.norm.remote(A, ord=1), timeout=30) == np.linalg.norm(A, ord=1)


def test_an_error_is_numpys_own():
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        rayx.get(ra.linalg.inv.remote(np.zeros((2, 2))), timeout=30)


def test_they_are_described():
    assert "qr" in inspect.getdoc(ra.linalg.qr)
