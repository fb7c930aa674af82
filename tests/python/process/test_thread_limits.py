import subprocess
import sys

import pytest

from rayx.process import thread_limits


def test_imports_start_with_one_thread_unless_the_user_has_said_so():
    variables = {"OMP_NUM_THREADS": "7", "OTHER": "x"}
    with thread_limits.one_thread(variables):
        assert variables["OMP_NUM_THREADS"] == "7"
        assert variables["OPENBLAS_NUM_THREADS"] == "1"
    assert variables == {"OMP_NUM_THREADS": "7", "OTHER": "x"}


@pytest.fixture
def found(monkeypatch):
    """The calls that are made of setters that stand for libraries."""
    calls = []
    setters = [
        ("OMP_NUM_THREADS", lambda n: calls.append(("omp", n))),
        ("OMP_NUM_THREADS", lambda n: 1 / 0),
        ("MKL_NUM_THREADS", lambda n: calls.append(("mkl", n))),
    ]
    monkeypatch.setattr(thread_limits, "_found", [])
    monkeypatch.setattr(thread_limits, "_modules_then", 0)
    monkeypatch.setattr(thread_limits, "_shared_libraries", lambda: iter(setters))
    monkeypatch.setattr(thread_limits, "_modules", lambda: iter(()))
    return calls


def test_libraries_are_told_whatever_one_of_them_does(found):
    thread_limits.apply(3, {"OMP_NUM_THREADS", "MKL_NUM_THREADS"})
    assert found == [("omp", 3), ("mkl", 3)]


def test_what_the_user_has_set_is_left_alone(found):
    thread_limits.apply(3, {"MKL_NUM_THREADS"})
    assert found == [("mkl", 3)]


def test_is_looked_for_again_only_when_modules_have_come(found, monkeypatch):
    thread_limits.prepare()
    monkeypatch.setattr(thread_limits, "_shared_libraries", lambda: 1 / 0)
    thread_limits.apply(2, {"MKL_NUM_THREADS"})
    monkeypatch.setitem(sys.modules, "of_thread_limits_test", None)
    with pytest.raises(ZeroDivisionError):
        thread_limits.apply(2, {"MKL_NUM_THREADS"})


LIBRARIES = """
import sys
sys.path[:] = {path!r}
from rayx.process import thread_limits
import numpy, scipy.linalg, sklearn.utils, pyarrow
from threadpoolctl import threadpool_info

def numbers():
    return {{one["num_threads"] for one in threadpool_info()}} | {{pyarrow.cpu_count()}}

assert len(threadpool_info()) >= 3
for threads in (3, 1, 2):
    thread_limits.apply(threads, set(thread_limits.VARIABLES))
    assert numbers() == {{threads}}, (threads, threadpool_info(), pyarrow.cpu_count())
"""


def test_the_libraries_of_this_machine():
    code = LIBRARIES.format(path=sys.path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
