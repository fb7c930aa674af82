"""put, get and wait, and the memory behind them."""

import ctypes
import gc
import os
import re
import time

import numpy as np
import pyarrow as pa
import pytest

import rayx
from rayx import questions

MIB = 1 << 20
STORE_BYTES = 200 * MIB


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2, object_store_memory=STORE_BYTES):
        yield


@rayx.remote
def identity(value):
    return value


@rayx.remote
def never(path):
    """Runs until somebody writes into the FIFO."""
    with open(path) as fifo:
        return fifo.read()


@pytest.fixture
def pending(tmp_path):
    """An id without a value, until the test ends."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    object_id = never.options(num_cpus=0).remote(str(path))
    yield object_id
    with open(path, "w") as fifo:
        fifo.write("done")
    assert rayx.get(object_id) == "done"


def pool_of(array):
    """The mapping that an array lies in: (its permissions, its name)."""
    address = array.__array_interface__["data"][0]
    with open("/proc/self/maps") as maps:
        for line in maps:
            fields = line.split(maxsplit=5)
            start, end = (int(part, 16) for part in fields[0].split("-"))
            if start <= address < end:
                return fields[1], fields[5].strip() if len(fields) > 5 else ""
    raise AssertionError("in no mapping")


class TestPut:
    def test_an_id(self):
        object_id = rayx.put(1)
        assert type(object_id) is rayx.ObjectID is rayx.ObjectRef
        assert len(object_id.binary()) == 20
        assert repr(object_id) == f"ObjectID({object_id.hex()})"
        same = rayx.get(rayx.put([object_id]))[0]
        assert same == object_id
        assert hash(same) == hash(object_id)
        assert len({object_id, same, rayx.put(1)}) == 2

    def test_an_id_is_not_a_value(self):
        with pytest.raises(TypeError, match="stored already"):
            rayx.put(rayx.put(1))

    def test_ids_are_not_made_by_hand(self):
        with pytest.raises(TypeError):
            rayx.ObjectID(b"x" * 20)

    def test_changes_after_it_are_not_seen(self):
        array = np.zeros(10**5)
        small = [1]
        array_id, small_id = rayx.put(array), rayx.put(small)
        array[:] = 1
        small.append(2)
        assert not rayx.get(array_id).any()
        assert rayx.get(small_id) == [1]


class TestGet:
    def test_a_list(self):
        ids = [rayx.put(i) for i in range(5)]
        assert rayx.get(ids) == [0, 1, 2, 3, 4]
        assert rayx.get(tuple(ids)) == [0, 1, 2, 3, 4]
        assert rayx.get([]) == []
        assert rayx.get([ids[1], ids[1], ids[0]]) == [1, 1, 0]

    @pytest.mark.parametrize(
        "wrong", [1, "id", None, b"x" * 20, {1: 2}, {1}, identity, [1], [[]], [None]]
    )
    def test_what_is_not_an_id(self, wrong):
        with pytest.raises(TypeError, match="ObjectID"):
            rayx.get(wrong)
        with pytest.raises(TypeError, match="ObjectID"):
            rayx.wait(wrong)

    def test_the_error_says_where(self):
        with pytest.raises(TypeError, match="index 1 is of type int"):
            rayx.get([rayx.put(1), 2])

    def test_timeout(self, pending):
        began = time.monotonic()
        with pytest.raises(rayx.GetTimeoutError, match=r"1 of 2 .*0\.1 seconds") as caught:
            rayx.get([rayx.put(1), pending], timeout=0.1)
        assert time.monotonic() - began >= 0.1
        assert isinstance(caught.value, TimeoutError)
        assert pending.hex() in str(caught.value)
        with pytest.raises(rayx.GetTimeoutError):
            rayx.get(pending, timeout=0)

    def test_timeout_is_no_limit_for_what_is_there(self):
        assert rayx.get(rayx.put(1), timeout=0) == 1
        assert rayx.get(identity.remote(1), timeout=float("inf")) == 1

    @pytest.mark.parametrize(
        ("timeout", "kind"),
        [("1", TypeError), (True, TypeError), (-1, ValueError), (float("nan"), ValueError)],
    )
    def test_wrong_timeouts(self, timeout, kind):
        with pytest.raises(kind, match="timeout"):
            rayx.get(rayx.put(1), timeout=timeout)
        with pytest.raises(kind, match="timeout"):
            rayx.wait([rayx.put(1)], timeout=timeout)

    def test_each_get_is_a_copy_of_its_own(self):
        object_id = rayx.put([1])
        rayx.get(object_id).append(2)
        assert rayx.get(object_id) == [1]


class TestWait:
    def test_order_is_kept(self, pending):
        ids = [rayx.put(i) for i in range(4)]
        given = [ids[3], pending, ids[1], ids[0], ids[2]]
        assert rayx.wait(given, num_returns=4) == (
            [ids[3], ids[1], ids[0], ids[2]],
            [pending],
        )
        assert rayx.wait(given, num_returns=2) == (
            [ids[3], ids[1]],
            [pending, ids[0], ids[2]],
        )
        assert rayx.wait(given) == ([ids[3]], given[1:])

    def test_timeout_in_milliseconds(self, pending):
        one = rayx.put(1)
        began = time.monotonic()
        assert rayx.wait([pending, one], num_returns=2, timeout=100) == ([one], [pending])
        assert time.monotonic() - began >= 0.1
        assert rayx.wait([pending, one], num_returns=2, timeout=0) == ([one], [pending])

    def test_what_a_task_was_given_is_there_at_once(self):
        """The worker has not asked for it before, and has no time to wait."""

        @rayx.remote
        def look(ids):
            ready, _ = rayx.wait(ids, num_returns=2, timeout=0)
            return len(ready), rayx.get(ids[1], timeout=0)

        assert rayx.get(look.remote([rayx.put(1), rayx.put(bytes(1 << 20))])) == (2, bytes(1 << 20))

    def test_failed_tasks_are_ready(self):
        @rayx.remote
        def fail():
            raise ValueError("in a wait")

        failed = fail.remote()
        assert rayx.wait([failed]) == ([failed], [])

    @pytest.mark.parametrize("num_returns", [0, -1, 3])
    def test_a_number_that_cannot_be(self, num_returns):
        with pytest.raises(ValueError, match="num_returns"):
            rayx.wait([rayx.put(1), rayx.put(2)], num_returns=num_returns)

    @pytest.mark.parametrize("num_returns", [1.0, "1", None, True])
    def test_what_is_not_a_number(self, num_returns):
        with pytest.raises(TypeError, match="num_returns"):
            rayx.wait([rayx.put(1)], num_returns=num_returns)

    def test_ids_once(self):
        object_id = rayx.put(1)
        with pytest.raises(ValueError, match="twice"):
            rayx.wait([object_id, rayx.put(2), object_id])

    def test_nothing_to_wait_for(self):
        with pytest.raises(ValueError, match="empty"):
            rayx.wait([])

    def test_it_is_about_ids_not_about_one_id(self):
        with pytest.raises(TypeError, match="list"):
            rayx.wait(rayx.put(1))


class TestF29:
    """Ten thousand ids in one call."""

    def test_f29_ten_thousand(self):
        ids = [rayx.put(i) for i in range(10_000)]
        assert rayx.get(ids) == list(range(10_000))
        assert rayx.get(ids + ids[::-1])[10_000:] == list(range(9_999, -1, -1))
        began = time.monotonic()
        ready, remaining = rayx.wait(ids, num_returns=10_000)
        # Half a second is promised; here others may be at work.
        assert time.monotonic() - began < 2
        assert (ready, remaining) == (ids, [])
        with pytest.raises(ValueError, match="num_returns"):
            rayx.wait(ids, num_returns=10_001)
        with pytest.raises(ValueError, match="twice"):
            rayx.wait([*ids, ids[0]])

    def test_f29_of_another_process(self):
        @rayx.remote
        def look(ids):
            assert len(rayx.wait(ids, num_returns=len(ids))[0]) == len(ids)
            return sum(rayx.get(ids))

        assert rayx.get(look.remote([rayx.put(i) for i in range(10_000)])) == 49_995_000


class TestZeroCopy:
    def test_two_gets_share_memory(self):
        object_id = rayx.put(np.arange(MIB))
        first, second = rayx.get(object_id), rayx.get(object_id)
        assert np.shares_memory(first, second)
        assert first.__array_interface__["data"] == second.__array_interface__["data"]

    def test_read_only_and_aligned(self):
        array = rayx.get(rayx.put({"a": [np.arange(MIB), np.arange(7.0)]}))["a"][0]
        permissions, name = pool_of(array)
        assert permissions == "r--s"
        assert "memfd" in name
        assert not array.flags.writeable
        assert array.__array_interface__["data"][0] % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
        with pytest.raises(ValueError):
            array.flags.writeable = True

    def test_workers_see_the_same_memory(self):
        """Neither the argument nor the result is copied to where it is used."""

        @rayx.remote
        def look(array):
            return pool_of(array), array.flags.writeable, array.nbytes

        array = np.arange(MIB)
        (permissions, name), writeable, size = rayx.get(look.remote(rayx.put(array)))
        assert (permissions, writeable, size) == ("r--s", False, array.nbytes)
        assert "memfd" in name
        assert "memfd" in rayx.get(look.remote(array))[0][1]
        assert "memfd" in pool_of(rayx.get(identity.remote(array)))[1]

    def test_getting_costs_no_memory(self):
        object_id = rayx.put(np.ones(64 * MIB // 8))
        private = _anonymous_bytes()
        array = rayx.get(object_id)
        assert array.sum() == 64 * MIB // 8
        assert _anonymous_bytes() - private < 8 * MIB

    def test_bytes(self):
        for data in (b"x" * 10**6, bytearray(b"y" * 10**6), "z" * 10**6):
            copy = rayx.get(rayx.put(data))
            assert copy == data
            assert type(copy) is type(data)
        rayx.get(rayx.put(bytearray(b"y" * 10**6)))[0] = 1

    @pytest.mark.parametrize("array", [np.arange(12).astype("M8[D]"), np.arange(9).astype("m8[s]")])
    def test_dates_and_times(self, array):
        array = np.tile(array, 10**4)
        copy = rayx.get(rayx.put(array))
        np.testing.assert_array_equal(copy, array)
        assert copy.dtype == array.dtype
        assert "memfd" in pool_of(copy)[1]

    def test_arrow(self):
        column = pa.array(np.arange(10**5))
        batch = pa.record_batch({"a": column, "b": pa.array(["x"] * 10**5)})
        table = pa.table({"a": pa.chunked_array([column, column])})
        for value in (column, batch, table, table.slice(5, 10), batch.slice(3, 4)):
            copy = rayx.get(rayx.put(value))
            assert copy.equals(value)
            assert type(copy) is type(value)
        arrays = [
            rayx.get(rayx.put(column)).to_numpy(),
            rayx.get(rayx.put(batch)).column("a").to_numpy(),
            rayx.get(rayx.put(table)).column("a").chunk(0).to_numpy(),
        ]
        for array in arrays:
            assert "memfd" in pool_of(array)[1]
        assert rayx.get(identity.remote(table)).column("a").chunks == [column, column]

    def test_pandas(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"a": np.arange(10**5), "b": ["x"] * 10**5})
        assert rayx.get(identity.remote(frame)).equals(frame)


def _anonymous_bytes():
    # Not those that the kernel calls private: shared pages are, while one process maps them.
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Anonymous:")) * 1024


class TestLifetime:
    def test_f40_an_array_outlives_its_id(self):
        original = np.random.default_rng(1).integers(0, 255, 4 * MIB, dtype=np.uint8)
        object_id = rayx.put(original)
        array = rayx.get(object_id)[10:]
        del object_id
        for _ in range(20):  # whoever could take its memory, would
            rayx.put(np.zeros(4 * MIB, dtype=np.uint8))
        np.testing.assert_array_equal(array, original[10:])

    def test_f40_a_memoryview_and_an_arrow_buffer_too(self):
        view = memoryview(rayx.get(rayx.put(np.arange(MIB))))[5:6]
        column = rayx.get(rayx.put(pa.array(np.arange(MIB)))).slice(7, 1)
        for _ in range(20):
            rayx.put(np.zeros(MIB))
        assert view[0] == 5
        assert column[0].as_py() == 7

    def test_memory_comes_back(self):
        """The store could hold a tenth of it at once."""
        size = STORE_BYTES // 10
        data = bytes(size)
        held = rayx.put(data)
        for _ in range(50):
            rayx.put(data)
        for _ in range(50):
            rayx.get(identity.remote(rayx.put(data)))
        assert len(rayx.get(held)) == size

    def test_nothing_is_left(self):
        """After all of it, no object is known to the node."""
        ids = [rayx.put(np.zeros(MIB)), identity.remote(np.zeros(MIB)), rayx.put("small")]
        outer = rayx.put([ids, {"k": rayx.put([identity.remote("small")])}])
        rayx.get([*ids, outer])
        del ids, outer
        gc.collect()
        deadline = time.monotonic() + 10
        while not re.search(r"object store: 0 objects,.* used 0 bytes", dump()):
            assert time.monotonic() < deadline, dump()


def dump():
    return questions.dump(rayx.session.current().client, 10_000)


def test_f41_a_write_by_force_kills_the_writer_only():
    original = np.arange(MIB)
    object_id = rayx.put(original)

    @rayx.remote(max_retries=0)
    def scribble(array):
        ctypes.memset(array.__array_interface__["data"][0], 0xFF, 8)

    with pytest.raises(rayx.WorkerCrashedError, match="SIGSEGV"):
        rayx.get(scribble.remote(object_id))
    np.testing.assert_array_equal(rayx.get(object_id), original)

    @rayx.remote
    def write(array):
        array[0] = 1

    with pytest.raises(ValueError, match="read-only"):
        rayx.get(write.remote(object_id))
