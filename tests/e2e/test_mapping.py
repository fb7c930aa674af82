"""`rayx.map` with real workers."""

import time

import pytest

import rayx


@rayx.remote
def work(x, seconds=0.0):
    time.sleep(seconds)  # task work
    return x


def test_more_than_fits_into_the_store():
    """200 MiB of results in all, of which a few are there at any time."""

    @rayx.remote
    def large(i):
        return bytes(1 << 20)

    with rayx.init(num_cpus=2, object_store_memory=32 << 20):
        assert sum(map(len, rayx.map(large, range(200), max_in_flight=8))) == 200 << 20
        unordered = rayx.map(large, range(100), max_in_flight=8, ordered=False)
        assert sum(map(len, unordered)) == 100 << 20


def test_order(shared_session):
    times = [0.3, 0.01, 0.1, 0.01]
    rayx.get([work.remote(0) for _ in range(4)])
    assert list(rayx.map(work, range(4), times)) == [0, 1, 2, 3]
    first, *others = rayx.map(work, range(4), times, ordered=False)
    assert first == 1
    assert sorted([first, *others]) == [0, 1, 2, 3]


def test_endless_arguments(shared_session):
    import itertools

    values = rayx.map(work, itertools.count(), max_in_flight=10)
    assert list(itertools.islice(values, 30)) == list(range(30))
    values.close()


def test_an_error_in_the_middle(shared_session):
    @rayx.remote
    def fail_at(x):
        if x == 3:
            raise KeyError(x)
        return x

    got = []
    with pytest.raises(KeyError):
        for value in rayx.map(fail_at, range(10)):
            got.append(value)
    assert got == [0, 1, 2]
