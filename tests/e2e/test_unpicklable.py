"""F55: what cannot be pickled, or unpickled, or takes its time for it."""

import os
import re
import threading
import time

import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


@rayx.remote
def identity(value):
    return value


@rayx.remote
def one():
    return 1


@pytest.fixture(autouse=True)
def works_again():
    """Whatever a test does, workers go on."""
    yield
    assert rayx.get([one.remote() for _ in range(4)], timeout=20) == [1] * 4


def failure(task, *args):
    with pytest.raises(rayx.TaskError) as caught:
        rayx.get(task.remote(*args), timeout=30)
    return caught.value


class Unpicklable:
    def __init__(self):
        self.inner = {"deep": [1, threading.Lock()]}


class FailsToLoad:
    def __reduce__(self):
        return int, ("not a number",)


class KillsOnLoad:
    def __reduce__(self):
        return os._exit, (3,)


def test_f55_an_argument():
    with pytest.raises(rayx.SerializationError) as caught:
        identity.remote(Unpicklable())
    assert "argument 0 of identity.inner['deep'][1]" in str(caught.value)
    assert "lock" in str(caught.value)
    assert isinstance(caught.value, TypeError)
    with pytest.raises(rayx.SerializationError, match=r"argument 'value' of identity\[0\]"):
        identity.remote(value=[threading.Lock()])


def test_f55_a_put():
    with pytest.raises(rayx.SerializationError, match=r"value\['a'\]\[0\]: .*lock"):
        rayx.put({"a": [threading.Lock()]})


def test_f55_a_result():
    @rayx.remote
    def f():
        return {"a": [threading.Lock()]}

    found = failure(f)
    assert isinstance(found, rayx.SerializationError)
    assert "the result of f['a'][0]" in str(found)


def test_f55_a_closure():
    lock = threading.Lock()

    @rayx.remote
    def f():
        return lock

    with pytest.raises(rayx.SerializationError, match=r"f → captured variable 'lock': .*lock"):
        f.remote()


def test_f55_a_global(interactive):
    with pytest.raises(rayx.SerializationError, match="global 'the_lock'"):
        interactive("""
import threading
the_lock = threading.Lock()

@rayx.remote
def f():
    with the_lock:
        return 1

f.remote()
""")


def test_f55_does_not_load():
    found = failure(identity, FailsToLoad())
    assert isinstance(found, rayx.SerializationError)
    assert "not a number" in str(found)
    with pytest.raises(rayx.SerializationError, match="not a number"):
        rayx.get(rayx.put(FailsToLoad()))


def test_f55_kills_who_loads_it():
    task = identity.options(max_retries=1)
    with pytest.raises(rayx.WorkerCrashedError, match="identity") as caught:
        rayx.get(task.remote(KillsOnLoad()), timeout=30)
    assert re.search(r"exit(ed)? .*3", str(caught.value)), str(caught.value)


def test_f55_a_large_closure():
    data = bytes(100 << 20)

    @rayx.remote
    def f():
        return len(data)

    with pytest.raises(rayx.SerializationError, match=r"100\.0 MiB.*'data'.*rayx\.put") as e:
        f.remote()
    assert len(str(e.value)) < 1000


def test_f55_a_large_closure_in_a_task():
    @rayx.remote
    def make():
        data = bytes(40 << 20)
        return rayx.remote(lambda: data)

    found = failure(make)
    assert isinstance(found, rayx.SerializationError)
    assert "rayx.put" in str(found)


def test_f55_a_reduce_that_blocks(tmp_path):
    """The task that stores its result hangs in user code; `get` does not hang with it."""
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)

    class Blocks:
        def __reduce__(self):
            with open(fifo) as file:
                return str, (file.read(),)

    @rayx.remote
    def f():
        return Blocks()

    result = f.remote()
    began = time.monotonic()
    with pytest.raises(rayx.GetTimeoutError):
        rayx.get(result, timeout=0.2)
    assert time.monotonic() - began < 10
    with open(fifo, "w") as file:
        file.write("done")
    assert rayx.get(result, timeout=30) == "done"


def test_f55_too_deep():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(rayx.SerializationError, match="nested too deeply"):
        rayx.put(deep)
    while deep:
        deep = deep.pop()
