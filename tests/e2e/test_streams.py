"""Generators as tasks and as methods of actors: `num_return_vals="stream"`, with real daemons."""

import asyncio
import gc
import os
import pickle
import re
import signal

import numpy as np
import pytest
from session_watch import poll_until

import rayx
from rayx import questions, session
from rayx.waiting.object_stream import WINDOW

LIMIT_SECONDS = 30


def until(condition, what):
    """Waits for it, with a limit."""
    poll_until(condition, LIMIT_SECONDS, what)


@pytest.fixture(params=["node", "python"], scope="class")
def mode(request):
    kind = rayx.PYTHON_MODE if request.param == "python" else rayx.SILENT_MODE
    rayx.init(num_cpus=2, driver_mode=kind)
    yield request.param
    rayx.shutdown()


@pytest.fixture(scope="class")
def node():
    rayx.init(num_cpus=2, driver_mode=rayx.SILENT_MODE)
    yield
    rayx.shutdown()


@rayx.remote(num_return_vals="stream")
def count(n):
    yield from range(n)


@rayx.remote(num_return_vals="stream")
def logged(path, n, make=None):
    """Writes a byte for each item begun, and tells when it is closed."""
    try:
        for i in range(n):
            with open(path, "a") as log:
                log.write(".")
            yield i if make is None else make(i)
    finally:
        with open(path, "a") as log:
            log.write("closed")


def begun(path):
    return path.read_text().count(".") if path.exists() else 0


def is_closed(path):
    return path.exists() and path.read_text().endswith("closed")


def objects_of_node():
    dump = questions.dump(session.current().client, 10_000)
    line = next(line for line in dump.splitlines() if line.startswith("object store: "))
    return int(line.split()[2])


def bytes_in_pool():
    dump = questions.dump(session.current().client, 10_000)
    line = next(line for line in dump.splitlines() if line.startswith("object store: "))
    used = line.partition(", used ")[2].partition(",")[0]
    exact = re.search(r"\((\d+) bytes\)|^(\d+) bytes", used)
    return int(exact[1] or exact[2])


class TestInBothModes:
    @pytest.mark.parametrize("n", [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 1000])
    def test_items_come_in_order(self, mode, n):
        stream = count.remote(n)
        assert isinstance(stream, rayx.ObjectStream)
        ids = list(stream)
        assert rayx.get(ids) == list(range(n))
        assert list(stream) == []

    def test_an_error_comes_after_the_items_before_it(self, mode):
        @rayx.remote(num_return_vals="stream")
        def failing():
            yield "a"
            yield "b"
            raise ValueError("after b")

        stream = failing.remote()
        assert [rayx.get(next(stream)), rayx.get(next(stream))] == ["a", "b"]
        with pytest.raises(rayx.TaskError, match="after b") as raised:
            next(stream)
        assert isinstance(raised.value, ValueError)
        assert list(stream) == []

    def test_an_item_that_cannot_be_pickled_is_such_an_error(self, mode):
        @rayx.remote(num_return_vals="stream")
        def unpicklable():
            import threading

            yield 0
            yield threading.Lock()

        stream = unpicklable.remote()
        assert rayx.get(next(stream)) == 0
        with pytest.raises(rayx.TaskError, match="item 1 of unpicklable"):
            next(stream)

    def test_a_failed_argument_is_raised_first(self, mode):
        @rayx.remote
        def broken():
            raise ValueError("no argument")

        with pytest.raises(ValueError, match="no argument"):
            next(count.remote(broken.remote()))

    def test_options(self, mode):
        @rayx.remote
        def plain():
            yield 1

        with pytest.raises(TypeError, match='use num_return_vals="stream"'):
            plain.remote()
        assert rayx.get(list(plain.options(num_return_vals="stream").remote())) == [1]

    def test_what_is_no_generator(self, mode):
        @rayx.remote(num_return_vals="stream")
        def returns():
            return [1, 2]

        with pytest.raises(rayx.TaskError, match="must be a generator, but it returned a value of"):
            next(returns.remote())

    def test_other_iterators_do(self, mode):
        @rayx.remote(num_return_vals="stream")
        def mapped(n):
            return map(str, range(n))

        assert rayx.get(list(mapped.remote(2))) == ["0", "1"]

    def test_a_stream_cannot_be_passed_on(self, mode):
        stream = count.remote(3)

        @rayx.remote
        def take(given):
            return given

        for use in (lambda: take.remote(stream), lambda: rayx.put([stream])):
            with pytest.raises(rayx.SerializationError, match="Pass their ids instead"):
                use()
        with pytest.raises(TypeError, match="Pass their ids instead"):
            pickle.dumps(stream)
        with pytest.raises(TypeError, match=r"call close\(\) of the stream"):
            rayx.cancel(stream)
        with pytest.raises(TypeError, match="list"):
            rayx.get(stream)
        assert rayx.get([take.remote(object_id) for object_id in stream]) == [0, 1, 2]

    def test_wrong_words(self, mode):
        with pytest.raises(TypeError, match="a whole number or \"stream\", not 'streams'"):
            count.options(num_return_vals="streams")

    def test_closing_closes_the_generator(self, mode, tmp_path):
        path = tmp_path / "log"
        stream = logged.remote(path, 10**6)
        next(stream)
        stream.close()
        until(lambda: is_closed(path), "the generator to be closed")
        assert begun(path) <= WINDOW + 1
        assert list(stream) == []
        assert "ended" in repr(stream)

    def test_forgetting_closes_the_generator(self, mode, tmp_path):
        path = tmp_path / "log"
        stream = logged.remote(path, 10**6)
        next(stream)
        del stream
        gc.collect()
        until(lambda: is_closed(path), "the generator to be closed")

    def test_async_for(self, mode):
        async def total():
            return [rayx.get(object_id) async for object_id in count.remote(100)]

        assert asyncio.run(total()) == list(range(100))

    def test_async_for_meets_the_error(self, mode):
        @rayx.remote(num_return_vals="stream")
        def failing():
            yield 1
            raise KeyError("k")

        async def collect():
            got = []
            with pytest.raises(KeyError):
                async for object_id in failing.remote():
                    got.append(await object_id)
            return got

        assert asyncio.run(collect()) == [1]

    def test_methods_of_actors(self, mode):
        @rayx.remote
        class Source:
            def __init__(self):
                self.made = 0

            @rayx.method(num_return_vals="stream")
            def items(self, n):
                for i in range(n):
                    self.made += 1
                    yield i

            def total(self):
                return self.made

        source = Source.remote()
        assert rayx.get(list(source.items.remote(40))) == list(range(40))
        assert rayx.get(source.total.remote()) == 40
        with pytest.raises(TypeError, match='use num_return_vals="stream"'):
            source.items.options(num_return_vals=1).remote(1)
        stream = source.items.remote(10**6)
        next(stream)
        stream.close()
        assert rayx.get(source.total.remote(), timeout=LIMIT_SECONDS) <= 40 + WINDOW + 1

    def test_async_generators_of_actors(self, mode):
        @rayx.remote
        class Source:
            @rayx.method(num_return_vals="stream")
            async def items(self, n):
                for i in range(n):
                    await asyncio.sleep(0)  # task work
                    yield i
                if n == 3:
                    raise ValueError("three")

            @rayx.method(num_return_vals="stream")
            def plain(self, n):
                yield from range(n)

            async def answer(self):
                return 42

        source = Source.remote()
        waiting = source.items.remote(1000)
        next(waiting)
        # It waits for room, and holds up nobody.
        assert rayx.get(source.answer.remote(), timeout=LIMIT_SECONDS) == 42
        assert rayx.get(list(waiting)) == list(range(1, 1000))
        assert rayx.get(list(source.plain.remote(50))) == list(range(50))
        three = source.items.remote(3)
        assert len([next(three) for _ in range(3)]) == 3
        with pytest.raises(ValueError, match="three"):
            next(three)


class TestOnANode:
    def test_the_task_is_no_further_ahead_than_the_window(self, node, tmp_path):
        path = tmp_path / "log"
        stream = logged.remote(path, 200)
        until(lambda: begun(path) == WINDOW, "the window to be full")
        for taken in range(1, 101):
            next(stream)
            assert begun(path) <= taken + WINDOW
        # It goes on as far as it may, and lets others have its CPU while it waits.
        other = [count.remote(3), count.remote(3)]
        assert [rayx.get(list(one)) for one in other] == [[0, 1, 2]] * 2
        assert len(list(stream)) == 100
        assert is_closed(path)

    def test_more_waiting_streams_than_cpus(self, node):
        streams = [count.remote(100) for _ in range(6)]
        firsts = [rayx.get(next(stream)) for stream in streams]
        assert firsts == [0] * 6
        assert [len(list(stream)) for stream in streams] == [99] * 6

    def test_dropping_frees_objects_and_worker(self, node, tmp_path):
        rayx.get(list(count.remote(1)))
        until(lambda: objects_of_node() <= 1, "earlier objects to go")
        before = objects_of_node()
        path = tmp_path / "log"
        stream = logged.remote(path, 1000, lambda i: np.full(1 << 20, i % 256, np.uint8))
        for _ in range(20):
            next(stream)
        until(lambda: begun(path) >= WINDOW, "items to be made")
        del stream
        gc.collect()
        until(lambda: is_closed(path), "the generator to be closed")
        # Small releases go with the next message.
        until(lambda: (rayx.put(0), objects_of_node())[1] <= before + 1, "the objects to go")
        assert rayx.get([len(list(count.remote(3))) and rayx.put(1)]) == [1]

    def test_large_items_take_no_more_than_the_window(self, node):
        @rayx.remote(num_return_vals="stream")
        def blocks(n):
            for i in range(n):
                yield np.full(1 << 20, i % 256, np.uint8)

        def used_mib():
            return bytes_in_pool() / (1 << 20)

        most = 0.0
        for index, object_id in enumerate(blocks.remote(200)):
            array = rayx.get(object_id)
            assert array[0] == index % 256
            del array, object_id
            if index % 10 == 0:
                most = max(most, used_mib())
        assert 0 < most <= WINDOW + 4

    def test_ids_outlive_the_stream(self, node):
        ids = list(count.remote(30))[::3]
        gc.collect()
        assert rayx.get(ids) == list(range(0, 30, 3))

    def test_a_worker_that_dies_in_the_middle(self, node, tmp_path):
        path = tmp_path / "begun"

        @rayx.remote(num_return_vals="stream")
        def dying():
            with open(path, "a") as log:
                log.write(".")
            yield 1
            yield 2
            os.kill(os.getpid(), signal.SIGKILL)

        stream = dying.remote()
        assert [rayx.get(next(stream)), rayx.get(next(stream))] == [1, 2]
        with pytest.raises(rayx.WorkerCrashedError, match="had yielded items"):
            next(stream)
        assert begun(path) == 1

    def test_a_worker_that_dies_before_the_first_item(self, node, tmp_path):
        path = tmp_path / "begun"

        @rayx.remote(num_return_vals="stream")
        def dying_once():
            with open(path, "a") as log:
                log.write(".")
            if path.read_text() == ".":
                os.kill(os.getpid(), signal.SIGKILL)
            yield 1

        assert rayx.get(list(dying_once.remote())) == [1]
        assert begun(path) == 2

    def test_a_consumer_that_dies(self, node, tmp_path):
        path = tmp_path / "log"

        @rayx.remote(max_retries=0)
        def consume():
            stream = logged.remote(path, 10**6)
            next(stream)
            os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(rayx.WorkerCrashedError):
            rayx.get(consume.remote())
        until(lambda: is_closed(path), "the generator to be closed")

    def test_a_generator_that_catches_everything_is_stopped_all_the_same(self, node, tmp_path):
        path = tmp_path / "log"

        @rayx.remote(num_return_vals="stream")
        def stubborn():
            i = 0
            while True:
                try:
                    with open(path, "a") as log:
                        log.write(".")
                    yield i
                except Exception:
                    pass
                i += 1

        stream = stubborn.remote()
        next(stream)
        stream.close()
        assert rayx.get(list(count.remote(2))) == [0, 1]

    def test_an_actor_with_threads(self, node):
        @rayx.remote(max_concurrency=2)
        class Source:
            @rayx.method(num_return_vals="stream")
            def items(self, n):
                yield from range(n)

        source = Source.remote()
        streams = [source.items.remote(100), source.items.remote(100)]
        for a, b in zip(*streams, strict=True):
            assert rayx.get(a) == rayx.get(b)
        dropped = source.items.remote(10**6)
        next(dropped)
        dropped.close()
        assert rayx.get(list(source.items.remote(3)), timeout=LIMIT_SECONDS) == [0, 1, 2]

    def test_an_actor_that_is_killed(self, node):
        @rayx.remote
        class Source:
            @rayx.method(num_return_vals="stream")
            def items(self):
                yield from range(10**6)

        source = Source.remote()
        stream = source.items.remote()
        assert rayx.get(next(stream)) == 0
        rayx.kill(source)
        with pytest.raises(rayx.ActorDiedError):
            for _ in stream:
                pass

    def test_streams_within_tasks(self, node):
        @rayx.remote
        def total(n):
            return sum(rayx.get(object_id) for object_id in count.remote(n))

        assert rayx.get([total.remote(100), total.remote(50)]) == [4950, 1225]

    def test_many_small_items(self, node):
        n = 5000
        assert sum(rayx.get(object_id) for object_id in count.remote(n)) == n * (n - 1) // 2

    def test_async_for_needs_no_thread(self, node):
        import threading

        async def consume():
            got = 0
            async for _ in count.remote(100):
                got += 1
            return got

        async def all_of_them():
            before = threading.active_count()
            results = await asyncio.gather(*[consume() for _ in range(10)])
            assert threading.active_count() == before
            return results

        assert asyncio.run(all_of_them()) == [100] * 10
