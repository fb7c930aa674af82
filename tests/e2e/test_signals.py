"""Signals in tasks: what a program can do with them, a task can."""

import _thread
import os
import signal
import subprocess
import threading

import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


@rayx.remote
def add_one(x):
    return x + 1


def child_that_gets(number):
    """How a child ends that is sent this signal; -9 if it does not mind it."""
    child = subprocess.Popen(["sleep", "60"])
    child.send_signal(number)
    try:
        return child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_children_of_tasks_hear_signals(number):
    """What a process ignores its children ignore; a worker ignores nothing that a program hears."""
    assert rayx.get(rayx.remote(child_that_gets).remote(number)) == -number


def test_children_of_actors_hear_signals():
    @rayx.remote
    class Starter:
        async def awaited(self):
            return child_that_gets(signal.SIGINT)

        def plain(self):
            return child_that_gets(signal.SIGINT)

    starter = Starter.remote()
    assert rayx.get([starter.awaited.remote(), starter.plain.remote()]) == [-signal.SIGINT] * 2


@pytest.mark.parametrize("how", ["kill", "interrupt_main"])
def test_a_task_interrupts_itself(how):
    """As libraries do that bound the time of a function."""

    @rayx.remote
    def wait():
        interrupt = {
            "kill": lambda: os.kill(os.getpid(), signal.SIGINT),
            "interrupt_main": _thread.interrupt_main,
        }[how]
        heard = []
        for _ in range(2):
            threading.Timer(0.05, interrupt).start()
            try:
                for _ in range(1000):  # interrupt_main wakes nobody who waits
                    threading.Event().wait(0.02)
            except KeyboardInterrupt:
                heard.append("interrupted")
        return heard

    assert rayx.get(wait.remote()) == ["interrupted"] * 2


def test_an_interrupt_that_nobody_handles_fails_the_task_and_no_other():
    @rayx.remote
    def interrupted():
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(rayx.TaskError, match="KeyboardInterrupt") as caught:
        rayx.get(interrupted.remote())
    assert not isinstance(caught.value, KeyboardInterrupt)
    assert rayx.get([add_one.remote(i) for i in range(20)]) == list(range(1, 21))


def test_between_tasks_an_interrupt_is_nobodys():
    @rayx.remote
    class Worker:
        def pid(self):
            return os.getpid()

    worker = Worker.remote()
    pid = rayx.get(worker.pid.remote())
    for _ in range(20):
        os.kill(pid, signal.SIGINT)
        assert rayx.get(worker.pid.remote()) == pid


def test_handlers_of_a_task():
    @rayx.remote
    def handle():
        heard = []
        for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGINT):
            before = signal.signal(number, lambda number, frame: heard.append(number))
            signal.raise_signal(number)
            signal.signal(number, before)
        return heard

    assert rayx.get(handle.remote()) == [
        signal.SIGTERM,
        signal.SIGALRM,
        signal.SIGUSR1,
        signal.SIGINT,
    ]


def test_an_alarm_interrupts_a_get_inside_a_task():
    @rayx.remote
    def endless():
        threading.Event().wait(60)

    @rayx.remote
    def outer():
        class Alarm(Exception):
            pass

        def ring(number, frame):
            raise Alarm

        inner = endless.remote()
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        try:
            rayx.get(inner)
        except Alarm:
            return "alarm"
        finally:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            rayx.cancel(inner)

    assert rayx.get(outer.remote()) == "alarm"


@pytest.fixture
def on_alarm():
    """Sets the handler of the alarm that comes in a moment."""

    def set_handler(handler):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    before = signal.getsignal(signal.SIGALRM)
    yield set_handler
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@rayx.remote
def wait_for_file(path):
    while not os.path.exists(path):
        threading.Event().wait(0.01)
    return "seen"


WAITS = {
    "get": lambda object_id: rayx.get(object_id, timeout=60),
    "wait": lambda object_id: rayx.get(rayx.wait([object_id], timeout_s=60)[0][0]),
}


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_goes_on_after_a_handler(on_alarm, tmp_path, wait):
    """The handler may use rayx itself."""
    heard = []

    def handle(number, frame):
        heard.append(rayx.get(add_one.remote(1)))
        (tmp_path / "file").touch()

    result = wait_for_file.remote(str(tmp_path / "file"))
    on_alarm(handle)
    assert WAITS[wait](result) == "seen"
    assert heard == [2]


@pytest.mark.parametrize("wait", WAITS)
def test_a_wait_ends_with_what_a_handler_raises(on_alarm, tmp_path, wait):
    def handle(number, frame):
        raise LookupError("in the handler")

    result = wait_for_file.remote(str(tmp_path / "file"))
    on_alarm(handle)
    with pytest.raises(LookupError, match="in the handler") as caught:
        WAITS[wait](result)
    assert caught.value.__context__ is None
    assert caught.traceback[-1].name == "handle"
    (tmp_path / "file").touch()
    assert rayx.get(result) == "seen"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("wait", WAITS)
def test_a_child_that_a_handler_forks_does_not_wait(on_alarm, tmp_path, wait):
    children = []

    def handle(number, frame):
        children.append(os.fork())
        (tmp_path / "file").touch()

    result = wait_for_file.remote(str(tmp_path / "file"))
    on_alarm(handle)
    refused = False
    try:
        assert WAITS[wait](result) == "seen"
    except rayx.ForkedProcessError:
        refused = True
    finally:
        if children == [0]:
            os._exit(7 if refused else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 7


@pytest.fixture
def silent_node():
    """The node, which does nothing before it is sent SIGCONT."""
    node = rayx.nodes()[0].pid
    os.kill(node, signal.SIGSTOP)
    yield node
    os.kill(node, signal.SIGCONT)


def names_nobody():
    with pytest.raises(ValueError, match="nobody"):
        rayx.get_actor("nobody")
    return True


QUESTIONS = {"resources": lambda: rayx.cluster_resources()["CPU"] > 0, "actor": names_nobody}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_ends_with_what_a_handler_raises(on_alarm, silent_node, question):
    def handle(number, frame):
        raise LookupError("in the handler")

    on_alarm(handle)
    with pytest.raises(LookupError, match="in the handler"):
        QUESTIONS[question]()


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_goes_on_after_a_handler(on_alarm, silent_node, question):
    """The node hears of it once, however often the caller has looked for signals by then."""
    on_alarm(lambda number, frame: os.kill(silent_node, signal.SIGCONT))
    assert QUESTIONS[question]()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_child_that_a_handler_forks_gets_no_answer(on_alarm, silent_node, question):
    children = []

    def handle(number, frame):
        children.append(os.fork())
        os.kill(silent_node, signal.SIGCONT)

    on_alarm(handle)
    refused = False
    try:
        assert QUESTIONS[question]()
    except rayx.ForkedProcessError:
        refused = True
    finally:
        if children == [0]:
            os._exit(7 if refused else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 7
