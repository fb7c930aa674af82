import asyncio
import concurrent.futures
import threading

import pytest

import rayx
from rayx import session


@pytest.fixture(autouse=True)
def inline():
    with rayx.init(num_cpus=2, driver_mode=rayx.PYTHON_MODE):
        yield


@rayx.remote
def double(x):
    return 2 * x


@rayx.remote
def fail(error):
    raise error


@rayx.remote
class Caller:
    """Makes ids that are not there while it runs."""

    def value(self):
        return 1

    def call(self, me, function):
        return function(me.value.remote())


def while_pending(function):
    caller = Caller.remote()
    return rayx.get(caller.call.remote(caller, function))


def test_await(capfd):
    async def main():
        assert await double.remote(4) == 8
        with pytest.raises(KeyError):
            await fail.remote(KeyError("a"))
        with pytest.raises(RuntimeError, match="the task raised") as caught:
            await fail.remote(StopIteration())
        assert isinstance(caught.value.__cause__, StopIteration)
        return await asyncio.gather(*[double.remote(i) for i in range(20)])

    assert asyncio.run(main()) == [2 * i for i in range(20)]


def test_nothing_is_left_on_the_loop():
    async def main():
        loop = asyncio.get_running_loop()
        object_id = double.remote(1)
        assert await asyncio.gather(object_id, object_id) == [2, 2]
        for _ in range(3):
            await asyncio.sleep(0)  # task work
        assert session.current().waiters == []
        assert not [key for key in loop._selector.get_map().values() if _is_ours(key)]

    asyncio.run(main())


def _is_ours(key):
    reader = key.data[0]
    return reader is not None and "awaiting" in repr(reader)


def test_asyncio_wait():
    async def main():
        futures = [asyncio.ensure_future(double.remote(i)) for i in range(3)]
        done, pending = await asyncio.wait(futures)
        return sorted(one.result() for one in done), pending

    assert asyncio.run(main()) == ([0, 2, 4], set())


def test_asyncio_wait_takes_ids():
    async def main():
        ids = [double.remote(i) for i in range(3)]
        failing = fail.remote(KeyError("no"))
        done, pending = await asyncio.wait([*ids, failing])
        assert (done, pending) == ({*ids, failing}, set())
        assert sorted(one.result() for one in ids) == [0, 2, 4]
        assert not failing.cancelled()
        assert isinstance(failing.exception(), KeyError)
        with pytest.raises(KeyError):
            failing.result()
        for _ in range(3):
            await asyncio.sleep(0)  # task work
        assert session.current().waiters == []

    asyncio.run(main())


@pytest.mark.parametrize("return_when", [asyncio.FIRST_COMPLETED, asyncio.FIRST_EXCEPTION])
def test_asyncio_wait_for_some_of_the_ids(return_when):
    def function(pending):
        async def main():
            there = (
                double.remote(1)
                if return_when == asyncio.FIRST_COMPLETED
                else fail.remote(KeyError("no"))
            )
            assert await asyncio.wait([there, pending], return_when=return_when) == (
                {there},
                {pending},
            )
            assert await asyncio.wait([pending], timeout=0.01) == (set(), {pending})
            with pytest.raises(asyncio.InvalidStateError, match="is not there yet"):
                pending.result()
            for _ in range(3):
                await asyncio.sleep(0)  # task work
            return session.current().waiters

        return _in_thread(lambda: asyncio.run(main()))

    assert while_pending(function) == []


def test_callbacks():
    async def main():
        object_id = double.remote(1)
        called = []
        object_id.add_done_callback(called.append)
        object_id.add_done_callback(lambda one: called.append(one.result()))
        assert object_id.remove_done_callback(print) == 0
        await object_id
        for _ in range(3):
            await asyncio.sleep(0)  # task work
        return called == [object_id, 2]

    assert asyncio.run(main())
    with pytest.raises(RuntimeError, match="no running event loop"):
        double.remote(1).add_done_callback(print)


def test_a_callback_that_is_withdrawn():
    def function(pending):
        async def main():
            pending.add_done_callback(print)
            pending.add_done_callback(print)
            assert pending.remove_done_callback(print) == 2
            assert pending.remove_done_callback(print) == 0
            for _ in range(3):
                await asyncio.sleep(0)  # task work
            return session.current().waiters

        return _in_thread(lambda: asyncio.run(main()))

    assert while_pending(function) == []


def test_a_wait_that_is_given_up():
    def function(pending):
        async def main():
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(pending, 0.01)
            for _ in range(3):
                await asyncio.sleep(0)  # task work
            return session.current().waiters

        return _in_thread(lambda: asyncio.run(main()))

    assert while_pending(function) == []


def _in_thread(run):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result()


class LoopOfAnotherMake(asyncio.SelectorEventLoop):
    """Its methods cannot be replaced."""

    @property
    def __dict__(self):
        return {"close": self.close}


def abandon_on(make_loop):
    """A loop is closed while somebody waits on it."""

    async def begin(object_id):
        waiting = asyncio.ensure_future(waits(object_id))
        await asyncio.sleep(0)  # task work
        return waiting

    async def waits(object_id):
        await object_id

    def go(object_id):
        loop = make_loop()
        waiting = loop.run_until_complete(begin(object_id))
        loop.close()
        waiting._log_destroy_pending = False
        return "close" in loop.__dict__

    return while_pending(go)


def test_the_end_of_the_loop_ends_waiting():
    assert not abandon_on(asyncio.SelectorEventLoop)
    assert session.current().waiters == []


def test_what_waits_on_a_loop_that_says_nothing_is_closed_with_the_next():
    for _ in range(3):
        abandon_on(LoopOfAnotherMake)
        assert len(session.current().waiters) == 1
    assert asyncio.run(double_later()) == 8
    assert session.current().waiters == []


async def double_later():
    return await double.remote(4)


def test_a_method_that_somebody_has_replaced_stays_so():
    closed = []

    class Loop(asyncio.SelectorEventLoop):
        def __init__(self):
            super().__init__()
            self.close = lambda: (closed.append(self), asyncio.SelectorEventLoop.close(self))

    loop = Loop()
    assert loop.run_until_complete(double_later()) == 8
    loop.close()
    assert closed == [loop]


def test_the_end_of_the_session_ends_waiting():
    def function(pending):
        waiting = threading.Event()

        async def main():
            future = asyncio.ensure_future(pending)
            await asyncio.sleep(0)  # task work
            waiting.set()
            with pytest.raises(rayx.NotInitializedError, match="shutdown"):
                await future
            return "told"

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            told = pool.submit(asyncio.run, main())
            waiting.wait()
            pool.submit(rayx.shutdown).result()
            return told.result()

    outcome = []
    with pytest.raises(rayx.RayxError):
        while_pending(lambda pending: outcome.append(function(pending)))
    assert not rayx.is_initialized()


def test_await_needs_a_session_and_a_loop():
    object_id = double.remote(1)
    with pytest.raises(RuntimeError, match="no running event loop"):
        object_id.__await__()
    rayx.shutdown()

    async def main():
        await object_id

    with pytest.raises(rayx.NotInitializedError):
        asyncio.run(main())


def test_futures(capfd):
    futures = [double.remote(i).future() for i in range(5)]
    assert all(isinstance(one, concurrent.futures.Future) for one in futures)
    done, _ = concurrent.futures.wait(futures)
    assert sorted(one.result() for one in done) == [0, 2, 4, 6, 8]
    failed = fail.remote(KeyError("a")).future()
    assert isinstance(failed.exception(), KeyError)
    assert [thread.name for thread in threading.enumerate()].count("rayx-futures") == 1


def test_futures_that_are_cancelled():
    def function(pending):
        future = pending.future()
        other = pending.future()
        assert future.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            future.result()
        assert not other.done()
        return None

    while_pending(function)


def test_futures_outlive_the_wait_and_their_thread_does_not():
    held = session.current()

    def keep(pending):
        session.current().client.kept = pending.future()  # there is one client for all

    while_pending(keep)
    assert held.client.kept.result() == 1
    rayx.shutdown()
    assert "rayx-futures" not in [thread.name for thread in threading.enumerate()]


def test_the_end_of_the_session_ends_futures():
    def end(pending):
        session.current().client.kept = pending.future()
        _in_thread(rayx.shutdown)

    client = session.current().client
    with pytest.raises(rayx.RayxError):
        while_pending(end)
    with pytest.raises(rayx.NotInitializedError, match="shutdown"):
        client.kept.result()
