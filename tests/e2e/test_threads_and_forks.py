"""Threads and forks: each F of the list of promises, with its number in the name of its test.

Forks of drivers, and sessions begun and ended in threads, are in test_session.py.
"""

import multiprocessing
import os
import sys
import threading
import time

import pytest
from session_watch import poll_until

import rayx

# Python warns of forks in programs with threads; that is what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@rayx.remote
def add_one(x):
    return x + 1


# ---- F19: forks of the user ----------------------------------------------------------------------


def child_ends(how):
    """Forks, and returns the child's exit code."""
    child = os.fork()
    if child == 0:
        end_child(how)
        return "of the child"
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def end_child(how):
    if how == "os_exit":
        os._exit(3)
    if how == "sys_exit":
        sys.exit(4)
    if how == "uses_the_api":
        try:
            rayx.get(add_one.remote(1), timeout=5)
        except rayx.ForkedProcessError:
            os._exit(5)
    if how == "shuts_down":
        rayx.shutdown()
        os._exit(6)


CHILDREN = {
    "os_exit": 3,
    "sys_exit": 4,
    "uses_the_api": 5,
    "shuts_down": 6,
    # Of a function's end: the task's result is its parent's.
    "returns": 0,
}


@pytest.mark.parametrize("how", CHILDREN)
@pytest.mark.parametrize("where", ["task", "actor", "actor_of_threads"])
def test_F19_fork_in_a_worker(parts, where, how):
    """The child's end does nothing to the parent, whose result is the only one."""

    class Parent:
        def fork(self, how):
            return child_ends(how)

        def answer(self):
            return "here"

    if where == "task":
        assert rayx.get(rayx.remote(child_ends).remote(how), timeout=20) == CHILDREN[how]
        return
    threads = 2 if where == "actor_of_threads" else 1
    parent = rayx.remote(max_concurrency=threads)(Parent).remote()
    assert rayx.get(parent.fork.remote(how), timeout=20) == CHILDREN[how]
    assert rayx.get([parent.answer.remote() for _ in range(10)], timeout=10) == ["here"] * 10


def leave_a_grandchild():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        if grandchild == 0:
            time.sleep(1)  # task work
            os._exit(0)
        os.write(writing, str(grandchild).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return int(os.read(reading, 100))


def test_F19_a_grandchild_that_outlives_its_task(parts):
    """It runs on, disturbs nobody, and is no zombie afterwards."""
    grandchild = rayx.get(rayx.remote(leave_a_grandchild).remote(), timeout=20)
    assert rayx.get([add_one.remote(x) for x in range(20)], timeout=10) == list(range(1, 21))
    assert os.path.exists(f"/proc/{grandchild}")
    poll_until(lambda: not os.path.exists(f"/proc/{grandchild}"), 10, "it is gone")


@pytest.mark.parametrize("how", ["os_exit", "uses_the_api", "shuts_down"])
def test_F19_fork_in_the_driver(parts, how):
    assert child_ends(how) == CHILDREN[how]
    assert rayx.get(add_one.remote(1), timeout=10) == 2


@pytest.mark.leaves("children")  # the resource tracker, which lives as long as its program
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("where", ["task", "driver"])
def test_F19_multiprocessing(parts, where, method):
    def absolutes():
        with multiprocessing.get_context(method).Pool(2) as pool:
            return pool.map(abs, range(-20, 0))

    expected = list(range(20, 0, -1))
    if where == "driver":
        assert absolutes() == expected
    else:
        assert rayx.get(rayx.remote(absolutes).remote(), timeout=30) == expected


def test_F19_ids_of_the_parent(start_driver):
    """A fork with a session of its own cannot have what is its parent's, and does not wait."""
    driver = start_driver(
        """
@rayx.remote
def one():
    return 1

init()
stored = rayx.put(1)
child = os.fork()
if child == 0:
    rayx.init(num_cpus=1)
    assert rayx.get(one.remote()) == 1
    try:
        rayx.get(stored)
    except ValueError as error:
        tell(error=str(error))
    rayx.shutdown()
    os._exit(0)
tell(code=os.waitpid(child, 0)[1], value=rayx.get(stored))
"""
    )
    assert "is of another session" in driver.fact("error")
    assert (driver.fact("code"), driver.fact("value")) == (0, 1)
    assert driver.wait() == 0


# ---- F20: init and shutdown where nobody expects them --------------------------------------------


def test_F20_in_a_task(parts):
    def use(what):
        if what == "init":
            rayx.init()
        rayx.shutdown()
        return rayx.get(add_one.remote(1))

    assert rayx.get(rayx.remote(use).remote("shutdown"), timeout=20) == 2
    with pytest.raises(rayx.AlreadyInitializedError, match="called by the task use, which has"):
        rayx.get(rayx.remote(use).remote("init"), timeout=20)


def test_F20_twice_and_from_threads(parts):
    said = []

    def begin():
        try:
            rayx.init()
        except rayx.AlreadyInitializedError as error:
            said.append(str(error))

    begin()
    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 9
    assert all("rayx.init() was called a second time" in text for text in said)


def test_F20_ids_of_a_session_that_has_ended():
    """They are refused by the next one: nobody could ever answer."""
    with rayx.init(num_cpus=1):
        stored = rayx.put(1)
        actor = rayx.remote(type("Actor", (), {"answer": lambda self: 1})).remote()
        assert rayx.get([stored, actor.answer.remote()], timeout=20) == [1, 1]
    with rayx.init(num_cpus=1):
        for use in (
            lambda: rayx.get(stored),
            lambda: rayx.get([rayx.put(2), stored]),
            lambda: rayx.wait([stored]),
            lambda: add_one.remote(stored),
            lambda: add_one.remote([stored]),
            lambda: rayx.put([stored]),
            lambda: list(rayx.as_completed([stored])),
            lambda: rayx.cancel(stored),
            lambda: rayx.kill(actor),
            lambda: actor.answer.remote(),
            lambda: add_one.remote(actor),
        ):
            with pytest.raises(
                rayx.InvalidArgumentError,
                match=r"ObjectID\([0-9a-f]{40}\) is of another session than the present one: of "
                r"one that rayx\.shutdown\(\) has ended, or of the process that this one is a fork "
                r"of\. Its object cannot be had here",
            ):
                use()
        assert rayx.get(add_one.remote(1), timeout=10) == 2


ENDINGS = {
    "nothing": "",
    "shutdown_at_exit": "import atexit\natexit.register(rayx.shutdown)",
    "use_after_shutdown": "rayx.shutdown()\ntry:\n    one.remote()\nexcept rayx.RayxError: pass",
    "a_thread_shuts_down": (
        "thread = threading.Thread(target=rayx.shutdown)\nthread.start()\nthread.join()"
    ),
    "a_daemon_thread_waits": (
        "threading.Thread(target=rayx.get, args=(forever,), daemon=True).start()"
    ),
    "init_again": "rayx.shutdown()\nrayx.init(num_cpus=1)",
    "an_actor_runs": "running = Actor.remote().spin.remote()",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_F20_the_interpreter_ends(start_driver, ending):
    driver = start_driver(
        f"""
@rayx.remote
def one():
    return 1

@rayx.remote
def spin():
    while True:
        time.sleep(0.01)  # task work

@rayx.remote
class Actor:
    def spin(self):
        while True:
            time.sleep(0.01)  # task work

init()
assert rayx.get(one.remote()) == 1
forever = spin.remote()
{ENDINGS[ending]}
tell(done=True)
"""
    )
    driver.fact("done")
    began = time.monotonic()
    assert driver.wait() == 0, driver.output()
    assert time.monotonic() - began <= 2
    driver.traces.record_directory(driver.fact("session_dir"))
    driver.traces.assert_gone()


# ---- F25: threads --------------------------------------------------------------------------------

THREADS = 64


def run_in_threads(work):
    """`work(number)` in 64 threads at once; all that went wrong."""
    failures = []

    def guarded(number):
        try:
            work(number)
        except BaseException as error:
            failures.append(f"thread {number}: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


@pytest.mark.time_limit(240)
def test_F25_64_threads(parts):
    """Each submits and gets 1000 tasks, and puts and waits in between."""

    def work(number):
        for step in range(0, 1000, 10):
            base = number * 1000 + step
            ids = [add_one.remote(base + index) for index in range(10)]
            stored = rayx.put([base] * (base % 50))
            ready, remaining = rayx.wait(ids, num_returns=3)
            assert len(ready) == 3
            assert sorted(ready + remaining) == sorted(ids)
            assert rayx.get(ids) == [base + index + 1 for index in range(10)]
            assert rayx.get(stored) == [base] * (base % 50)

    assert run_in_threads(work) == []


@pytest.mark.time_limit(120)
def test_F25_64_threads_call_actors(parts):
    """One actor's calls of one caller run in order, whichever thread made them."""

    class Counter:
        def __init__(self):
            self.value = 0

        def increment(self):
            self.value += 1
            return self.value

    counter = rayx.remote(Counter).remote()
    seen = [[] for _ in range(THREADS)]

    def work(number):
        for _ in range(50):
            seen[number].append(rayx.get(counter.increment.remote()))

    assert run_in_threads(work) == []
    assert all(values == sorted(values) for values in seen)
    assert sorted(value for values in seen for value in values) == list(range(1, 64 * 50 + 1))
