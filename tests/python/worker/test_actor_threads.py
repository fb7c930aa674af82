import threading
import time

import pytest
from fake_worker import WAIT_SECONDS, drive

import rayx

pytestmark = pytest.mark.usefixtures("own_environment")

EVENTS = {}


class Meeting:
    """Methods that wait for each other."""

    def __init__(self):
        self.barrier = threading.Barrier(2)

    def meet(self):
        self.barrier.wait(WAIT_SECONDS)
        return threading.current_thread().name

    def thread(self):
        return threading.get_ident()

    def fail(self):
        raise KeyError("in a thread")

    def spin(self, name):
        EVENTS[name].set()
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            pass
        return "never"

    def wait_for(self, name):
        EVENTS[name].wait(WAIT_SECONDS)
        return name


@pytest.fixture
def event():
    EVENTS["it"] = threading.Event()
    yield EVENTS["it"]
    EVENTS.clear()


def test_calls_run_side_by_side():
    def steps(worker):
        calls = [worker.call("meet") for _ in range(6)]
        names = {worker.result(call) for call in calls}
        assert names == {"Meeting_0", "Meeting_1"}

    drive(Meeting, steps, max_concurrency=2)


def test_no_more_are_taken_than_can_run(event):
    def steps(worker):
        first = [worker.call("wait_for", "it") for _ in range(2)]
        later = [worker.call("thread") for _ in range(3)]
        while worker.client.taken < 3:  # the creation, and the two
            time.sleep(0.001)  # task work
        assert worker.client.tasks.qsize() == 3
        event.set()
        assert [worker.result(call) for call in first] == ["it", "it"]
        threads = {worker.result(call) for call in later}
        assert threading.main_thread().ident not in threads

    drive(Meeting, steps, max_concurrency=2)


def test_a_failure_is_that_of_its_call():
    def steps(worker):
        bad, good = worker.call("fail"), worker.call("thread")
        with pytest.raises(KeyError, match=r"task Meeting\.fail\(\) failed"):
            worker.result(bad)
        assert worker.result(good)
        assert worker.client.done[bad][1] is True
        assert worker.client.done[good] == (None, False)

    drive(Meeting, steps, max_concurrency=2)


@pytest.mark.parametrize(
    ("reason", "error", "text"),
    [
        (1, rayx.TaskCancelledError, r"Meeting\.spin was cancelled"),
        (2, rayx.TaskTimeoutError, r"longer than its timeout of 0\.5 seconds"),
    ],
)
def test_interrupting_one_of_two(event, reason, error, text):
    EVENTS["other"] = threading.Event()

    def steps(worker):
        other = worker.call("wait_for", "other")
        spinning = worker.call("spin", "it", timeout_ms=500)
        assert event.wait(WAIT_SECONDS)
        worker.interrupt(spinning, reason)
        with pytest.raises(error, match=text) as caught:
            worker.result(spinning)
        assert "time.monotonic() < end" in str(caught.value)
        EVENTS["other"].set()
        assert worker.result(other) == "other"
        assert worker.result(worker.call("thread"))

    drive(Meeting, steps, max_concurrency=2)
