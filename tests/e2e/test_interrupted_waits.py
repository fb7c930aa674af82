"""Ctrl-C while the program waits: how soon it is heard, whatever other threads do meanwhile.

A timer's signal takes the place of Ctrl-C: to Python it is the same, and when it was due is known.
"""

import signal
import threading
import time

import pytest

import rayx

# A tenth of a second is what people do not notice; the rest is for machines that have other work.
SOON_SECONDS = 0.25
INTERRUPTS = 24


@rayx.remote
def hold(seconds):
    time.sleep(seconds)  # task work


@rayx.remote
def double(x):
    return 2 * x


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2):
        yield


@pytest.fixture
def interrupt_after():
    """Has the main thread interrupted after so many seconds, by an exception with the delay."""
    due = 0.0

    def raise_in_main_thread(number, frame):
        raise Interrupted(time.monotonic() - due)

    def arrange(seconds):
        nonlocal due
        due = time.monotonic() + seconds
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, raise_in_main_thread)
    yield arrange
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def busy_thread():
    """Another thread of the driver has one task after the other run."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            assert rayx.get(double.remote(4)) == 8

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def wait_in_get(held):
    rayx.get(held)


def wait_in_wait(held):
    rayx.wait([held])


def wait_in_as_completed(held):
    list(rayx.as_completed([held]))


@pytest.mark.parametrize("wait", [wait_in_get, wait_in_wait, wait_in_as_completed])
def test_an_interrupt_is_heard_while_another_thread_works(wait, interrupt_after, busy_thread):
    held = hold.remote(60)
    delays = []
    for i in range(INTERRUPTS):
        with pytest.raises(Interrupted) as caught:
            interrupt_after(0.05 + 0.01 * (i % 8))
            wait(held)
        delays.append(caught.value.args[0])
    assert max(delays) < SOON_SECONDS, sorted(delays)
    rayx.cancel(held, force=True)
