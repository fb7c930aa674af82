import datetime
from collections import deque

import numpy as np
import pytest

import rayx


@rayx.remote
def double(x):
    return 2 * x


@rayx.remote
def fail():
    raise KeyError("missing")


def test_put_and_get(node):
    x = [1, {"a": np.arange(3)}]
    again = rayx.get(rayx.put(x))
    assert again[0] == 1
    np.testing.assert_array_equal(again[1]["a"], np.arange(3))


def test_get_of_lists(node):
    ids = [rayx.put(i) for i in range(10)]
    assert rayx.get(ids) == list(range(10))
    assert rayx.get(tuple(ids[:2])) == [0, 1]
    assert rayx.get([ids[3], ids[3]]) == [3, 3]
    assert rayx.get([]) == []


def test_get_raises_what_the_task_raised(node):
    with pytest.raises(KeyError) as caught:
        rayx.get([double.remote(1), fail.remote()])
    assert isinstance(caught.value, rayx.TaskError)
    assert caught.value.args == ("missing",)


def test_get_in_time(node):
    with pytest.raises(rayx.GetTimeoutError, match=r"1 of 3 objects were ready after 0 seconds"):
        rayx.get([rayx.put(1), double.remote(1), double.remote(2)], timeout=0)
    assert rayx.get(double.remote(1), timeout=5.5) == 2
    assert rayx.get(double.remote(1), timeout=float("inf")) == 2


def test_put_of_an_id(node):
    with pytest.raises(TypeError, match="stored already"):
        rayx.put(rayx.put(1))
    object_id = rayx.put(1)
    assert rayx.get(rayx.put([object_id])) == [object_id]


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        (5, "an ObjectID or a list of ObjectIDs, not int"),
        ("ab", "not str"),
        (double, r"RemoteFunction: call it with \.remote"),
        ([1], r"item at index 0 is of type int: rayx\.put"),
        ({1}, r"item at index 0 is of type int: rayx\.put"),
        ({}, r"a list of ObjectIDs, not dict: give its keys, list\(\.\.\.\), or its values"),
        (b"ab", "not bytes"),
    ],
)
def test_get_refuses(node, argument, text):
    with pytest.raises(TypeError, match=text):
        rayx.get(argument)


def test_any_iterable_of_ids_will_do(node):
    ids = [rayx.put("a"), rayx.put("b")]
    for given in (iter(ids), (one for one in ids), dict.fromkeys(ids).keys(), deque(ids)):
        assert rayx.get(given) == ["a", "b"]
    assert sorted(rayx.get(set(ids))) == ["a", "b"]
    assert rayx.get({1: ids[0], 2: ids[1]}.values()) == ["a", "b"]
    assert rayx.wait(iter(ids), num_returns=2) == (ids, [])
    # As with concurrent.futures.
    assert rayx.wait({ids[0]: "first", ids[1]: "second"}) == ([ids[0]], [ids[1]])


@pytest.mark.parametrize("timeout", ["1", True, [1]])
def test_timeouts_must_be_numbers(node, timeout):
    with pytest.raises(TypeError, match="timeout must be a number"):
        rayx.get(rayx.put(1), timeout=timeout)


@pytest.mark.parametrize("timeout", [-1, -0.1, float("nan")])
def test_timeouts_must_not_be_negative(node, timeout):
    with pytest.raises(
        ValueError, match=r"timeout must not be negative, but is .* milliseconds; None"
    ):
        rayx.wait([rayx.put(1)], timeout=timeout)


def test_wait_keeps_the_order(node):
    ids = [rayx.put(i) for i in range(5)]
    pending = double.remote(1)
    ready, remaining = rayx.wait([pending, *ids], num_returns=3, timeout=0)
    assert ready == ids[:3]
    assert remaining == [pending, *ids[3:]]


def test_wait_waits_for_as_many_as_asked(node):
    ids = [double.remote(i) for i in range(4)]
    ready, remaining = rayx.wait(ids)
    assert (ready, remaining) == (ids[:1], ids[1:])
    ready, remaining = rayx.wait(ids, num_returns=4)
    assert (ready, remaining) == (ids, [])


def test_wait_counts_failed_tasks_as_ready(node):
    object_id = fail.remote()
    assert rayx.wait([object_id]) == ([object_id], [])


def test_wait_returns_when_time_is_up(node):
    pending = double.remote(1)
    assert rayx.wait([pending], timeout=0) == ([], [pending])


def test_wait_takes_seconds_and_timedeltas(node, monkeypatch):
    asked = []

    def look(ids, count, timeout_ms):
        asked.append(timeout_ms)
        return [True]

    monkeypatch.setattr(node, "wait", look)
    ids = [rayx.put(1)]
    rayx.wait(ids, timeout=5)
    rayx.wait(ids, timeout_s=5)
    rayx.wait(ids, timeout_s=float("inf"))
    rayx.wait(ids, timeout=datetime.timedelta(seconds=5))
    rayx.wait(ids, timeout_s=datetime.timedelta(seconds=5))
    assert asked == [5, 5000, -1, 5000, 5000]
    with pytest.raises(TypeError, match=r"timeout \(milliseconds\) or timeout_s .*, not both"):
        rayx.wait(ids, timeout=1, timeout_s=1)
    with pytest.raises(ValueError, match="timeout_s must not be negative, but is -1 seconds"):
        rayx.wait(ids, timeout_s=-1)


def test_get_takes_a_timedelta(node):
    assert rayx.get(rayx.put(1), timeout=datetime.timedelta(seconds=1)) == 1


def test_who_may_have_meant_seconds_is_told_once(node, monkeypatch, capsys):
    monkeypatch.setattr(node, "wait", lambda ids, count, timeout_ms: [False] * len(ids))
    ids = [rayx.put(1)]
    for timeout in (0, 100, None, datetime.timedelta(milliseconds=5)):
        rayx.wait(ids, timeout=timeout)
    rayx.wait(ids, timeout_s=0.005)
    assert capsys.readouterr().err == ""
    for _ in range(2):
        rayx.wait(ids, timeout=5)
    told = capsys.readouterr().err
    assert told.startswith("rayx: rayx.wait(..., timeout=5) waited 5 milliseconds, and nothing was")
    assert "write timeout_s=5;" in told
    assert told.count("\n") == 1


def test_who_found_something_ready_is_not_told_of_milliseconds(node, capsys):
    rayx.wait([rayx.put(1)], timeout=5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("num_returns", [0, 3, -1])
def test_wait_refuses_numbers(node, num_returns):
    with pytest.raises(ValueError, match="between 1 and the number of ids, 2"):
        rayx.wait([rayx.put(1), rayx.put(2)], num_returns=num_returns)


@pytest.mark.parametrize("num_returns", [1.0, True, "1", None])
def test_wait_refuses_what_is_no_number(node, num_returns):
    with pytest.raises(TypeError, match="num_returns must be a whole number"):
        rayx.wait([rayx.put(1)], num_returns=num_returns)


def test_wait_refuses_lists(node):
    object_id = rayx.put(1)
    with pytest.raises(TypeError, match="takes a list of ObjectIDs, not ObjectID"):
        rayx.wait(object_id)
    with pytest.raises(ValueError, match="is in the list twice"):
        rayx.wait([object_id, object_id])
    with pytest.raises(ValueError, match="empty list"):
        rayx.wait([])


def test_a_failed_call_is_told_as_ours(node, monkeypatch):
    from fake_node import failure

    def put(*arguments):
        raise failure("StoreFull", "no room")

    monkeypatch.setattr(node, "put", put)
    with pytest.raises(rayx.ObjectStoreFullError, match="no room"):
        rayx.put(1)


@pytest.mark.parametrize("call", [lambda: rayx.put(1), lambda: rayx.get([]), lambda: rayx.wait([])])
def test_all_need_a_session(call):
    with pytest.raises(rayx.NotInitializedError):
        call()
