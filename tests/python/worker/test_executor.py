import sys
import threading

import numpy as np
import pytest

import rayx
from rayx import session
from rayx.process import driver_config


def run(function, *args, **options):
    return rayx.remote(**options)(function).remote(*args)


def text_of(node, index=-1):
    return node.finished[index][1]


def test_a_task_that_works_prints_nothing(node):
    assert rayx.get(run(lambda x: x + 1, 1)) == 2
    assert text_of(node) is None


def test_a_failure_tells_function_arguments_and_place(node):
    def divide(a, b):
        return a / b

    with pytest.raises(ZeroDivisionError) as caught:
        rayx.get(run(divide, 1, 0))
    text = str(caught.value)
    assert "task divide(1, 0) failed (pid=" in text
    assert "return a / b" in text
    assert "rayx/worker/executor.py" not in text
    assert text_of(node) == text
    assert caught.value.task_id == node.finished[0][0].task_id.hex()


def test_a_failed_argument_is_the_result_and_told_once(node):
    def fail():
        raise KeyError("first")

    def never(x, y):
        raise AssertionError("it ran")

    first = run(fail)
    second = run(never, 1, first, num_return_vals=2)
    for object_id in (first, *second):
        with pytest.raises(KeyError, match="first") as caught:
            rayx.get(object_id)
        assert caught.value.function == "fail"
    assert [text is None for _, text in node.finished] == [False, True]


def test_exits_are_failures_not_ends(node):
    with pytest.raises(rayx.TaskError, match=r"the task called sys\.exit\(3\)"):
        rayx.get(run(lambda: sys.exit(3)))
    assert rayx.get(run(lambda: 1)) == 1


def test_recursion_and_memory(node):
    def forever():
        return forever()

    with pytest.raises(RecursionError):
        rayx.get(run(forever))

    def huge():
        raise MemoryError

    with pytest.raises(MemoryError):
        rayx.get(run(huge))


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ((1,), ValueError, "num_return_vals=2, but it returned 1 values"),
        ([1, 2, 3], ValueError, "it returned 3 values"),
        (5, TypeError, "must return a tuple or list of 2 values.*type int"),
        (None, TypeError, "type NoneType"),
    ],
)
def test_the_number_of_results_is_checked(node, value, error, text):
    for object_id in run(lambda: value, num_return_vals=2):
        with pytest.raises(error, match=text):
            rayx.get(object_id)


def test_results_may_be_a_list(node):
    assert rayx.get(run(lambda: [1, 2], num_return_vals=2)) == [1, 2]


def test_a_result_that_cannot_be_pickled(node):
    def bad():
        return {"lock": threading.Lock()}

    with pytest.raises(rayx.SerializationError, match=r"the result of bad\['lock'\]: cannot"):
        rayx.get(run(bad))

    def half_bad():
        return 1, threading.Lock()

    good, _ = run(half_bad, num_return_vals=2)
    with pytest.raises(rayx.SerializationError, match="result 1 of half_bad"):
        rayx.get(good)


def test_a_result_there_is_no_room_for(node):
    node.store_bytes_max = 10_000
    small, large = run(lambda: (1, np.zeros(10_000)), num_return_vals=2)
    assert rayx.get(small) == 1
    with pytest.raises(rayx.ObjectStoreFullError, match="asked for 80"):
        rayx.get(large)
    assert "asked for 80" in text_of(node)


def fails_to_load():
    raise RuntimeError("not here")


class FailsToLoad:
    def __reduce__(self):
        return fails_to_load, ()


def test_an_argument_that_cannot_be_loaded(node):
    with pytest.raises(rayx.SerializationError, match="RuntimeError: not here"):
        rayx.get(run(lambda x: x, FailsToLoad()))
    with pytest.raises(rayx.SerializationError, match="RuntimeError: not here"):
        rayx.get(run(lambda x: x, rayx.put(FailsToLoad())))


def test_a_function_nobody_knows(node):
    object_id = run(lambda: 1)
    node.functions.clear()
    with pytest.raises(rayx.RayxError, match="not known to the node"):
        rayx.get(object_id)


def test_the_session_knows_what_runs(node):
    def nested_init():
        rayx.init()

    with pytest.raises(rayx.AlreadyInitializedError, match="by the task nested_init"):
        rayx.get(run(nested_init))
    assert rayx.get(run(lambda: rayx.shutdown())) is None
    assert rayx.get(run(lambda: rayx.is_initialized())) is True


def test_nested_tasks(node):
    @rayx.remote
    def sub(i, j):
        return i + j

    @rayx.remote
    def outer(i):
        return sum(rayx.get([sub.remote(i, j) for j in range(10)]))

    assert rayx.get([outer.remote(i) for i in range(5)]) == [45, 55, 65, 75, 85]


def test_the_driver_config_is_applied_first(node, monkeypatch):
    applied = []
    monkeypatch.setattr(driver_config, "apply", applied.append)
    object_id = run(lambda: 1)
    node.submitted[0][1].driver_config = b"config"
    assert rayx.get(object_id) == 1
    assert applied == [b"config"]


class InterruptedInLoading:
    """Of rayx.cancel, or of the option `timeout`."""

    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        return _raise, (self.error,)


def _raise(error):
    raise error


@pytest.mark.parametrize("kind", [rayx.TaskCancelledError, rayx.TaskTimeoutError])
def test_an_interruption_while_an_argument_is_loaded(node, kind):
    with pytest.raises(kind, match="enough"):
        rayx.get(run(lambda x: x, InterruptedInLoading(kind("enough"))))
    with pytest.raises(rayx.SerializationError, match="KeyError: 'other'"):
        rayx.get(run(lambda x: x, InterruptedInLoading(KeyError("other"))))


def test_a_fork_of_a_task_reports_nothing(node):
    """What it raises is what it ends with."""

    def forks():
        session.current().forked = True
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        rayx.get(run(forks))
    assert caught.value.code == 3
    session.peek().forked = False
