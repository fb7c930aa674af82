import pickle

import numpy as np
import pytest

import rayx
from rayx.calls import batch
from rayx.calls.batch import Calls, Limits, Packed, run_batch
from rayx.errors import CallFailedError
from rayx.running import task_failure
from rayx.values import serialization


@rayx.remote
def half(x):
    if x == 99:
        raise KeyError("99")
    return x / 2


@rayx.remote
def grow(items):
    items.append(len(items))
    return items


def through_bytes(value):
    """As a worker gets it."""
    stored = serialization.serialize(value)
    return pickle.loads(stored.stream, buffers=[memoryview(bytes(one)) for one in stored.buffers])


def test_calls_of_scalars_lie_one_behind_the_other():
    calls = Calls(2, [1, "a", 2, "b", 3, "c"])
    assert calls.size == 3
    assert list(calls.each()) == [(1, "a"), (2, "b"), (3, "c")]
    assert list(calls.part(1).each()) == [(2, "b"), (3, "c")]
    assert list(calls.part(0, 1).each()) == [(1, "a")]


def test_calls_of_all_kinds(node):
    calls = Calls(0, [batch.pack_call(one, "f") for one in ((1,), ([2],), (3,))])
    assert calls.size == 3
    assert [type(one) for one in calls.items] == [tuple, Packed, tuple]
    assert calls.part(1, 2).items == calls.items[1:2]


def test_values_in_order(node):
    seconds, values = run_batch(half, Calls(1, [1, 2, 3]), None)
    assert values == [0.5, 1.0, 1.5]
    assert 0 < seconds < 60
    assert list(batch.unpacked(values)) == [0.5, 1.0, 1.5]


def test_each_call_has_its_own_arguments_and_result(node):
    shared = []
    calls = Calls(0, [batch.pack_call((shared,), "grow") for _ in range(3)])
    _, values = run_batch(grow, through_bytes(calls), None)
    first, second, third = batch.unpacked(through_bytes(values))
    assert first == second == third == [0]
    assert first is not second
    assert shared == []


def test_arrays_lie_beside(node):
    @rayx.remote
    def zeros(n):
        return np.zeros(n)

    _, values = run_batch(zeros, Calls(1, [10, 100_000]), None)
    stored = serialization.serialize(values)
    assert len(stored.stream) < 2000
    small, large = batch.unpacked(through_bytes(values))
    assert small.shape == (10,) and large.shape == (100_000,)


def test_ids_inside_are_known(node):
    inside = rayx.put(5)
    packed = batch.pack_call(([inside],), "f")
    stored = serialization.serialize(Calls(0, [packed]))
    assert stored.contained == [inside]


def test_a_limit_stops_it(node):
    _, values = run_batch(half, Calls(1, [1, 2, 3]), Limits(0, 1 << 20))
    assert values == [0.5]

    @rayx.remote
    def text(n):
        return "a" * n

    _, values = run_batch(text, Calls(1, [2000, 2000, 2000]), Limits(60, 3000))
    assert list(batch.unpacked(values)) == ["a" * 2000] * 2
    _, values = run_batch(text, Calls(1, [5000, 5000]), Limits(60, 3000))
    assert list(batch.unpacked(values)) == ["a" * 5000]


def test_a_failure_has_the_values_before_it(node):
    with pytest.raises(CallFailedError) as caught:
        run_batch(half, Calls(1, [1, 2, 99, 3]), None)
    assert type(caught.value.error) is KeyError
    assert caught.value.arguments == (99,)
    assert caught.value.values == [0.5, 1.0]
    facts = dict.fromkeys(("function", "arguments", "task_id", "node_id"), "") | {"pid": 1}
    failure, _ = task_failure.describe(caught.value.error, facts)
    assert batch.values_before(stored(failure)) == []
    failure = batch.with_values(failure, caught.value.values)
    assert batch.values_before(stored(failure)) == [0.5, 1.0]
    with pytest.raises(KeyError):
        serialization.deserialize(stored(failure))


def stored(failure):
    return Packed(failure.kind, failure.stream, failure.buffers)
