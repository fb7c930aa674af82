"""`await object_id` and `object_id.future()` with real workers."""

import asyncio
import concurrent.futures
import threading
import time

import pytest

import rayx
from rayx import session


@pytest.fixture(autouse=True, scope="module")
def futures(shared_session):
    after.remote(0).future().result()  # their thread lives as long as the session


@pytest.fixture(autouse=True)
def no_loops(shared_session):
    yield
    assert not [one for one in session.current().waiters if "Loop" in type(one).__name__]


@rayx.remote
def after(seconds, value=None):
    time.sleep(seconds)  # task work
    if isinstance(value, Exception):
        raise value
    return value


def test_await_and_gather():
    async def main():
        assert await after.remote(0.05, "a") == "a"
        with pytest.raises(KeyError):
            await after.remote(0, KeyError("a"))
        return await asyncio.gather(*[after.remote(0.01, i) for i in range(20)])

    assert asyncio.run(main()) == list(range(20))


def test_the_loop_goes_on_while_an_id_is_awaited():
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)  # task work
                ticks += 1

        ticking = asyncio.ensure_future(tick())
        await after.remote(0.5)
        ticking.cancel()
        return ticks

    assert asyncio.run(main()) > 10


def test_wait_for_the_first():
    async def main():
        slow, quick = (asyncio.ensure_future(after.remote(s, s)) for s in (0.6, 0.01))
        done, pending = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
        assert (done, pending) == ({quick}, {slow})
        return await slow

    assert asyncio.run(main()) == 0.6


def test_wait_for_the_first_of_some_ids():
    async def main():
        slow, quick = after.remote(0.6, 0.6), after.remote(0.01, 0.01)
        done, pending = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
        assert (done, pending) == ({quick}, {slow})
        assert (quick.done(), slow.done()) == (True, False)
        done, pending = await asyncio.wait(pending)
        return [one.result() for one in done]

    assert asyncio.run(main()) == [0.6]


def test_a_wait_that_is_given_up_leaves_the_task_alone():
    async def main():
        object_id = after.remote(0.3, "done")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(object_id, 0.01)
        return await object_id

    assert asyncio.run(main()) == "done"


def test_thousands_wait_without_threads():
    async def main():
        waiting = asyncio.gather(*[after.remote(0, i) for i in range(2000)])
        await asyncio.sleep(0)  # task work
        threads = threading.active_count()
        return sum(await waiting), threads

    before = threading.active_count()
    total, threads = asyncio.run(main())
    assert total == sum(range(2000))
    assert threads == before


def test_several_loops_and_a_waiting_thread():
    """Whoever reads the node's socket wakes all others."""

    async def many(offset):
        values = [await after.remote(0.005, offset + i) for i in range(20)]
        return sum(values)

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        loops = [pool.submit(asyncio.run, many(100 * n)) for n in range(2)]
        got = pool.submit(lambda: [rayx.get(after.remote(0.005, i)) for i in range(20)])
        assert [one.result() for one in loops] == [190, 2190]
        assert sum(got.result()) == 190


def test_futures():
    futures = [after.remote(0.05 * (3 - i), i).future() for i in range(3)]
    assert [one.result() for one in futures] == [0, 1, 2]
    assert isinstance(after.remote(0, KeyError("a")).future().exception(), KeyError)
    given_up = after.remote(0.2).future()
    assert given_up.cancel()
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("rayx-futures") == 1


def test_async_methods_await_tasks():
    @rayx.remote
    class Server:
        async def total(self, n):
            return sum(await asyncio.gather(*[after.remote(0.01, i) for i in range(n)]))

    server = Server.remote()
    assert rayx.get([server.total.remote(5) for _ in range(10)]) == [10] * 10


def test_await_within_a_task():
    @rayx.remote
    def outer():
        async def main():
            return await asyncio.gather(after.remote(0.01, 1), after.remote(0.01, 2))

        return asyncio.run(main())

    assert rayx.get(outer.remote(), timeout=20) == [1, 2]


@rayx.remote
def await_child(depth):
    async def main():
        return 1 + await await_child.remote(depth - 1) if depth else 0

    return asyncio.run(main())


@rayx.remote
def child_by_future(depth):
    return 1 + child_by_future.remote(depth - 1).future().result(30) if depth else 0


@pytest.mark.parametrize("task", [await_child, child_by_future])
def test_a_task_that_awaits_lends_its_cpu(task):
    """More tasks wait for each other than there are CPUs."""
    assert rayx.get(task.remote(6), timeout=30) == 6


def test_coroutines_that_wait_are_cancelled():
    async def wait(object_id):
        return await object_id

    async def main():
        object_id = after.remote(0.2, "done")
        waiting = [asyncio.ensure_future(wait(object_id)) for _ in range(3)]
        await asyncio.sleep(0)  # task work
        for one in waiting[:2]:
            one.cancel()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in outcomes[:2]] == [asyncio.CancelledError] * 2
        assert outcomes[2] == "done"
        async with asyncio.timeout(5):
            return await asyncio.shield(object_id)

    assert asyncio.run(main(), debug=True) == "done"


def test_a_group_of_tasks_ends_with_the_first_failure():
    async def wait(object_id, ended):
        try:
            return await object_id
        finally:
            ended.append(object_id)

    async def main():
        ended, slow = [], after.remote(30)
        caught = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(wait(slow, ended))
                group.create_task(wait(after.remote(0, KeyError("k")), ended))
        except* KeyError as failures:
            caught = failures.exceptions
        rayx.cancel(slow)
        assert [one.args for one in caught] == [("k",)]
        assert len(ended) == 2
        async with asyncio.TaskGroup() as group:
            fine = [group.create_task(wait(after.remote(0, i), ended)) for i in range(5)]
        return [one.result() for one in fine]

    assert asyncio.run(main()) == list(range(5))
