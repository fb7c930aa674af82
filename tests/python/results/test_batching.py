import itertools

import pytest

import rayx
from rayx import session
from rayx.calls import batch
from rayx.results import batching


@rayx.remote
def double(x):
    if x == 99:
        raise KeyError("99")
    return 2 * x


@rayx.remote
def join(x, y="b"):
    return f"{x}{y}"


def batches(calls, function=double, chunksize=None, largest=1000):
    calls = list(calls) if isinstance(calls, list) else calls
    arity = 1
    return batching.Batches(session.current(), function, iter(calls), arity, chunksize, largest)


def taken(source, one):
    values, rest, failure = source.take(one)
    return list(values), rest, failure


def test_sizes_follow_from_what_was_measured(node):
    source = batches(zip(itertools.count(), strict=False))
    first = source.submit_next(10**6)
    assert first.size == 1
    assert taken(source, first) == ([0], [], None)
    source._note(seconds=1e-6, count=1, nbytes=30)
    assert source.submit_next(10**6).size == 64
    source._note(seconds=0.1, count=64, nbytes=64 * 10)  # 1.6 ms each
    one = source.submit_next(10**6)
    assert one.size == 1 and one.is_single
    source._note(seconds=1e-3, count=64, nbytes=64 << 10)  # a KiB each
    assert source.submit_next(10**6).size == 128
    source._note(seconds=1e-3, count=1000, nbytes=8000)
    assert source.submit_next(10**6).size == 1000
    assert source.submit_next(7).size == 7


def test_a_number_that_was_told_stays(node):
    source = batches([(i,) for i in range(25)], chunksize=10)
    submitted = [source.submit_next(10**6) for _ in range(3)]
    assert [one.size for one in submitted] == [10, 10, 5]
    assert source.submit_next(10**6) is None
    values = [value for one in submitted for value in taken(source, one)[0]]
    assert values == [2 * i for i in range(25)]
    source.finish()


def test_the_rest_of_a_batch_that_stopped(node, monkeypatch):
    monkeypatch.setattr(batching, "_LIMITS", batch.Limits(0, 1 << 20))
    source = batches([(i,) for i in range(10)])
    source._size = 6
    first = source.submit_next(10**6)
    assert first.size == 6
    values, rest, failure = taken(source, first)
    assert values == [0] and failure is None
    assert sum(one.size for one in rest) == 5
    while rest:
        more, others, _ = taken(source, rest.pop(0))
        values += more
        rest = others + rest
    assert values == [0, 2, 4, 6, 8, 10]


def test_what_is_large_is_not_read_ahead(node):
    source = batches([("a" * 1000,) for _ in range(1000)], function=join)
    source._size = 1000
    assert 256 <= source.submit_next(10**6).size <= 800
    source = batches([(["a" * 1000],) for _ in range(1000)], function=join)
    source._size = 1000
    assert source.submit_next(10**6).size <= 300


def test_ids_go_alone(node):
    given = [(1,), (2,), (rayx.put(3),), (4,)]
    source = batches(given, chunksize=10)
    submitted = [source.submit_next(100) for _ in range(3)]
    assert [(one.size, one.is_single) for one in submitted] == [(2, False), (1, True), (1, False)]
    assert [value for one in submitted for value in taken(source, one)[0]] == [2, 4, 6, 8]


def test_what_the_iterables_raise_comes_last(node):
    def numbers(end):
        yield from ((i,) for i in range(end))
        raise OSError("no more")

    for end in (0, 1, 5):
        source = batches(numbers(end), chunksize=4)
        values = []
        while (one := source.submit_next(100)) is not None:
            values += taken(source, one)[0]
        assert values == [2 * i for i in range(end)]
        with pytest.raises(OSError, match="no more"):
            source.finish()


def test_what_cannot_be_pickled_comes_in_its_turn(node):
    source = batches([(1,), ([],), ((i for i in ()),), (4,)], function=join, chunksize=10)
    one = source.submit_next(100)
    assert taken(source, one) == (["1b", "[]b"], [], None)
    assert source.submit_next(100) is None
    with pytest.raises(rayx.SerializationError, match="argument 0 of join"):
        source.finish()


def test_wrong_arguments_are_said_where_they_are_given(node):
    source = batching.Batches(session.current(), join, iter([(1, 2, 3)]), 3, None, 10)
    assert source.submit_next(100) is None
    with pytest.raises(TypeError, match=r"join\(\) takes from 1 to 2 positional arguments"):
        source.finish()


def test_a_failure(node):
    source = batches([(1,), (2,), (99,), (3,)], chunksize=10)
    values, rest, failure = taken(source, source.submit_next(100))
    assert values == [2, 4] and rest == []
    assert type(failure.cause) is KeyError and isinstance(failure, rayx.TaskError)
    assert failure.function == "double" and failure.arguments == "99"


def test_which_calls_are_joined(node, monkeypatch):
    owner = session.current()
    for function, expected in [
        (double, (True, True)),
        (double.options(timeout=5), (False, True)),
        (double.options(max_retries=0), (False, True)),
        (double.options(num_return_vals=2), (False, False)),
        (print, (False, False)),
    ]:
        pays, may = batching.batches_pay(owner, function), batching.may_batch(owner, function)
        assert (pays, may) == expected
    monkeypatch.setattr(owner, "has_seed", True)
    assert not batching.batches_pay(owner, double)
    monkeypatch.setattr(owner, "mode", session.PYTHON_MODE)
    assert not batching.may_batch(owner, double)
