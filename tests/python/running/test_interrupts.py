import contextlib
import gc
import signal
import sys
import threading
import weakref
from typing import ClassVar

import pytest

import rayx
from rayx.running import interrupts
from rayx.running.interrupts import Interrupts


class FakeTask:
    name = "work"
    options: ClassVar = {"timeout_ms": 1500}

    def __init__(self, sequence):
        self.sequence = sequence


class FakeClient:
    interrupted = (0, 0)

    def interrupt(self):
        return self.interrupted


@pytest.fixture
def client():
    return FakeClient()


def test_only_the_task_that_is_meant(client):
    heard = []
    found = Interrupts(client)
    first, second = FakeTask(1), FakeTask(2)
    found.open(first, lambda error: heard.append(("first", error)))
    found.open(second, lambda error: heard.append(("second", error)))
    client.interrupted = (2, 1)
    found._on_signal(0, None)
    ((who, error),) = heard
    assert who == "second"
    assert type(error) is rayx.TaskCancelledError
    assert found.close(first) is True
    assert found.close(second) is False


def test_once(client):
    heard = []
    found = Interrupts(client)
    found.open(FakeTask(1), heard.append)
    client.interrupted = (1, 2)
    found._on_signal(0, None)
    found._on_signal(0, None)
    assert [str(error) for error in heard] == [
        "work ran for longer than its timeout of 1.5 seconds"
    ]


def test_what_came_before_the_task_began(client):
    client.interrupted = (3, 1)
    found = Interrupts(client)
    with pytest.raises(rayx.TaskCancelledError, match="work was cancelled"):
        found.open(FakeTask(3), interrupts.raise_here)
    found.open(FakeTask(4), interrupts.raise_here)


def test_nothing_after_the_end(client):
    found = Interrupts(client)
    task = FakeTask(1)
    found.open(task, interrupts.raise_here)
    found.close(task)
    client.interrupted = (1, 1)
    found._on_signal(0, None)


def test_a_reason_of_none_is_no_interrupt(client):
    found = Interrupts(client)
    found.open(FakeTask(0), interrupts.raise_here)


def test_sigint_stops_the_task_of_the_main_thread_and_nothing_else(client):
    found = Interrupts(client)
    found._on_interrupt(0, None)
    task, elsewhere = FakeTask(1), FakeTask(2)
    found.open(elsewhere, lambda error: None)
    found._on_interrupt(0, None)
    found.open(task, interrupts.raise_here)
    for _ in range(2):  # a task that goes on may be stopped again
        with pytest.raises(KeyboardInterrupt):
            found._on_interrupt(0, None)
    assert found.close(task) is True
    found._on_interrupt(0, None)


def test_a_thread_that_was_not_reached_in_time():
    interrupter = interrupts.ThreadInterrupter()
    try:
        interrupter(rayx.TaskCancelledError("text"))
        interrupter.withdraw()
    except rayx.TaskCancelledError as error:  # it came before it could be withdrawn
        assert str(interrupter.error_of(error)) == "text"
    for _ in range(1000):
        pass
    other = KeyError()
    assert interrupter.error_of(other) is other


def test_what_was_interrupted_is_let_go_at_once():
    """Without the garbage collector: the task's arguments may be memory that others wait for."""

    class Argument:
        pass

    def work(argument):
        interrupts.raise_here(rayx.TaskCancelledError("work"))

    argument = Argument()
    gone = weakref.ref(argument)
    gc.disable()
    try:
        with contextlib.suppress(rayx.TaskCancelledError):
            work(argument)
        del argument
        assert gone() is None
    finally:
        gc.enable()


def test_it_is_known_until_its_task_has_ended(client):
    found = Interrupts(client)
    task = FakeTask(1)
    found.open(task, interrupts.raise_here)
    client.interrupted = (1, 1)
    assert not found.has_raised(None)
    with pytest.raises(rayx.TaskCancelledError) as caught:
        found._on_signal(0, None)
    assert found.has_raised(caught.value)
    assert not found.has_raised(rayx.TaskCancelledError("of another task"))
    assert not found.has_raised(ValueError())
    found.close(task)
    assert not found.has_raised(caught.value)


class TestAnInterruptionInAFinalizer:
    """Python throws it away; it must come again, right behind the finalizer."""

    @pytest.fixture
    def found(self, client):
        found = Interrupts(client)
        handlers = [(number, signal.getsignal(number)) for number in (signal.SIGURG, signal.SIGINT)]
        hook = sys.unraisablehook
        found.install()
        yield found
        sys.unraisablehook = hook
        for number, handler in handlers:
            signal.signal(number, handler)

    def test_in_the_main_thread(self, client, found):
        class InterruptedAtItsEnd:
            def __del__(self):
                client.interrupted = (1, 1)
                signal.raise_signal(signal.SIGURG)
                raise AssertionError("not reached")

        task = FakeTask(1)
        found.open(task, interrupts.raise_here)
        steps = []
        with pytest.raises(rayx.TaskCancelledError, match="work was cancelled"):
            for step in range(3):
                steps.append(step)
                InterruptedAtItsEnd()
        assert steps == [0]
        assert found.close(task) is False
        assert not found._running
        assert not found._interrupted

    def test_in_a_thread(self, client, found):
        steps, caught = [], []

        class InterruptedAtItsEnd:
            def __del__(self):
                client.interrupted = (1, 2)
                found._on_signal(0, None)
                for _ in range(100):
                    pass
                raise AssertionError("not reached")

        def work():
            task, interrupter = FakeTask(1), interrupts.ThreadInterrupter()
            found.open(task, interrupter)
            try:
                for step in range(3):
                    steps.append(step)
                    InterruptedAtItsEnd()
            except rayx.TaskTimeoutError as error:
                caught.append(str(interrupter.error_of(error)))
            if not found.close(task):
                interrupter.withdraw()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join(30)
        assert steps == [0]
        assert caught == ["work ran for longer than its timeout of 1.5 seconds"]

    @pytest.mark.parametrize("kind", [ValueError, rayx.TaskCancelledError])
    def test_what_is_raised_there_otherwise_is_reported(self, found, kind):
        class Raises:
            def __del__(self):
                raise kind("of its own")

        reported = []
        found._report_unraisable = lambda lost: reported.append(lost.exc_value)
        found.open(FakeTask(1), interrupts.raise_here)
        Raises()
        assert [str(error) for error in reported] == ["of its own"]
