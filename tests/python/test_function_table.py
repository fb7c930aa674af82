import pickle
import threading

import numpy as np
import pytest

import rayx
from rayx.function_table import FunctionTable


class Node:
    """What of a client the table calls."""

    def __init__(self):
        self.sent = {}
        self.count = 0
        self.fails_with = None

    def export_function(self, function_id, name, pickled):
        self.count += 1
        self.sent[function_id] = pickled

    def fetch_function(self, function_id):
        if function_id not in self.sent:
            from fake_node import failure

            raise failure("NotFound")
        self.count += 1
        return self.sent[function_id]


def test_sent_once_and_fetched_once():
    node = Node()
    driver, worker = FunctionTable(node), FunctionTable(node)
    for _ in range(3):
        driver.export(b"f", "f", lambda x: x + 1)
    assert node.count == 1
    assert worker.fetch(b"f")(1) == 2
    assert worker.fetch(b"f") is worker.fetch(b"f")
    assert node.count == 2


def test_unknown_functions():
    with pytest.raises(rayx.RayxError, match="not known to the node"):
        FunctionTable(Node()).fetch(b"f" * 16)


def test_what_cannot_be_pickled_is_not_taken_for_sent():
    node = Node()
    table = FunctionTable(node)
    captured = [threading.Lock()]
    with pytest.raises(rayx.SerializationError, match="captured variable 'captured'"):
        table.export(b"f", "f", lambda: captured)
    assert not node.sent
    captured[0] = 5
    table.export(b"f", "f", lambda: captured)
    assert pickle.loads(node.sent[b"f"])() == [5]


def test_too_large_functions_name_what_they_carry():
    large, small = np.zeros(5 << 20), 1
    with pytest.raises(rayx.SerializationError, match=r"40\.0 MiB .*'large' \(40\.0 MiB\).*put"):
        FunctionTable(Node()).export(b"f", "f", lambda: (large, small))


def test_a_function_that_cannot_be_loaded():
    node = Node()
    node.sent[b"f"] = b"nonsense"
    with pytest.raises(rayx.SerializationError, match="could not be unpickled"):
        FunctionTable(node).fetch(b"f")


def test_forgets_functions_beyond_a_number(monkeypatch):
    monkeypatch.setattr("rayx.function_table._LOADED_MAX", 2)
    node = Node()
    table = FunctionTable(node)
    for name in (b"a", b"b", b"c"):
        node.sent[name] = pickle.dumps(len)
        table.fetch(name)
    node.count = 0
    table.fetch(b"c")
    assert node.count == 0
    table.fetch(b"a")
    assert node.count == 1


def test_ids_that_a_function_captures_are_kept(node):
    table = FunctionTable(node)
    object_id = node.put(1, b"N.", [], [])
    table.export(b"f", "f", lambda: object_id)
    assert table._captured_ids == [object_id]
