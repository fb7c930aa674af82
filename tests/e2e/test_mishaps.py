"""What goes wrong in tasks and actors: the message of each mishap, word for word.

As in test_mistakes.py: each is a function without arguments, with the type of the error and all
that it says, as a regular expression. After each the session must work.
"""

import ctypes
import faulthandler
import os
import re
import sys
import threading
import time

import numpy as np
import pytest
from session_watch import poll_until

import rayx

OBJECT = r"ObjectID\([0-9a-f]{40}\)"
TASK = r"\(task [0-9a-f]{32}\)"
NODE = r"node localhost \(node [0-9a-f]{8}\)"
ACTOR = r"Counter \([0-9a-f]{32}\)"
ASK_FOR_LESS = r"Ask for less, or give more to rayx\.init \(num_cpus, num_gpus, resources\)\."
FRAMES = r"Traceback \(most recent call last\):\n( .*\n)+"


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2):
        yield


@pytest.fixture(autouse=True)
def works_again():
    """Whatever a test does, workers go on, and what tasks held is free."""
    yield
    assert rayx.get([rayx.remote(abs).remote(-x) for x in range(4)], timeout=20) == [0, 1, 2, 3]
    poll_until(lambda: rayx.available_resources().get("CPU") == 2, 5, "all CPUs are free again")


def check(mishap, kind, text):
    with pytest.raises(kind) as caught:
        mishap()
    said = str(caught.value)
    assert re.fullmatch(text, said), f"it says\n{said}\nand not\n{text}"


def failed(name, end):
    """What is said of a task that raised: where it ran, its traceback, and then `end`."""
    place = r"pid=\d+, node=[0-9a-f]{8}, task=[0-9a-f]{32}"
    return rf"task {name} failed \({place}\)\n({FRAMES})?{end}"


def crashed(name, end):
    """What is said of a task whose worker died each time."""
    return (
        rf"{name} {TASK} was begun 4 times on {NODE}, and each time its worker died "
        rf"\(max_retries=3\)\. The last one: worker pid \d+ {end}"
    )


def run(act, *args, **options):
    """What a task that is called `act` returns."""
    return rayx.get(rayx.remote(act).options(name="act", **options).remote(*args), timeout=30)


# ---- tasks that raise ----------------------------------------------------------------------------


class PeculiarError(Exception):
    def __init__(self, code, *, detail):
        super().__init__(f"code {code}")
        self.code = code
        self.detail = detail


class LockedError(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


def raise_peculiar():
    raise PeculiarError(7, detail=[1])


def raise_locked():
    raise LockedError("with a lock")


def recurse():
    return recurse()


def write_into(array):
    array[0] = 1


def init_in_a_task():
    rayx.init()


RAISING = {
    "exception_with_a_custom_init": (
        lambda: run(raise_peculiar),
        PeculiarError,
        failed(r"act\(\)", r"(\w+\.)*PeculiarError: code 7"),
    ),
    "exception_that_holds_a_lock": (
        lambda: run(raise_locked),
        LockedError,
        failed(r"act\(\)", r"(\w+\.)*LockedError: with a lock"),
    ),
    "recursion": (
        lambda: run(recurse),
        RecursionError,
        failed(r"act\(\)", "RecursionError: maximum recursion depth exceeded"),
    ),
    "memory": (
        lambda: run(lambda: bytearray(1 << 60)),
        MemoryError,
        failed(r"act\(\)", "MemoryError"),
    ),
    "sys_exit": (
        lambda: run(sys.exit),
        rayx.TaskError,
        failed(r"act\(\)", r"SystemExit\nthe task called sys\.exit\(\)"),
    ),
    "result_that_cannot_be_pickled": (
        lambda: run(threading.Lock),
        rayx.SerializationError,
        failed(
            r"act\(\)",
            r"TypeError: cannot pickle '_thread\.lock' object\n\nThe above exception was the "
            r"direct cause of the following exception:\n\nrayx\.errors\.SerializationError: "
            r"cannot be pickled: the result of act: cannot pickle '_thread\.lock' object\. Make it "
            r"where it is used, leave it out, or define __reduce__ in its class",
        ),
    ),
    "fewer_results_than_num_return_vals": (
        lambda: rayx.get(
            rayx.remote(lambda: (1, 2)).options(name="act", num_return_vals=3).remote()
        ),
        ValueError,
        failed(r"act\(\)", "ValueError: act has num_return_vals=3, but it returned 2 values"),
    ),
    "one_result_where_several_are_due": (
        lambda: rayx.get(rayx.remote(lambda: 5).options(name="act", num_return_vals=2).remote()),
        TypeError,
        failed(
            r"act\(\)",
            "TypeError: act has num_return_vals=2, so it must return a tuple or list of 2 values, "
            "but it returned one of type int",
        ),
    ),
    "array_that_is_written": (
        lambda: run(write_into, np.zeros(10)),
        ValueError,
        failed(
            r"act\(<ndarray float64 \(10,\)>\)",
            r"ValueError: assignment destination is read-only\n\(arrays that come from objects are "
            r"shared, so read-only: change a copy of it\)",
        ),
    ),
    "init_in_a_task": (
        lambda: run(init_in_a_task),
        rayx.AlreadyInitializedError,
        failed(
            r"act\(\)",
            r"rayx\.errors\.AlreadyInitializedError: rayx\.init\(\) was called by the task act, "
            r"which has its session already: use rayx as it is\. If a module that the task imports "
            r"calls it, put the call under `if __name__ == \"__main__\":`, or say "
            r"ignore_reinit_error=True\.",
        ),
    ),
}


@pytest.mark.parametrize("name", RAISING)
def test_a_task_that_raises(name):
    check(*RAISING[name])


# ---- tasks that die, or nearly -------------------------------------------------------------------

DYING = {
    "os_exit": (lambda: os._exit(3), r"exited with code 3"),
    "segfault": (
        # Without the long traceback that faulthandler prints.
        lambda: (faulthandler.disable(), ctypes.string_at(0)),
        r"was killed by signal 11 \(SIGSEGV\)",
    ),
    "closed_files": (
        lambda: os.closerange(0, 21),
        r"exited with code 0 \(did the task end the process, or close its connection to the "
        r"node\?\)",
    ),
}


@pytest.mark.parametrize("name", DYING)
def test_a_task_that_dies(name):
    act, end = DYING[name]
    check(lambda: run(act), rayx.WorkerCrashedError, crashed("act", end))


def test_a_task_that_dies_and_is_not_retried():
    check(
        lambda: run(lambda: os._exit(3), max_retries=0),
        rayx.WorkerCrashedError,
        rf"act {TASK} was begun once on {NODE}, and its worker died \(max_retries=0\): worker pid "
        r"\d+ exited with code 3",
    )


def test_a_flood_of_output(start_driver, tmp_path):
    """50 MB: whatever nobody can read in time is dropped, and that is said."""
    seen = tmp_path / "seen"
    driver = start_driver(
        """
@rayx.remote
def flood():
    for _ in range(50):
        sys.stdout.write(("x" * 99 + "\\n") * 10_000)

@rayx.remote
def say():
    print("after the flood")

init()
tell(flood=rayx.get(flood.remote()))
while not os.path.exists(sys.argv[1]):
    # Again and again, since this is dropped too as long as there is no room for it.
    rayx.get(say.remote())
    threading.Event().wait(0.05)
rayx.shutdown()
""",
        seen,
    )
    poll_until(lambda: "after the flood" in driver.output(), 30, "what is printed after the flood")
    seen.touch()
    assert driver.wait() == 0
    said = re.compile(
        r"\{.*\}|\(flood pid=\d+\) x{99}|\(say pid=\d+\) after the flood|"
        r"\(\w+ pid=\d+\) \[rayx: \d+ blocks of output were dropped, the driver did not read them\]"
    )
    assert not [line for line in driver.output().splitlines() if not said.fullmatch(line)][:5]


def test_a_task_that_forks():
    """Its child cannot use the session, is told so, and ends where the task does."""

    def fork():
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            text = os.read(reading, 1000).decode()
            return text, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:
            rayx.put(1)
        except rayx.ForkedProcessError as error:
            os.write(writing, str(error).encode())
        sys.exit(5)

    text, exit_code = run(fork)
    assert exit_code == 5
    assert re.fullmatch(
        r"process \d+ is a fork of a process that uses rayx, and cannot share its connection\. Use "
        r"remote functions in place of the fork, start the process by 'spawn' "
        r"\(multiprocessing\.get_context\('spawn'\)\), or call rayx\.init\(\) in it for its own "
        r"session\.",
        text,
    )


# ---- tasks that cannot run, or are stopped -------------------------------------------------------


def make_spin():
    """Made here, so that workers need not import this module to have it."""

    def spin(started=None):
        if started is not None:
            open(started, "w").close()
        while True:
            time.sleep(0.001)  # task work

    return spin


class SlowToLoad:
    def __reduce__(self):
        return time.sleep, (100,)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"num_gpus": 1}, "CPU: 1, GPU: 1"),
        ({"num_cpus": 100}, "CPU: 100"),
        ({"resources": {"disk": 0.5}}, "CPU: 1, disk: 0.5"),
    ],
)
def test_more_than_there_is(options, asked):
    check(
        lambda: run(abs, -1, **options),
        rayx.InfeasibleError,
        rf"act {TASK} asks for \{{{asked}\}}, but {NODE} has \{{CPU: 2\}} in all, so it can never "
        rf"run\. {ASK_FOR_LESS}",
    )


def test_a_timeout():
    check(
        lambda: run(make_spin(), timeout=0.1),
        rayx.TaskTimeoutError,
        failed(
            r"act\(\)",
            r"rayx\.errors\.TaskTimeoutError: act ran for longer than its timeout of 0\.1 seconds",
        ),
    )


def test_a_timeout_while_an_argument_is_loaded():
    with pytest.raises(rayx.TaskTimeoutError, match=r"act ran for longer than .* 0\.2 seconds"):
        run(lambda value: value, SlowToLoad(), timeout=0.2)


def test_a_cancelled_task(tmp_path):
    started = tmp_path / "started"
    running = rayx.remote(make_spin()).remote(str(started))
    poll_until(started.exists, 10, "the task runs")
    rayx.cancel(running)
    check(
        lambda: rayx.get(running, timeout=10),
        rayx.TaskCancelledError,
        failed(
            r"spin\(.*\)",
            r"rayx\.errors\.TaskCancelledError: spin was cancelled by rayx\.cancel while it ran",
        ),
    )


def test_a_cancelled_task_that_waited():
    holding = [rayx.remote(make_spin()).remote() for _ in range(2)]
    waiting = rayx.remote(abs).options(num_cpus=2).remote(-1)
    rayx.cancel(waiting)
    check(
        lambda: rayx.get(waiting, timeout=10),
        rayx.TaskCancelledError,
        rf"abs {TASK} was cancelled by rayx\.cancel\.",
    )
    for running in holding:
        rayx.cancel(running)


def test_a_get_that_takes_too_long():
    running = rayx.remote(make_spin()).remote()
    try:
        check(
            lambda: rayx.get([rayx.put(1), running], timeout=0.2),
            rayx.GetTimeoutError,
            rf"1 of 2 objects were ready after 0\.2 seconds; not ready: {running.hex()}\n"
            rf"spin {TASK} runs on worker \d+ \(pid \d+\)\.",
        )
    finally:
        rayx.cancel(running)


# ---- actors --------------------------------------------------------------------------------------


class Counter:
    def __init__(self, cause=None):
        if cause is not None:
            raise ValueError(cause)
        self.value = 0

    def increment(self):
        self.value += 1
        return self.value

    def leave(self):
        os._exit(3)

    def ask_itself(self, me):
        return rayx.get(me.increment.remote())


@pytest.fixture
def counter():
    made = rayx.remote(Counter).remote()
    assert rayx.get(made.increment.remote(), timeout=20) == 1
    return made


def test_a_constructor_that_raises():
    broken = rayx.remote(Counter).remote("not today")
    check(
        lambda: rayx.get(broken.increment.remote(), timeout=10),
        ValueError,
        failed(r"Counter\.__init__\('not today'\)", "ValueError: not today"),
    )


def test_an_actor_that_dies(counter):
    check(
        lambda: rayx.get(counter.leave.remote(), timeout=10),
        rayx.ActorDiedError,
        rf"Counter\.leave {TASK} was running when the worker of actor {ACTOR} died: worker pid \d+ "
        r"exited with code 3",
    )
    check(
        lambda: rayx.get(counter.increment.remote(), timeout=10),
        rayx.ActorDiedError,
        rf"Counter\.increment {TASK} failed: actor {ACTOR} is dead: its worker died, and it may "
        r"not be made again \(max_restarts=0\): worker pid \d+ exited with code 3",
    )


def test_a_killed_actor(counter):
    rayx.kill(counter)
    check(
        lambda: rayx.get(counter.increment.remote(), timeout=10),
        rayx.ActorDiedError,
        rf"Counter\.increment {TASK} failed: actor {ACTOR} is dead: it was ended by "
        r"rayx\.kill\(\)",
    )


def test_an_actor_that_waits_for_itself(counter):
    check(
        lambda: rayx.get(counter.ask_itself.remote(counter), timeout=10),
        rayx.DeadlockError,
        failed(
            r"Counter\.ask_itself\(.*\)",
            rf"rayx\.errors\.DeadlockError: the actor Counter waits for a call of itself "
            rf"\({OBJECT}\), which runs only after the present one\. Call the method directly "
            r"\(self\.method\(\)\), return the ObjectID in place of its value, or make the actor "
            r"with max_concurrency=2",
        ),
    )
