"""Faults of one machine: each F of the list of promises, with its number in the name of its test.

Tasks of which many workers die are closures: a function of this module would have each new worker
import it, with all that it imports.
"""

import contextlib
import ctypes
import gc
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from session_watch import descendants, note, notes, open_files, poll_until, read

import rayx


@rayx.remote
def add_one(x):
    return x + 1


# ---- F1, F2: workers that die --------------------------------------------------------------------


def kill_if_there(worker):
    """A worker may have ended since it was seen."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)


@pytest.mark.time_limit(120)
def test_F1_worker_kill_200_times(parts, tmp_path):
    """Before the start, while it runs, while it seals its result, while it idles."""
    log = str(tmp_path / "log")

    @rayx.remote
    def fill(number, size):
        note(log, number)
        time.sleep(0.003)  # task work
        return number.to_bytes(1, "little") * size

    choose = random.Random(1)
    took = []
    for number in range(200):
        size = choose.choice([10, 1_000_000])  # in a message, in the pool
        workers = poll_until(parts.workers, 5, "a worker")
        if number % 4 == 0:
            kill_if_there(choose.choice(workers))
        began = time.monotonic()
        result = fill.remote(number, size)
        # The moments are what is tested.
        threading.Event().wait(choose.uniform(0, 0.008))
        for worker in workers:
            kill_if_there(worker)
        value = rayx.get(result, timeout=10)
        took.append(time.monotonic() - began)
        assert value == number.to_bytes(1, "little") * size
    runs = notes(log)
    assert set(runs) == {str(number) for number in range(200)}
    assert max(runs.values()) <= 4
    assert sum(runs.values()) > 220, "hardly a task was hit"
    took.sort()
    assert took[100] <= 0.3
    assert took[197] <= 1.0


def make_poisons():
    """What each does, and what the error must say."""

    def dereference_null():
        ctypes.string_at(0)

    def overflow_the_stack():
        # In C: sorting calls Python, which sorts.
        sys.setrecursionlimit(10**9)
        compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        two = (ctypes.c_long * 2)(2, 1)

        @compare_type
        def compare(a, b):
            ctypes.CDLL(None).qsort(two, 2, 8, compare)
            return 0

        compare(0, 0)

    def close_own_socket():
        for number, target in open_files("self").items():
            if target.startswith("socket:"):
                os.close(int(number))

    return {
        "os_exit": (lambda: os._exit(7), "exited with code 7"),
        "os_exit_0": (lambda: os._exit(0), "exited with code 0"),
        "null_pointer": (dereference_null, "SIGSEGV"),
        "sigsegv": (lambda: os.kill(os.getpid(), signal.SIGSEGV), "SIGSEGV"),
        "abort": (lambda: os.abort(), "SIGABRT"),
        "stack_overflow": (overflow_the_stack, "SIGSEGV"),
        "kill_itself": (lambda: os.kill(os.getpid(), signal.SIGKILL), r"signal 9 \(SIGKILL\)"),
        "sigterm": (lambda: os.kill(os.getpid(), signal.SIGTERM), "SIGTERM"),
        "closerange": (lambda: os.closerange(3, 1024), "clos.* its connection to the node"),
        "own_socket": (close_own_socket, "clos.* its connection to the node"),
    }


POISONS = make_poisons()


@pytest.mark.parametrize("form", POISONS)
def test_F2_poison(parts, tmp_path, form):
    act, text = POISONS[form]
    log = str(tmp_path / "log")

    @rayx.remote
    def poison():
        note(log, "run")
        print("the last words of poison")
        act()
        return "survived"

    began = time.monotonic()
    with pytest.raises(rayx.WorkerCrashedError, match=text) as caught:
        rayx.get(poison.remote(), timeout=10)
    assert time.monotonic() - began <= 3
    assert 1 <= notes(log)["run"] <= 4
    assert "poison" in str(caught.value)
    assert "localhost" in str(caught.value)
    if form != "stack_overflow":  # of which there is a long traceback
        assert "the last words of poison" in str(caught.value)
    assert re.search(r"pid \d+", str(caught.value))


def test_F2_poison_sys_exit(parts, tmp_path):
    """An exception as any other: not retried, and the worker lives."""
    log = str(tmp_path / "log")

    @rayx.remote
    def leave():
        note(log, os.getpid())
        sys.exit(7)

    began = time.monotonic()
    with pytest.raises(rayx.TaskError, match="SystemExit: 7"):
        rayx.get(leave.remote(), timeout=10)
    assert time.monotonic() - began <= 3
    assert sum(notes(log).values()) == 1


@pytest.mark.time_limit(90)
def test_F2_poison_100_among_1000(parts, tmp_path):
    log = str(tmp_path / "log")
    ends = [
        lambda: os._exit(3),
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        lambda: os.kill(os.getpid(), signal.SIGSEGV),
        os.abort,
        lambda: os.closerange(3, 1024),
    ]

    @rayx.remote
    def succeed(number):
        return number + 1

    @rayx.remote
    def poison(number):
        note(log, number)
        ends[number % len(ends)]()

    good, bad = [], []
    for number in range(1100):
        if number % 11 == 5:
            bad.append(poison.remote(len(bad)))
        else:
            good.append(succeed.remote(number))
    expected = [number + 1 for number in range(1100) if number % 11 != 5]
    assert rayx.get(good, timeout=80) == expected
    for result in bad:
        with pytest.raises(rayx.WorkerCrashedError):
            rayx.get(result, timeout=80)
    runs = notes(log)
    assert len(runs) == 100
    assert max(runs.values()) <= 4


def test_a_crash_tells_signal_and_last_lines(parts):
    @rayx.remote(max_retries=0)
    def chatty():
        for number in range(100):
            print(f"line {number}")
        print("to stderr", file=sys.stderr)
        os.write(1, b"without an end")
        os.kill(os.getpid(), signal.SIGBUS)

    with pytest.raises(rayx.WorkerCrashedError) as caught:
        rayx.get(chatty.remote(), timeout=10)
    text = str(caught.value)
    assert "SIGBUS" in text
    for line in ("line 99", "to stderr", "without an end"):
        assert f"  {line}" in text
    assert "line 0\n" not in text


# ---- F14: drivers that die -----------------------------------------------------------------------


def test_F14_another_session_is_unaffected(parts, start_driver):
    driver = start_driver(
        """
@rayx.remote
def sleep():
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    time.sleep(1000)

init()
ids = [sleep.remote() for _ in range(4)]
rayx.wait(ids, timeout=300)
tell(running=True)
rayx.get(ids)
"""
    )
    driver.fact("running")
    driver.record()
    results = [add_one.remote(number) for number in range(100)]
    driver.process.kill()
    driver.wait()
    own = [os.getpid(), parts.supervisor, *descendants(parts.supervisor)]
    # Our own session is in the same place.
    ours = parts.directory
    poll_until(
        lambda: not [line for line in driver.traces.remaining(spare=own) if ours not in line],
        2,
        "nothing is left of the other session",
    )
    assert rayx.get(results, timeout=10) == [number + 1 for number in range(100)]


# ---- F18: what dead workers leave ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.time_limit(150)
def test_F18_zombies(parts):
    @rayx.remote(max_retries=0)
    def die(number):
        if number % 5 == 0:
            subprocess.Popen(["sleep", "1000"])
        os._exit(1)

    def count_dead(numbers):
        dead = 0
        for result in [die.remote(number) for number in numbers]:
            try:
                rayx.get(result, timeout=120)
            except rayx.WorkerCrashedError:
                dead += 1
        return dead

    def settled():
        idle = rayx.available_resources().get("CPU") == 2 and len(parts.workers()) == 2
        return idle and not parts.zombies()

    assert count_dead(range(20)) == 20
    poll_until(settled, 10, "two idle workers")
    files = len(open_files(parts.node))
    assert count_dead(range(1000)) == 1000
    poll_until(settled, 10, "two idle workers, no zombies")
    poll_until(lambda: abs(len(open_files(parts.node)) - files) <= 2, 5, "the node's descriptors")
    left = [pid for pid in descendants(parts.node) if "sleep" in read(f"/proc/{pid}/comm")]
    assert not left, f"{len(left)} children of dead workers are left"


# ---- F39: objects half made ----------------------------------------------------------------------

MIB = 1 << 20


def test_F39_writer_dies_between_create_and_seal(tmp_path):
    log = str(tmp_path / "log")

    @rayx.remote
    def produce(size):
        note(log, "run")
        if notes(log)["run"] <= 2 and os.fork() == 0:
            kill_while_it_writes(os.getppid())
        return np.full(size, 7, dtype=np.uint8)

    def kill_while_it_writes(pid):
        def shared():
            return int(re.search(r"RssShmem:\s+(\d+)", read(f"/proc/{pid}/status")).group(1))

        before = shared()
        while shared() < before + 10_000:
            pass
        os.kill(pid, signal.SIGKILL)
        os._exit(0)

    with rayx.init(num_cpus=2, object_store_memory=400 * MIB):
        # Twice the room would not be there, if what was half written stayed.
        array = rayx.get(produce.remote(250 * MIB), timeout=30)
        assert notes(log)["run"] == 3
        assert array[0] == array[-1] == 7
        assert int(array[:: MIB // 4].astype(int).sum()) == 7 * 1000
        del array
        gc.collect()
        began = time.monotonic()
        rayx.put(np.zeros(390 * MIB, dtype=np.uint8))
        assert time.monotonic() - began < 5


def test_F39_a_writer_that_is_not_retried_gives_its_room_back():
    @rayx.remote(max_retries=0)
    def produce(size):
        if os.fork() == 0:
            pid = os.getppid()
            while (
                int(re.search(r"RssShmem:\s+(\d+)", read(f"/proc/{pid}/status")).group(1)) < 9_000
            ):
                pass
            os.kill(pid, signal.SIGKILL)
            os._exit(0)
        return np.full(size, 7, dtype=np.uint8)

    with rayx.init(num_cpus=1, object_store_memory=200 * MIB):
        with pytest.raises(rayx.WorkerCrashedError):
            rayx.get(produce.remote(150 * MIB), timeout=20)
        rayx.put(np.zeros(190 * MIB, dtype=np.uint8))


def test_the_driver_itself_breaks_its_connection(start_driver):
    """It is told, and ends; others of the machine do not care."""
    driver = start_driver(
        """
@rayx.remote
def one():
    return 1

init()
assert rayx.get(one.remote()) == 1
os.closerange(3, 1024)
try:
    rayx.get(one.remote(), timeout=5)
except rayx.RayxError as error:
    tell(error=type(error).__name__)
"""
    )
    assert driver.fact("error") == "NodeDiedError"
    assert driver.wait() is not None
    driver.traces.record_directory(driver.fact("session_dir"))
    driver.traces.assert_gone()


@pytest.mark.parametrize("way", ["numpy", "ctypes"])
def test_F41_reader_writes(parts, way):
    """numpy refuses; who goes round it dies, and the object stays as it was."""
    array = np.arange(MIB, dtype=np.uint8)
    stored = rayx.put(array)
    kept = rayx.get(stored)

    @rayx.remote(max_retries=0)
    def write(values):
        if way == "numpy":
            values[0] = 1
        else:
            ctypes.memset(values.ctypes.data, 1, 4096)

    expected = ValueError if way == "numpy" else rayx.WorkerCrashedError
    with pytest.raises(expected, match="read-only" if way == "numpy" else "SIGSEGV"):
        rayx.get(write.remote(stored), timeout=10)
    np.testing.assert_array_equal(kept, array)
