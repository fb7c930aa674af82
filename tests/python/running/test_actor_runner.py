import functools
import threading
import time

import pytest
from fake_worker import WAIT_SECONDS, drive

import rayx
from rayx.calls.actor_options import SAVE_EVERY
from rayx.running.actor_runner import Concurrency, RunningActor

pytestmark = pytest.mark.usefixtures("own_environment")

EVENTS = {}


class FakeCreation:
    def __init__(self, max_concurrency=1):
        self.task_id = b"a" * 16
        self.name = "Some"
        self.options = {"max_concurrency": max_concurrency}
        self.state = None


class FakeId:
    def __init__(self, task, index=0):
        self._binary = task * 16 + bytes([index, 0, 0, 0])

    def binary(self):
        return self._binary


class Some:
    def __init__(self, value=1):
        self.value = value

    def get(self):
        return self.value


class Async:
    async def get(self):
        pass


def test_how_calls_run():
    def concurrency(cls, count):
        return RunningActor(FakeCreation(count), cls).concurrency

    assert concurrency(Some, 1) is Concurrency.SEQUENTIAL
    assert concurrency(Some, 2) is Concurrency.THREADS
    assert concurrency(Async, 1) is Concurrency.COROUTINES
    assert concurrency(Async, 1000) is Concurrency.COROUTINES


def test_instance():
    actor = RunningActor(FakeCreation(), Some)
    actor.make(value=5)
    assert actor.method("get")() == 5


class HidesItsMethods:
    def __init__(self):
        for name in ("plain", "static", "of_class", "of_descriptor"):
            setattr(self, name, f"the attribute {name}")

    def plain(self, more):
        return self.plain, more

    @staticmethod
    def static(more):
        return "static", more

    @classmethod
    def of_class(cls, more):
        return cls.__name__, more

    @functools.partialmethod
    def of_descriptor(self, more):
        return self.of_descriptor, more

    def __getattr__(self, name):
        return lambda more: (name, more)


class Inherits(HidesItsMethods):
    pass


@pytest.mark.parametrize("cls", [HidesItsMethods, Inherits])
def test_an_attribute_does_not_hide_the_method_of_its_name(cls):
    actor = RunningActor(FakeCreation(), cls)
    actor.make()
    for _ in range(2):  # what is known by then is not looked up again
        assert actor.method("plain")(1) == ("the attribute plain", 1)
        assert actor.method("static")(2) == ("static", 2)
        assert actor.method("of_class")(3) == (cls.__name__, 3)
        assert actor.method("of_descriptor")(4) == ("the attribute of_descriptor", 4)
        assert actor.method("made_when_asked")(5) == ("made_when_asked", 5)


def test_a_method_that_is_replaced_in_the_class():
    actor = RunningActor(FakeCreation(), Some)
    actor.make()
    before = Some.get
    assert actor.method("get")() == 1
    try:
        Some.get = lambda self: "replaced"
        assert actor.method("get")() == "replaced"
    finally:
        Some.get = before


class TestWaitingForItself:
    OWN = FakeId(b"a")
    CALL, OTHER = FakeId(b"c"), FakeId(b"o")

    @pytest.fixture
    def actor(self):
        actor = RunningActor(FakeCreation(), Some)
        actor.note_call(self.OWN, [self.CALL, FakeId(b"c", 1)])
        actor.note_call(FakeId(b"x"), [self.OTHER])
        return actor

    def test_can_never_end(self, actor):
        with pytest.raises(rayx.DeadlockError, match="Some waits for a call of itself"):
            actor.check_wait([self.OTHER, self.CALL], 2)
        with pytest.raises(rayx.DeadlockError):
            actor.check_wait([FakeId(b"c", 1)], 1)

    def test_what_others_do_may_be_waited_for(self, actor):
        actor.check_wait([self.OTHER], 1)
        actor.check_wait([self.OTHER, self.CALL], 1)

    def test_a_call_that_runs_is_over(self, actor):
        class Call:
            task_id = b"c" * 16

        actor.begins(Call)
        actor.check_wait([self.CALL], 1)

    def test_another_thread_holds_nothing_up(self, actor):
        problems = []

        def wait():
            try:
                actor.check_wait([self.CALL], 1)
            except rayx.DeadlockError as error:
                problems.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
        assert not problems

    def test_threads_run_each_other_s_calls(self):
        actor = RunningActor(FakeCreation(2), Some)
        actor.note_call(self.OWN, [self.CALL])
        actor.check_wait([self.CALL], 1)


def test_get_and_wait_ask(node):
    @rayx.remote
    class Selfish:
        def set_self(self, me):
            self.me = me

        def wait(self, how):
            call = self.me.work.remote()
            return how(call)

        def hand_out(self):
            return self.me.work.remote()

        def work(self):
            return 5

    selfish = Selfish.remote()
    rayx.get(selfish.set_self.remote(selfish))
    for how in (lambda call: rayx.get(call), lambda call: rayx.wait([call])):
        with pytest.raises(rayx.DeadlockError, match=r"make the actor with max_concurrency=2"):
            rayx.get(selfish.wait.remote(how))
    assert rayx.get(rayx.get(selfish.hand_out.remote())) == 5


class Interruptible:
    def __init__(self):
        self.count = 0

    def spin(self):
        EVENTS["it"].set()
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            pass

    def increment(self):
        self.count += 1
        return self.count


def test_calls_run_in_order_in_the_main_thread():
    def steps(worker):
        calls = [worker.call("increment") for _ in range(10)]
        assert [worker.result(call) for call in calls] == list(range(1, 11))

    drive(Interruptible, steps)


@pytest.mark.parametrize(
    ("reason", "error"), [(1, rayx.TaskCancelledError), (2, rayx.TaskTimeoutError)]
)
def test_interrupting(reason, error):
    EVENTS["it"] = threading.Event()

    def steps(worker):
        call = worker.call("spin")
        assert EVENTS["it"].wait(WAIT_SECONDS)
        worker.interrupt(call, reason)
        with pytest.raises(error) as caught:
            worker.result(call)
        assert "time.monotonic() < end" in str(caught.value)
        # Late, and for another: without any effect.
        worker.interrupt(call, reason)
        assert worker.result(worker.call("increment")) == 1

    drive(Interruptible, steps)


class Saving:
    def __init__(self):
        self.value = 0
        self.bad = False

    def increment(self):
        self.value += 1
        return self.value

    def fail(self):
        self.value += 10
        raise KeyError("after a change")

    def go_bad(self, bad):
        self.bad = bad

    def __rayx_save__(self):
        return threading.Lock() if self.bad else {"value": self.value}

    def __rayx_restore__(self, state):
        self.value = state["value"]


class AsyncSaving(Saving):
    async def wait(self):
        return self.increment()


class TestStates:
    @pytest.mark.parametrize(("cls", "count"), [(Saving, 1), (Saving, 4), (AsyncSaving, 10)])
    def test_saved_with_each_call(self, cls, count):
        def steps(worker):
            for expected in range(1, 20):
                assert worker.result(worker.call("increment")) == expected
                assert worker.saved() == {"value": expected}
            with pytest.raises(KeyError):
                worker.result(worker.call("fail"))
            assert worker.saved() == {"value": 29}

        drive(cls, steps, count)

    def test_of_threads_the_last_state_is_the_newest(self):
        def steps(worker):
            calls = [worker.call("increment") for _ in range(100)]
            for call in calls:
                worker.result(call)
            assert worker.saved() == {"value": 100}

        drive(Saving, steps, 4)

    def test_saved_with_every_third_call(self):
        def steps(worker):
            for expected in range(1, 9):
                worker.result(worker.call("increment"))
                if expected >= 3:
                    assert worker.saved() == {"value": expected // 3 * 3}

        drive(Saving, steps, arguments={SAVE_EVERY: 3})

    @pytest.mark.parametrize("cls", [Saving, AsyncSaving])
    def test_given_back(self, cls):
        def steps(worker):
            assert worker.result(worker.call("increment")) == 8

        drive(cls, steps, state={"value": 7})

    def test_one_that_cannot_be_restored(self):
        def steps(worker):
            with pytest.raises(KeyError, match="value"):
                worker.result(1)

        drive(Saving, steps, state={"other": 1})

    def test_one_that_cannot_be_saved_fails_the_call(self):
        def steps(worker):
            with pytest.raises(rayx.SerializationError, match="the state of Saving: cannot pickle"):
                worker.result(worker.call("go_bad", True))
            worker.result(worker.call("go_bad", False))
            assert worker.result(worker.call("increment")) == 1

        drive(Saving, steps)
