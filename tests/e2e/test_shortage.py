"""Processes or descriptors run short for a while: the session works again as soon as some are back.

What runs short here is a process's own limit of descriptors, since it can be lowered and raised
from outside, whoever runs the tests.
"""

import contextlib
import os
import resource
import time

import pytest

import rayx

# Of processes of the same kind nobody knows which one the limit hits first: so many are enough.
ACTORS = 30
# What a session needs to notice that something is back, and to start a worker then.
SOON_SECONDS = 2.0


@pytest.fixture
def node_pid():
    addresses = rayx.init(num_cpus=2)
    yield next(pid for pid in children(addresses["supervisor_pid"]) if name_of(pid) == "rayx-node")
    rayx.shutdown()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as listing:
        return [int(number) for number in listing.read().split()]


def name_of(pid):
    with open(f"/proc/{pid}/comm") as name:
        return name.read().strip()


def leave_descriptors(pid, spare):
    """The process may open `spare` more than it has; returns its limits of before."""
    used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + spare, before[1]))
    return before


def wait_until_workers_have_started(pid):
    """What the node opens and closes for that would make room again."""
    until = time.monotonic() + 30
    used = None
    while time.monotonic() < until:
        assert rayx.get([double.remote(n) for n in range(8)], timeout=30) == [*range(0, 16, 2)]
        before, used = used, set(os.listdir(f"/proc/{pid}/fd"))
        if used == before:
            return
    raise AssertionError("workers are still being started")


def leave_none(pid):
    """The process can open nothing more: the first that is free is over its limit."""
    wait_until_workers_have_started(pid)
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    free = next(number for number in range(len(used) + 1) if number not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, before[1]))
    return before


@rayx.remote
class Holder:
    def pid(self):
        return os.getpid()


@rayx.remote
def double(x):
    return 2 * x


def make_too_many():
    """Actors until none can be started; those that could be made."""
    holders = [Holder.remote() for _ in range(ACTORS)]
    made = []
    for holder, pid in [(holder, holder.pid.remote()) for holder in holders]:
        try:
            rayx.get(pid, timeout=30)
            made.append(holder)
        except rayx.RayxError as error:
            assert "Too many open files" in str(error)
            assert "ulimit -n" in str(error)
    assert 0 < len(made) < ACTORS
    return made


def seconds_until_it_works():
    begin = time.monotonic()
    assert rayx.get(double.remote(21), timeout=30) == 42
    return time.monotonic() - begin


def test_an_actor_that_ends_makes_room_at_once(node_pid):
    leave_descriptors(node_pid, 24)
    made = make_too_many()
    for holder in made:
        rayx.kill(holder)
    assert seconds_until_it_works() < SOON_SECONDS


def test_a_limit_that_is_lifted_is_tried_within_a_second(node_pid):
    before = leave_descriptors(node_pid, 24)
    made = make_too_many()
    with pytest.raises(rayx.WorkerStartError, match="Too many open files"):
        rayx.get(double.remote(21), timeout=30)
    resource.prlimit(node_pid, resource.RLIMIT_NOFILE, before)
    assert seconds_until_it_works() < SOON_SECONDS
    assert len(made) == len(set(rayx.get([holder.pid.remote() for holder in made])))


LARGE = bytes(1 << 20)


@contextlib.contextmanager
def none_left():
    """This process can open nothing more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.open(os.devnull, os.O_RDONLY)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_driver_without_descriptors_cannot_put_and_can_when_some_are_back(node_pid):
    with none_left():
        assert rayx.get(rayx.put(1)) == 1
        for _ in range(3):
            with pytest.raises(rayx.RayxError, match=r"Too many open files.*ulimit -n"):
                rayx.put(LARGE)
    for _ in range(5):
        assert rayx.get(rayx.put(LARGE)) == LARGE
    assert seconds_until_it_works() < SOON_SECONDS


def test_calls_that_follow_each_other_need_no_descriptors(node_pid):
    """They would open a direct channel."""
    with none_left():
        for number in range(100):
            assert rayx.get(double.remote(number), timeout=30) == 2 * number
    for number in range(100):
        assert rayx.get(double.remote(number), timeout=30) == 2 * number


def test_a_task_without_descriptors_fails_and_its_worker_goes_on():
    @rayx.remote
    def large(short):
        with none_left() if short else contextlib.nullcontext():
            return rayx.get(rayx.put(LARGE)), os.getpid()

    with rayx.init(num_cpus=1, driver_mode=rayx.SILENT_MODE):
        with pytest.raises(rayx.RayxError, match=r"Too many open files.*ulimit -n"):
            rayx.get(large.remote(True), timeout=30)
        value, pid = rayx.get(large.remote(False), timeout=30)
        assert value == LARGE
        assert pid != os.getpid()


def test_a_node_without_descriptors_cannot_store_and_can_when_some_are_back(node_pid):
    before = leave_none(node_pid)
    try:
        with pytest.raises(rayx.RayxError, match=r"Too many open files.*ulimit -n"):
            rayx.put(LARGE)
        assert rayx.get(rayx.put(1)) == 1
    finally:
        resource.prlimit(node_pid, resource.RLIMIT_NOFILE, before)
    assert rayx.get(rayx.put(LARGE)) == LARGE
    assert seconds_until_it_works() < SOON_SECONDS
