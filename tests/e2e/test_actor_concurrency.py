"""Actors whose calls run side by side: in threads, or as coroutines."""

import asyncio
import os
import threading
import time

import pytest
from session_watch import poll_until

import rayx

WAIT_SECONDS = 20


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2):
        yield


@rayx.remote(max_concurrency=4)
class Meeting:
    def __init__(self):
        self.barrier = threading.Barrier(4)
        self.event = threading.Event()
        self.lock = threading.Lock()
        self.running = self.most = 0

    def meet(self):
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.barrier.wait(WAIT_SECONDS)
        with self.lock:
            self.running -= 1
        return self.most

    def wait(self):
        return self.event.wait(WAIT_SECONDS)

    def set(self):
        self.event.set()

    def spin(self, path):
        with open(path, "w") as file:
            file.write("spins")
        while True:
            pass

    def call(self, me):
        return rayx.get(me.pid.remote())

    def pid(self):
        return os.getpid()

    def fail(self):
        raise KeyError("in a thread")


@rayx.remote
class Service:
    def __init__(self):
        self.go = asyncio.Event()
        self.running = self.most = 0

    async def wait(self):
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go.wait()
        self.running -= 1
        return self.most

    async def count(self, wanted):
        while self.running < wanted:
            await asyncio.sleep(0.001)  # task work
        return self.running

    def release(self):
        self.go.set()
        return threading.current_thread() is threading.main_thread()

    async def stuck(self, path):
        with open(path, "w") as file:
            file.write("waits")
        await asyncio.sleep(WAIT_SECONDS)  # task work

    async def fail(self):
        await asyncio.sleep(0)  # task work
        raise KeyError("in a coroutine")

    async def chain(self, other):
        return rayx.get(other.remote())


class TestThreads:
    def test_side_by_side(self):
        meeting = Meeting.remote()
        assert max(rayx.get([meeting.meet.remote() for _ in range(12)], timeout=30)) == 4

    def test_one_call_frees_another(self):
        meeting = Meeting.remote()
        waiting = [meeting.wait.remote() for _ in range(3)]
        rayx.get(meeting.set.remote(), timeout=10)
        assert rayx.get(waiting, timeout=10) == [True] * 3

    def test_a_call_may_wait_for_its_own_actor(self):
        meeting = Meeting.remote()
        pid = rayx.get(meeting.pid.remote())
        assert rayx.get(meeting.call.remote(meeting), timeout=10) == pid

    def test_failures(self):
        meeting = Meeting.remote()
        with pytest.raises(KeyError, match=r"task Meeting\.fail\(\) failed"):
            rayx.get(meeting.fail.remote())
        assert rayx.get(meeting.pid.remote())

    def test_many_calls(self):
        @rayx.remote(max_concurrency=8)
        class Adder:
            def add(self, x):
                return x + 1

        adder = Adder.remote()
        assert rayx.get([adder.add.remote(i) for i in range(2000)]) == list(range(1, 2001))

    def test_cancelling_one_of_them(self, tmp_path):
        meeting = Meeting.remote()
        started = tmp_path / "started"
        waiting = meeting.wait.remote()
        spinning = meeting.spin.remote(str(started))
        poll_until(started.exists, 10, "the call runs")
        rayx.cancel(spinning)
        with pytest.raises(rayx.TaskCancelledError):
            rayx.get(spinning, timeout=10)
        rayx.get(meeting.set.remote(), timeout=10)
        assert rayx.get(waiting, timeout=10) is True

    def test_a_timeout_of_one_of_them(self, tmp_path):
        meeting = Meeting.remote()
        spinning = meeting.spin.options(timeout=0.2).remote(str(tmp_path / "started"))
        with pytest.raises(rayx.TaskTimeoutError):
            rayx.get(spinning, timeout=10)
        assert rayx.get(meeting.pid.remote(), timeout=10)

    def test_a_death_takes_all_of_them(self):
        meeting = Meeting.remote()
        pid = rayx.get(meeting.pid.remote())
        waiting = [meeting.wait.remote() for _ in range(2)]
        os.kill(pid, 9)
        for object_id in waiting:
            with pytest.raises(rayx.ActorDiedError):
                rayx.get(object_id, timeout=10)


class TestCoroutines:
    def test_hundreds_wait_at_the_same_time(self):
        service = Service.remote()
        waiting = [service.wait.remote() for _ in range(300)]
        assert rayx.get(service.count.remote(300), timeout=20) == 300
        assert rayx.get(service.release.remote(), timeout=10) is True
        assert set(rayx.get(waiting, timeout=20)) == {300}

    def test_no_more_than_allowed(self):
        service = Service.options(max_concurrency=3).remote()
        waiting = [service.wait.remote() for _ in range(2)]
        rayx.get(service.count.remote(2), timeout=20)
        rayx.get(service.release.remote(), timeout=10)
        more = [service.wait.remote() for _ in range(50)]
        assert max(rayx.get(waiting + more, timeout=20)) <= 3

    def test_failures(self):
        service = Service.remote()
        with pytest.raises(KeyError, match=r"task Service\.fail\(\) failed"):
            rayx.get(service.fail.remote(), timeout=10)
        assert rayx.get(service.release.remote(), timeout=10)

    def test_cancelling_one_of_them(self, tmp_path):
        service = Service.remote()
        started = tmp_path / "started"
        stuck, waiting = service.stuck.remote(str(started)), service.wait.remote()
        poll_until(started.exists, 10, "the call waits")
        rayx.cancel(stuck)
        with pytest.raises(rayx.TaskCancelledError):
            rayx.get(stuck, timeout=5)
        rayx.get(service.release.remote(), timeout=10)
        assert rayx.get(waiting, timeout=10) >= 1

    def test_a_timeout_tells_where_it_waited(self, tmp_path):
        service = Service.remote()
        stuck = service.stuck.options(timeout=0.2).remote(str(tmp_path / "started"))
        with pytest.raises(rayx.TaskTimeoutError) as caught:
            rayx.get(stuck, timeout=10)
        assert "in stuck" in str(caught.value)

    def test_a_constructor_that_raises(self):
        @rayx.remote
        class Broken:
            def __init__(self):
                raise ValueError("not today")

            async def method(self):
                pass

        with pytest.raises(ValueError, match="not today"):
            rayx.get(Broken.remote().method.remote(), timeout=10)

    def test_calls_begin_in_order(self):
        @rayx.remote
        class Log:
            def __init__(self):
                self.lines = []

            async def add(self, number):
                self.lines.append(number)
                await asyncio.sleep(0)  # task work
                return number

            async def get(self):
                return self.lines

        log = Log.remote()
        assert rayx.get([log.add.remote(i) for i in range(500)]) == list(range(500))
        assert rayx.get(log.get.remote()) == list(range(500))

    def test_it_ends_with_its_last_handle(self):
        service = Service.remote()

        @rayx.remote
        class Asker:
            async def pid(self):
                return os.getpid()

        asker = Asker.remote()
        pid = rayx.get(asker.pid.remote())
        assert rayx.get(service.chain.remote(asker.pid), timeout=10) == pid
        del asker
        poll_until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "the actor's process ends")


def test_ten_actors_of_each_kind():
    began = time.monotonic()
    actors = [cls.remote() for cls in (Meeting, Service) for _ in range(10)]
    rayx.get([actor.pid.remote() for actor in actors[:10]], timeout=30)
    rayx.get([actor.release.remote() for actor in actors[10:]], timeout=30)
    del actors
    assert time.monotonic() - began < 30
