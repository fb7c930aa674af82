"""For every test: a time limit, and a look at what it left behind.

@pytest.mark.time_limit(5)     another limit than 60 seconds
@pytest.mark.leaves("threads") what this test may leave, and why is said beside it
"""

import faulthandler
import glob
import os
import shutil
import signal
import tempfile
import threading
import time

import pytest

TIME_LIMIT_SECONDS = 60

# What must go of itself after a test (a process that has been told to end) has this time to do so.
SETTLE_SECONDS = 2.0

# Descriptors that the session of a module may still open, once, and keep: see _open_for_good.
STILL_TO_COME = {"fds": 0}


def pytest_configure(config):
    config.addinivalue_line("markers", "time_limit(seconds): of this test, instead of 60")
    config.addinivalue_line(
        "markers",
        "leaves(*kinds): children, fds, shm, directories, threads or environment may stay",
    )
    # Shells start what they put into the background with Ctrl-C ignored, and programs inherit that.
    # Tests that press Ctrl-C in a program want it to be heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# pytest's, and what threadpoolctl and scikit-learn set for OpenMP when they are imported.
OF_OTHERS = ("PYTEST_", "KMP_")


class TimeLimitError(BaseException):
    """Not an Exception, so that no test takes it for what it expects."""


@pytest.fixture(autouse=True)
def time_limit(request):
    """Interrupts a test that takes too long; ends the whole run if even that does not help."""
    marker = request.node.get_closest_marker("time_limit")
    seconds = marker.args[0] if marker else TIME_LIMIT_SECONDS

    def interrupt(number, frame):
        raise TimeLimitError(f"the test took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + 15, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session", autouse=True)
def own_place():
    """Sessions of these tests have a directory of their own, so that all that is left is ours."""
    # Not pytest's, whose paths are too long for sockets.
    place = tempfile.mkdtemp(prefix="t", dir="/tmp")
    names = ("XDG_RUNTIME_DIR", "TMPDIR", "RAYX_RUNTIME_DIR")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ["TMPDIR"] = place
    # Standing sessions that somebody has on this machine are not seen, and so not ended.
    os.environ["RAYX_RUNTIME_DIR"] = f"{place}/records"
    tempfile.tempdir = None
    yield
    del os.environ["TMPDIR"], os.environ["RAYX_RUNTIME_DIR"]
    os.environ.update({name: value for name, value in before.items() if value is not None})
    tempfile.tempdir = None
    shutil.rmtree(place)


def _children():
    found = set()
    for path in glob.glob("/proc/self/task/*/children"):
        try:
            with open(path) as file:
                found |= set(file.read().split())
        except OSError:
            continue  # a thread that has ended
    return found


def _shared_memory():
    if not os.path.isdir("/dev/shm"):
        return set()
    # Semaphores are not ours; multiprocessing makes them, in whatever program runs beside us.
    return {name for name in os.listdir("/dev/shm") if not name.startswith("sem.")}


def _session_directories():
    place = os.environ["TMPDIR"]
    return {*glob.glob(f"{place}/rayx-*"), *glob.glob(f"{place}/records/*")}


def _inventory():
    return {
        "children": _children(),
        "fds": set(os.listdir("/proc/self/fd")),
        "shm": _shared_memory(),
        "directories": _session_directories(),
        "threads": {thread.name for thread in threading.enumerate()},
        "environment": {item for item in os.environ.items() if not item[0].startswith(OF_OTHERS)},
    }


def _leaks(before, after):
    leaks = {kind: after[kind] - before[kind] for kind in before}
    leaks["environment"] |= before["environment"] - after["environment"]
    # A few descriptors are opened once and for all, by what is imported or used first.
    if len(after["fds"]) - len(before["fds"]) <= 2 + STILL_TO_COME["fds"]:
        del leaks["fds"]
    return {kind: sorted(left) for kind, left in leaks.items() if left}


@pytest.fixture(autouse=True)
def leak_check(request):
    """Fails a test after which there are processes, descriptors, files or threads more.

    Or another environment.
    """
    marker = request.node.get_closest_marker("leaves")
    allowed = set(marker.args) if marker else set()
    before = _inventory()
    yield
    deadline = time.monotonic() + SETTLE_SECONDS
    while leaks := {k: v for k, v in _leaks(before, _inventory()).items() if k not in allowed}:
        if time.monotonic() > deadline:
            pytest.fail(f"the test left something behind: {leaks}")
        threading.Event().wait(0.02)
    if len(_inventory()["fds"]) - len(before["fds"]) > 2:
        STILL_TO_COME["fds"] = 0


def _open_for_good(follow=abs, patience=3.0):
    """Has this driver open what it opens once and keeps, as a session of several tests should.

    Those are the pool, for the first large value that it puts, and its direct channel, once the
    node has granted it a worker lease for having one task after the other run. That takes two
    descriptors. On a machine so busy that no task follows the other quickly there is no lease
    within `patience`; then one of the tests may get it.
    """
    import rayx
    from rayx import questions, session

    rayx.get(rayx.put(bytes(1 << 20)))
    remote = rayx.remote(follow)
    deadline = time.monotonic() + patience
    STILL_TO_COME["fds"] = 2
    while time.monotonic() < deadline:
        for _ in range(20):
            rayx.get(remote.remote(0))
        # What the node says about it comes after the channel.
        if "worker lease: from peer" in questions.dump(session.current().client, 10_000):
            STILL_TO_COME["fds"] = 0
            return


@pytest.fixture(scope="module")
def open_for_good():
    yield _open_for_good
    STILL_TO_COME["fds"] = 0


@pytest.fixture
def still_to_come():
    return STILL_TO_COME


@pytest.fixture
def rayx_session():
    """A session of its own, with two CPUs, for one test."""
    import rayx

    with rayx.init(num_cpus=2) as addresses:
        yield addresses


@pytest.fixture(scope="module")
def shared_session(open_for_good):
    """A session with two CPUs for all tests of a module."""
    import rayx

    with rayx.init(num_cpus=2) as addresses:
        open_for_good()
        yield addresses
