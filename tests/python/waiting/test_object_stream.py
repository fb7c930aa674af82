"""The consumer of a stream, against a node that lives in this process."""

import gc
import pickle

import pytest
from fake_node import FakeBuffer, failure

from rayx import _raylet, errors, session
from rayx._raylet import detached_object_id
from rayx.values import serialization
from rayx.waiting.object_stream import STEP, WINDOW, ObjectStream

TASK = b"t" * 16


def named(index):
    return detached_object_id(TASK + index.to_bytes(4, "little"))


class Node:
    def __init__(self):
        self.objects = {}
        self.credits = []
        self.cancelled = []
        self.lost = False

    def has(self, index, value, kind=None):
        stored = serialization.serialize(value)
        self.objects[named(index).binary()] = FakeBuffer(
            stored.kind if kind is None else kind, stored.stream, stored.buffers
        )

    def items(self, count):
        for i in range(count):
            self.has(i + 1, i)

    def wait(self, ids, count, timeout_ms):
        if self.lost:
            raise failure("Disconnected", "gone")
        ready = [one.binary() in self.objects for one in ids]
        assert any(ready) or timeout_ms == 0, "it would wait for ever"
        return ready

    def get(self, ids, timeout_ms):
        return [self.objects[one.binary()] for one in ids]

    def grant_credit(self, end, first, count, credit):
        self.credits.append((first, count, credit))
        return [named(first + i + 1) for i in range(count)] + [named((1 << 30) | credit)]

    def cancel(self, object_id, force):
        if self.lost:
            raise failure("Disconnected", "gone")
        self.cancelled.append((object_id, force))


@pytest.fixture
def node():
    client = Node()
    before = session.set_current(session.Session(client, session.SCRIPT_MODE))
    yield client
    session.set_current(before)


@pytest.fixture
def stream(node):
    made = ObjectStream([named(i) for i in range(WINDOW + 1)], "f")
    yield made
    made.close()


def test_items_then_the_end(node, stream):
    node.items(3)
    assert [next(stream) for _ in range(2)] == [named(1), named(2)]
    node.has(0, 3)
    assert list(stream) == [named(3)]
    assert list(stream) == []
    assert (node.credits, node.cancelled) == ([], [])


def test_credit_is_granted_in_steps(node, stream):
    node.items(100)
    for taken in range(1, 3 * STEP + 1):
        next(stream)
        assert len(node.credits) == taken // STEP
    assert node.credits == [(WINDOW + k * STEP, STEP, k + 1) for k in range(3)]
    assert next(stream) == named(3 * STEP + 1)


def test_an_error_comes_after_the_items(node, stream):
    node.items(2)
    system_error = bytes([_raylet.ERROR_ACTOR_DIED]) + b"it died"
    node.objects[named(0).binary()] = FakeBuffer(
        serialization.KIND_SYSTEM_ERROR, system_error, None
    )
    assert [next(stream), next(stream)] == [named(1), named(2)]
    with pytest.raises(errors.ActorDiedError, match="it died"):
        next(stream)
    assert list(stream) == []
    assert node.cancelled == []


def test_a_finalizer_that_takes_an_item_while_one_is_taken(node, stream, monkeypatch):
    """As a generator would say, in place of a wait for itself."""
    texts = []

    def collect_garbage(ids, timeout_ms):
        with pytest.raises(ValueError, match="is being iterated already") as caught:
            next(stream)
        texts.append(str(caught.value))
        return True

    monkeypatch.setattr(stream, "_is_ready", collect_garbage)
    next(stream)
    assert len(texts) == 2


def test_closing_cancels_once(node, stream):
    node.items(1)
    next(stream)
    stream.close()
    stream.close()
    assert node.cancelled == [(named(0), False)]
    assert list(stream) == []
    assert repr(stream) == "<rayx stream of f, 1 items taken, ended>"


def test_forgetting_cancels(node):
    stream = ObjectStream([named(i) for i in range(WINDOW + 1)], "f")
    del stream
    gc.collect()
    assert node.cancelled == [(named(0), False)]


def test_a_connection_that_is_gone(node, stream):
    node.lost = True
    with pytest.raises(errors.RayxError):
        next(stream)
    stream.close()


def test_it_is_not_passed_on(stream):
    with pytest.raises(TypeError, match="Pass their ids instead"):
        pickle.dumps(stream)
    with pytest.raises(errors.SerializationError, match=r"\[0\]: .*Pass their ids instead"):
        serialization.serialize([stream])
