import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import rayx
from rayx._raylet import detached_object_id
from rayx.calls.function_reference import FunctionReference, object_binary
from rayx.values.function_table import FunctionTable


class Node:
    """What of a client the table calls."""

    def __init__(self):
        self.sent = {}
        self.contained = {}
        self.count = 0

    def object_id(self, binary):
        return detached_object_id(binary)

    def export_function(self, function_id, name, pickled, contained):
        self.count += 1
        self.sent[function_id] = pickled
        self.contained[function_id] = contained

    def fetch_function(self, function_id):
        if function_id not in self.sent:
            from fake_node import failure

            raise failure("NotFound")
        self.count += 1
        return self.sent[function_id]


F = b"f" * 16


def reference(function, function_id=F):
    return FunctionReference(function_id, "f", function)


def test_sent_once_and_fetched_once():
    node = Node()
    driver, worker = FunctionTable(node), FunctionTable(node, keeps_loaded=True)
    function = reference(lambda x: x + 1)
    for _ in range(3):
        driver.export(function)
    assert node.count == 1
    assert function.client is node
    assert function.object_id.binary() == object_binary(F)
    assert worker.fetch(F)(1) == 2
    assert worker.fetch(F) is worker.fetch(F)
    assert node.count == 2


def test_a_driver_keeps_nothing():
    node = Node()
    driver = FunctionTable(node)
    driver.export(reference(lambda: 1))
    assert driver.fetch(F) is not driver.fetch(F)


def test_unknown_functions():
    with pytest.raises(rayx.RayxError, match=r"not known to the node.*another session.*keep one"):
        FunctionTable(Node()).fetch(F)


def test_what_cannot_be_pickled_is_not_taken_for_sent():
    node = Node()
    table = FunctionTable(node)
    captured = [threading.Lock()]
    function = reference(lambda: captured)
    with pytest.raises(rayx.SerializationError, match="captured variable 'captured'"):
        table.export(function)
    assert not node.sent
    captured[0] = 5
    table.export(function)
    assert pickle.loads(node.sent[F])() == [5]


def test_too_large_functions_name_what_they_carry():
    large, small = np.zeros(5 << 20), 1
    with pytest.raises(rayx.SerializationError, match=r"40\.0 MiB .*'large' \(40\.0 MiB\).*put"):
        FunctionTable(Node()).export(reference(lambda: (large, small)))


def test_a_function_that_cannot_be_loaded():
    node = Node()
    node.sent[F] = b"nonsense"
    with pytest.raises(rayx.SerializationError, match="could not be unpickled"):
        FunctionTable(node).fetch(F)


def test_forgets_functions_beyond_a_number(monkeypatch):
    monkeypatch.setattr("rayx.values.function_table._LOADED_MAX", 2)
    node = Node()
    table = FunctionTable(node, keeps_loaded=True)
    for name in (b"a", b"b", b"c"):
        node.sent[name] = pickle.dumps(len)
        table.fetch(name)
    node.count = 0
    table.fetch(b"c")
    assert node.count == 0
    table.fetch(b"a")
    assert node.count == 1


def test_the_node_learns_what_a_function_contains(node):
    table = rayx.session.current().functions
    object_id = node.put(1, b"N.", [], [])
    inner = rayx.remote(lambda: 1)
    table.export(reference(lambda: (object_id, inner)))
    assert set(node.contained[F]) == {object_id, inner._reference.object_id}


def test_a_function_may_contain_itself(node):
    @rayx.remote
    def down(n):
        return n if n == 0 else rayx.get(down.remote(n - 1))

    assert rayx.get(down.remote(2)) == 0
    own = down._reference
    assert node.contained[own.function_id] == [own.object_id]


def test_at_the_end_of_the_session_references_are_given_up():
    table = FunctionTable(Node())
    function = reference(lambda: 1)
    table.export(function)
    table.close()
    assert function.client is None and function.object_id is None


def test_what_nobody_needs_is_let_go(monkeypatch):
    node = Node()
    collected = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    table = FunctionTable(node, keeps_loaded=True)
    FunctionTable(node).export(reference(lambda: 1))
    gone = weakref.ref(table.fetch(F))
    table.forget([F, b"unknown"])
    assert gone() is None
    assert not collected
    table.forget([])
    assert collected, "the worker is idle"
    table.forget([])
    assert len(collected) == 1


def test_much_that_is_forgotten_is_collected_at_once(monkeypatch):
    node = Node()
    collected = []
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1))
    monkeypatch.setattr("rayx.values.function_table._FORGOTTEN_BYTES_MAX", 1000)
    large = bytes(2000)
    table = FunctionTable(node, keeps_loaded=True)
    FunctionTable(node).export(reference(lambda: large))
    table.fetch(F)
    table.forget([F])
    assert collected
