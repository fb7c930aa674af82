import asyncio
import threading
import time

import pytest
from fake_worker import WAIT_SECONDS, drive

import rayx

pytestmark = pytest.mark.usefixtures("own_environment")

EVENTS = {}


class Service:
    def __init__(self):
        self.background = asyncio.get_running_loop().create_task(self._tick())
        self.ticked = asyncio.Event()
        self.running = self.most = 0
        self.go = asyncio.Event()

    async def _tick(self):
        await asyncio.sleep(0)  # task work
        self.ticked.set()

    async def wait_for_background(self):
        await self.ticked.wait()
        return "ticked"

    async def wait(self):
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go.wait()
        self.running -= 1
        return self.most

    async def started(self, count):
        while self.running < count:
            await asyncio.sleep(0)  # task work
        return self.running

    def release(self):
        """A plain method, on the loop."""
        self.go.set()
        return asyncio.get_running_loop() is not None, threading.get_ident()

    async def fail(self):
        await asyncio.sleep(0)  # task work
        raise KeyError("in a coroutine")

    def spin(self):
        EVENTS["it"].set()
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            pass

    async def stuck(self):
        EVENTS["it"].set()
        await asyncio.sleep(WAIT_SECONDS)  # task work

    async def stubborn(self):
        EVENTS["it"].set()
        try:
            await asyncio.sleep(WAIT_SECONDS)  # task work
        except asyncio.CancelledError:
            return "stayed"

    def coroutine_of_a_plain_method(self):
        return self.wait_for_background()


@pytest.fixture
def event():
    EVENTS["it"] = threading.Event()
    yield EVENTS["it"]
    EVENTS.clear()


def test_many_wait_at_the_same_time():
    def steps(worker):
        waiting = [worker.call("wait") for _ in range(50)]
        assert worker.result(worker.call("started", 50)) == 50
        assert worker.result(worker.call("release")) == (True, threading.main_thread().ident)
        assert {worker.result(call) for call in waiting} == {50}

    drive(Service, steps, max_concurrency=1000)


def test_no_more_than_allowed():
    def steps(worker):
        waiting = [worker.call("wait") for _ in range(2)]
        assert worker.result(worker.call("started", 2)) == 2
        worker.result(worker.call("release"))
        more = [worker.call("wait") for _ in range(20)]
        assert {worker.result(call) for call in waiting + more} <= {1, 2, 3}

    drive(Service, steps, max_concurrency=3)


def test_the_constructor_may_start_tasks():
    def steps(worker):
        assert worker.result(worker.call("wait_for_background")) == "ticked"
        assert worker.result(worker.call("coroutine_of_a_plain_method")) == "ticked"

    drive(Service, steps, max_concurrency=10)


def test_one_at_a_time_is_in_order():
    def steps(worker):
        worker.call("release")
        calls = [worker.call("wait") for _ in range(20)]
        assert [worker.result(call) for call in calls] == [1] * 20
        assert worker.client.order == sorted(worker.client.order)

    drive(Service, steps, max_concurrency=1)


def test_a_failure_is_that_of_its_call():
    def steps(worker):
        with pytest.raises(KeyError, match=r"task Service\.fail\(\) failed"):
            worker.result(worker.call("fail"))
        assert worker.result(worker.call("wait_for_background")) == "ticked"

    drive(Service, steps, max_concurrency=10)


@pytest.mark.parametrize("method", ["stuck", "spin"])
@pytest.mark.parametrize(
    ("reason", "error"), [(1, rayx.TaskCancelledError), (2, rayx.TaskTimeoutError)]
)
def test_interrupting(event, method, reason, error):
    def steps(worker):
        call = worker.call(method)
        assert event.wait(WAIT_SECONDS)
        worker.interrupt(call, reason)
        with pytest.raises(error) as caught:
            worker.result(call)
        assert f"in {method}" in str(caught.value)
        assert worker.result(worker.call("wait_for_background")) == "ticked"

    drive(Service, steps, max_concurrency=10)


def test_interrupting_what_goes_on(event):
    def steps(worker):
        call = worker.call("stubborn")
        assert event.wait(WAIT_SECONDS)
        worker.interrupt(call, 1)
        assert worker.result(call) == "stayed"

    drive(Service, steps, max_concurrency=10)


def test_a_constructor_that_raises():
    class Broken:
        def __init__(self):
            raise ValueError("not today")

        async def method(self):
            pass

    def steps(worker):
        with pytest.raises(ValueError, match="not today"):
            worker.result(1)
        assert worker.client.done[1][1] is True
        assert worker.session.actor is None

    drive(Broken, steps, max_concurrency=10)
