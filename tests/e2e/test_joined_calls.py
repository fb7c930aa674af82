"""Short calls that `rayx.map` joins to tasks, with real workers."""

import os
import time

import numpy as np
import pytest

import rayx
from rayx.results import batching


@pytest.fixture
def sizes(monkeypatch):
    """Of the tasks that were submitted."""
    noted = []
    submit = batching.Batches._submit

    def note(self, calls):
        noted.append(calls.size)
        return submit(self, calls)

    monkeypatch.setattr(batching.Batches, "_submit", note)
    return noted


@rayx.remote
def square(x):
    if x == 777:
        raise KeyError(x)
    return x * x


# In sessions of their own.


def test_a_crash_is_that_of_its_call(sizes):
    @rayx.remote(max_retries=1)
    def maybe(x):
        if x == 300:
            os._exit(3)
        return x

    got = []
    with rayx.init(num_cpus=2, driver_mode=rayx.SILENT_MODE):
        with pytest.raises(rayx.WorkerCrashedError):
            for value in rayx.map(maybe, range(400)):
                got.append(value)
    assert got == list(range(300))
    assert max(sizes) > 1


def test_a_worker_that_dies_once(tmp_path, sizes):
    @rayx.remote
    def maybe(x):
        if x == 300 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os._exit(3)
        return x

    with rayx.init(num_cpus=2, driver_mode=rayx.SILENT_MODE):
        assert list(rayx.map(maybe, range(400))) == list(range(400))
    assert max(sizes) > 1


def test_with_a_seed_ids_do_not_follow_from_time(sizes):
    with rayx.init(num_cpus=2, object_id_seed=3):
        assert list(rayx.map(square, range(50))) == [x * x for x in range(50)]
    assert sizes == []


# In one that is shared.


@pytest.mark.parametrize("ordered", [True, False])
def test_short_calls_are_joined(shared_session, sizes, ordered):
    values = list(rayx.map(square, (i for i in range(778, 5778)), ordered=ordered))
    assert (values if ordered else sorted(values)) == [x * x for x in range(778, 5778)]
    assert len(sizes) < 1000
    assert max(sizes) <= 1024


@rayx.remote
def work(x, seconds):
    time.sleep(seconds)  # task work
    return x


def test_long_calls_are_not_joined(shared_session, sizes):
    assert list(rayx.map(work, range(20), [0.01] * 20)) == list(range(20))
    assert set(sizes) == {1}
    assert len(sizes) < 20  # the others are not even measured


def test_a_number_of_calls_in_a_task(shared_session, sizes):
    assert list(rayx.map(square, range(25), chunksize=10)) == [x * x for x in range(25)]
    assert sizes == [10, 10, 5]
    assert list(rayx.map(square, range(25), chunksize=1)) == [x * x for x in range(25)]
    assert sizes == [10, 10, 5]


def test_calls_that_turn_out_long_are_divided_again(shared_session, sizes):
    """The first ones are short, so that many are in a batch when the long ones come."""
    seconds = [0] * 500 + [0.02] * 100
    started = time.monotonic()
    pids = list(rayx.map(pid_after, seconds))
    assert len(pids) == 600 and max(sizes) > 16
    # Two at a time, or as good as: 2 seconds one after the other.
    assert len(set(pids[500:])) >= 2
    assert time.monotonic() - started < 60


@rayx.remote
def pid_after(seconds):
    time.sleep(seconds)  # task work
    return os.getpid()


@pytest.mark.parametrize("ordered", [True, False])
def test_a_failure_is_that_of_its_call(shared_session, ordered, capfd):
    before = len(rayx.error_info())
    got = []
    with pytest.raises(KeyError) as caught:
        for value in rayx.map(square, range(2000), ordered=ordered):
            got.append(value)
    if ordered:
        assert got == [x * x for x in range(777)]
    assert isinstance(caught.value, rayx.TaskError)
    assert (caught.value.function, caught.value.arguments) == ("square", "777")
    assert caught.value.cause.args == (777,)
    assert "batch" not in str(caught.value)
    (info,) = rayx.error_info()[before:]
    assert info.function == "square" and "KeyError: 777" in info.message


def test_a_result_that_cannot_be_stored_is_that_of_its_call(shared_session):
    @rayx.remote
    def maybe(x):
        return (i for i in ()) if x == 500 else x

    got = []
    with pytest.raises(rayx.SerializationError, match="the result of maybe"):
        for value in rayx.map(maybe, range(1000)):
            got.append(value)
    assert got == list(range(500))


def test_what_runs_at_most_once_is_not_joined(shared_session, sizes):
    assert list(rayx.map(square.options(max_retries=0), range(20))) == [x * x for x in range(20)]
    assert list(rayx.map(square.options(timeout=60), range(20))) == [x * x for x in range(20)]
    assert sizes == []


def test_each_call_has_its_own_objects(shared_session):
    @rayx.remote
    def grow(items):
        items.append(len(items))
        return items

    shared = [5]
    values = list(rayx.map(grow, [shared] * 300))
    assert values == [[5, 1]] * 300
    assert len({id(value) for value in values}) == 300
    assert shared == [5]


def test_arrays_and_ids_in_results(shared_session):
    @rayx.remote
    def both(x):
        return np.full(300, x), rayx.put(x)

    for number, (array, object_id) in enumerate(rayx.map(both, range(200))):
        assert array.tolist() == [number] * 300
        assert not array.flags.writeable
        assert rayx.get(object_id) == number


def test_ids_among_the_arguments(shared_session):
    ids = [square.remote(x) for x in range(20)]
    given = [ids[x // 2] if x % 2 else x for x in range(40)]
    expected = [(x // 2) ** 4 if x % 2 else x**2 for x in range(40)]
    assert list(rayx.map(square, given)) == expected
    failed = square.remote(777)
    got = []
    with pytest.raises(KeyError):
        for value in rayx.map(square, [1, 2, failed, 3], chunksize=4):
            got.append(value)
    assert got == [1, 4]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("chunksize", [None, 5])
def test_no_more_calls_than_told_are_under_way(shared_session, ordered, chunksize):
    read = 0

    def numbers():
        nonlocal read
        for read in range(1, 401):
            yield read + 1000

    yielded = 0
    for _ in rayx.map(square, numbers(), max_in_flight=40, ordered=ordered, chunksize=chunksize):
        assert read - yielded <= 40
        yielded += 1
    assert yielded == 400


def test_a_slow_source_holds_nothing_up(shared_session):
    """What it has given is worked on while it is waited for."""

    def numbers():
        yield from range(500)
        for number in range(500, 510):
            time.sleep(0.02)  # task work
            yield number

    assert list(rayx.map(square, numbers())) == [x * x for x in range(510)]


def test_what_the_iterable_raises_comes_in_its_turn(shared_session):
    def numbers():
        yield from range(300)
        raise OSError("no more")

    got = []
    with pytest.raises(OSError, match="no more"):
        for value in rayx.map(square, numbers()):
            got.append(value)
    assert got == [x * x for x in range(300)]


def test_methods_of_actors_are_called_one_by_one(shared_session):
    @rayx.remote
    class Adder:
        def __init__(self):
            self.sum = 0

        def add(self, x):
            self.sum += x
            return self.sum

    adder = Adder.remote()
    assert list(rayx.map(adder.add, range(50), chunksize=10))[-1] == sum(range(50))


def test_maps_in_tasks(shared_session):
    @rayx.remote
    def total(n):
        return sum(rayx.map(square, range(n)))

    assert rayx.get(total.remote(500)) == sum(x * x for x in range(500))
