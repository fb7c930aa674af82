"""Ids inside values: they stay ids, and keep their objects alive."""

import os
import pickle

import numpy as np
import pytest
from session_watch import poll_until

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


@rayx.remote
def echo(*args, **kwargs):
    return args, kwargs


@rayx.remote
def block_on(path):
    """A task that runs until somebody writes into a FIFO."""
    with open(path) as fifo:
        return fifo.read()


@pytest.fixture
def gate(tmp_path):
    """`gate.path` for `block_on`, and `gate.open()` to let one through."""

    class Gate:
        path = str(tmp_path / "gate")

        def open(self):
            with open(self.path, "w") as fifo:
                fifo.write("open")

    os.mkfifo(Gate.path)
    return Gate()


def test_they_stay_ids():
    inner = rayx.put("inner")
    (a_list, a_dict), kwargs = rayx.get(echo.remote([inner], {"k": [inner]}, k=(inner,)))
    assert a_list == [inner]
    assert a_dict == {"k": [inner]}
    assert kwargs == {"k": (inner,)}
    assert rayx.get(a_list) == ["inner"]


def test_a_stored_value_keeps_them_alive():
    array = np.arange(10**5)
    outer = rayx.put({"deep": [rayx.put(array)]})
    # The only id of the array is inside.
    np.testing.assert_array_equal(rayx.get(rayx.get(outer)["deep"][0]), array)


def test_a_waiting_task_keeps_them_alive(gate):
    @rayx.remote
    def open_it(gate_result, ids):
        return rayx.get(ids[0])[-1]

    blocked = block_on.remote(gate.path)
    result = open_it.remote(blocked, [rayx.put(np.arange(10**5))])
    gate.open()
    assert rayx.get(result) == 10**5 - 1


def test_an_argument_is_kept_alive_until_the_task_has_run(gate):
    @rayx.remote
    def last(gate_result, array):
        return array[-1]

    result = last.remote(block_on.remote(gate.path), rayx.put(np.arange(10**5)))
    gate.open()
    assert rayx.get(result) == 10**5 - 1


def test_nested_in_results_of_nested_tasks():
    @rayx.remote
    def make(depth):
        if depth == 0:
            return np.arange(10**5)
        return [rayx.put(str(depth)), {"next": make.remote(depth - 1)}]

    found = make.remote(5)
    for depth in range(5, 0, -1):
        value = rayx.get(found)
        assert rayx.get(value[0]) == str(depth)
        found = value[1]["next"]
    assert rayx.get(found)[-1] == 10**5 - 1


def test_in_closures():
    object_id = rayx.put(np.arange(10**5))
    wanted = int(rayx.get(object_id).sum())

    @rayx.remote
    def total():
        return int(rayx.get(object_id).sum())  # noqa: F821

    assert rayx.get(total.remote()) == wanted
    del object_id
    assert rayx.get(total.remote()) == wanted


def test_in_exceptions():
    @rayx.remote
    def fail():
        raise LookupError(rayx.put(np.arange(10**5)))

    with pytest.raises(LookupError) as caught:
        rayx.get(fail.remote())
    assert rayx.get(caught.value.args[0])[-1] == 10**5 - 1


def test_an_id_that_took_another_way_is_known_to_the_node(tmp_path):
    """Through a file, a queue or a database: nothing that rayx sends follows the put."""

    @rayx.remote
    def read(path):
        poll_until(lambda: os.path.exists(path), 10, "the id")
        value = rayx.get(pickle.loads(path.read_bytes()), timeout=10)
        (path.parent / "value").write_text(value)

    reader = read.remote(tmp_path / "id")
    (tmp_path / "new").write_bytes(pickle.dumps(rayx.put("found")))
    (tmp_path / "new").rename(tmp_path / "id")
    # No message of ours goes out meanwhile, nor do we wait for one.
    poll_until((tmp_path / "value").exists, 20, "the value")
    rayx.get(reader)
    assert (tmp_path / "value").read_text() == "found"
