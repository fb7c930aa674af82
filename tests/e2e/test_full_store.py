"""F36: what does not fit into the object store."""

import concurrent.futures
import gc
import re
import time

import numpy as np
import pytest

import rayx
from rayx import questions

MIB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def session():
    """A store of 16 MiB."""
    with rayx.init(num_cpus=2, object_store_memory=16 * MIB):
        yield


@rayx.remote
def length(value):
    return len(value)


@rayx.remote
def produce(size):
    return bytes(size)


def dump():
    return questions.dump(rayx.session.current().client, 10_000)


@pytest.fixture(autouse=True)
def works_again():
    """After each test all that was stored is gone, and there is room for a large object."""
    yield
    gc.collect()  # what a caught exception keeps, in its frames
    deadline = time.monotonic() + 10
    while not re.search(r"object store: 0 objects,.* used 0 bytes", dump()):
        assert time.monotonic() < deadline, dump()
    assert len(rayx.get(rayx.put(bytes(12 * MIB)))) == 12 * MIB


def test_f36_an_object_larger_than_the_store():
    with pytest.raises(rayx.ObjectStoreFullError, match=r"17\.0 MiB.*16\.0 MiB") as caught:
        rayx.put(bytes(17 * MIB))
    assert isinstance(caught.value, MemoryError)


def test_f36_an_argument_larger_than_the_store():
    with pytest.raises(rayx.ObjectStoreFullError, match=r"17\.0 MiB"):
        length.remote(bytes(17 * MIB))


def test_f36_a_result_larger_than_the_store(capfd):
    with pytest.raises(rayx.ObjectStoreFullError, match=r"17\.0 MiB"):
        rayx.get(produce.remote(17 * MIB), timeout=30)
    assert rayx.get(length.remote(b"abc")) == 3


def test_f36_an_exception_larger_than_the_store():
    @rayx.remote(num_return_vals=2)
    def fail():
        raise KeyError("mine", bytes(17 * MIB))

    for object_id in fail.remote():
        with pytest.raises(rayx.TaskError, match="KeyError: .'mine'") as caught:
            rayx.get(object_id)
        assert caught.value.type_name == "KeyError"
        assert caught.value.cause is None


def test_f36_one_of_several_results():
    @rayx.remote(num_return_vals=3)
    def produce_three():
        return 1, bytes(17 * MIB), 3

    first, second, third = produce_three.remote()
    assert rayx.get([first, third]) == [1, 3]
    with pytest.raises(rayx.ObjectStoreFullError):
        rayx.get(second)


def test_f36_full_of_ids():
    ids = []
    with pytest.raises(rayx.ObjectStoreFullError) as caught:
        for _ in range(20):
            ids.append(rayx.put(bytes(2 * MIB)))
    assert 6 <= len(ids) <= 8
    assert ids[0].hex() in str(caught.value) or "2.0 MiB" in str(caught.value)
    assert rayx.get(length.remote(b"small ones have room elsewhere")) == 30
    ids.pop()
    assert len(rayx.get(rayx.put(bytes(2 * MIB)))) == 2 * MIB


def test_f36_full_of_views():
    """Nobody has an id, but arrays are looked at."""
    arrays = [rayx.get(rayx.put(np.zeros(2 * MIB, dtype=np.uint8))) for _ in range(6)]
    with pytest.raises(rayx.ObjectStoreFullError, match="2.0 MiB"):
        rayx.put(bytes(5 * MIB))
    del arrays[:3]
    assert len(rayx.get(rayx.put(bytes(5 * MIB)))) == 5 * MIB
    assert not any(array.any() for array in arrays)


def test_f36_it_says_at_once_and_who():
    kept = rayx.put(bytes(10 * MIB))
    began = time.monotonic()
    with pytest.raises(rayx.ObjectStoreFullError) as caught:
        rayx.put(bytes(10 * MIB))
    assert time.monotonic() - began < 5
    text = str(caught.value)
    assert kept.hex() in text, text
    assert "10.0 MiB" in text
    assert "driver" in text or "client" in text


def test_f36_put_in_a_task_that_catches_it():
    @rayx.remote
    def careful():
        try:
            rayx.put(bytes(17 * MIB))
        except rayx.ObjectStoreFullError as error:
            return str(error)

    assert "17.0 MiB" in rayx.get(careful.remote())


def test_f36_put_in_a_task_that_does_not():
    @rayx.remote
    def careless():
        return rayx.put(bytes(17 * MIB))

    with pytest.raises(rayx.ObjectStoreFullError, match="17.0 MiB") as caught:
        rayx.get(careless.remote())
    assert isinstance(caught.value, rayx.TaskError)


def test_f36_an_argument_by_value_goes_with_its_task():
    for _ in range(10):
        assert rayx.get(length.remote(bytes(8 * MIB))) == 8 * MIB


def test_f36_what_is_held_ready_for_one_is_there_for_all():
    """The driver stores values of one size and rests; then a worker needs nearly all there is."""
    for _ in range(5):
        rayx.put(bytes(500 * 1024))
    assert re.search(r"reserved 100\d\.\d KiB", dump()), dump()
    assert len(rayx.get(produce.remote(16 * MIB - 4096))) == 16 * MIB - 4096
    ids = []
    with pytest.raises(rayx.ObjectStoreFullError):
        while True:
            ids.append(rayx.put(bytes(500 * 1024)))
    assert len(ids) == 32


def test_f36_large_values_of_many_threads_and_processes():
    """Reservations that are made, taken back, taken and filled by all at the same time."""

    @rayx.remote
    def store(seed, count):
        rng = np.random.default_rng(seed)
        for size in rng.choice([70_000, 70_000, 70_000, 300_000, 2_000_000], count):
            value = np.full(size, seed % 251, dtype=np.uint8)
            try:
                copy = rayx.get(rayx.put(value))
            except rayx.ObjectStoreFullError:
                continue
            assert copy.size == size
            assert (copy == seed % 251).all()
        return seed

    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(store.function, seed, 100) for seed in range(4)]
        assert rayx.get([store.remote(10 + i, 100) for i in range(6)]) == list(range(10, 16))
        assert [future.result(timeout=60) for future in futures] == [0, 1, 2, 3]


def test_f36_results_that_nobody_wants_go_at_once():
    for _ in range(20):
        produce.remote(4 * MIB)
        assert len(rayx.get(produce.remote(4 * MIB))) == 4 * MIB
