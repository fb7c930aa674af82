"""F51: clocks of machines that differ, and wall clocks that are set while programs work.

Clocks that run fast or slow are in the simulator of sessions (tests/sim/cluster).
"""

import contextlib
import os
import struct
import time

import pytest
from built import built
from cluster_machines import Machines, Watcher
from hosts import refusal
from session_watch import descendants, poll_until, read

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

HOUR = 3600
# Whoever is missed is dead by then (limits.h: kPeerSilenceMs).
SILENCE_SECONDS = 7.0


def preloaded():
    return built("cpp/daemon/libstepped_*.so")


# Uses what has a time limit, and tasks of both machines, until its input ends; tells how long each
# wait took that should take 2 seconds, by the clock that nobody sets.
WORK = """
import sys, threading, time
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
def double(x):
    return 2 * x

@rayx.remote(resources={"there": 1})
def far(x):
    return 3 * x

@rayx.remote
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        self.count += 1
        return self.count

@rayx.remote
def never():
    threading.Event().wait()

@rayx.remote(timeout=1)
def limited():
    threading.Event().wait()

over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
endless = [never.remote()]
counter = Counter.remote()
calls = rounds = 0
print("works", flush=True)

def wait_for_two_seconds():
    began = time.monotonic()
    try:
        rayx.get(endless[0], timeout=2)
    except rayx.GetTimeoutError:
        pass
    took = [time.monotonic() - began]
    began = time.monotonic()
    assert rayx.wait(endless, timeout_s=2)[0] == []
    print("waits", took[0], time.monotonic() - began, flush=True)

def wait():
    while not over.is_set():
        wait_for_two_seconds()

waiting = threading.Thread(target=wait)
waiting.start()
while not over.is_set():
    assert rayx.get([double.remote(i) for i in range(20)], timeout=20) == [*range(0, 40, 2)]
    assert rayx.get([far.remote(i) for i in range(3)], timeout=20) == [0, 3, 6]
    calls += 1
    assert rayx.get(counter.add.remote(), timeout=20) == calls
    # One that a step ends too early would end as this one does at once.
    began = time.monotonic()
    try:
        rayx.get(limited.remote(), timeout=20)
    except rayx.RayxError:
        pass
    print("limit", time.monotonic() - began, flush=True)
    rounds += 1
waiting.join()
print("rounds", rounds, flush=True)
"""


class Work:
    """That program on a machine, and what it has told."""

    def __init__(self, machine, cluster):
        self._program = machine.start_program(WORK, cluster)
        assert self._program.stdout.readline() == "works\n", self._program.stderr.read()

    def end(self):
        """How long its waits took, and its limits."""
        out, err = self._program.communicate("", timeout=30)
        told = [line.split() for line in out.splitlines()]
        assert self._program.returncode == 0 and told[-1][0] == "rounds", out + err
        assert int(told[-1][1]) >= 2
        waits = [float(word) for words in told if words[0] == "waits" for word in words[1:]]
        limits = [float(words[1]) for words in told if words[0] == "limit"]
        return waits, limits


def assert_in_time(work):
    waits, limits = work.end()
    assert len(waits) >= 4 and len(limits) >= 2
    assert min(waits) >= 2.0 and max(waits) < 2.3, waits
    # A worker that has to be started first is part of it.
    assert min(limits) >= 1.0 and max(limits) < 3.0, limits


def start_pair(machines):
    """A cluster of two, of which only the second has the resource `there`."""
    one, two = machines
    head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=4")
    two.copy_key(one)
    member = two.start(
        f"--redis-address={head.cluster}", "--num-cpus=4", '--resources={"there": 4}'
    )
    watcher = Watcher(one, head.cluster)
    poll_until(lambda: set(watcher.living()) == {one.address, two.address}, 10, "two nodes")
    return head, member, watcher


@pytest.mark.slow
def test_machines_that_have_been_up_for_longer():
    """No time of a monotonic clock crosses from one machine to the other."""
    with Machines(2, ahead=(HOUR, 40 * 24 * HOUR)) as machines:
        head, member, watcher = start_pair(machines)
        before = watcher.nodes()
        work = Work(machines[1], head.cluster)
        local = Work(machines[0], head.cluster)
        end = time.monotonic() + SILENCE_SECONDS
        poll_until(lambda: time.monotonic() > end, 30, "whoever is missed would be dead by now")
        assert_in_time(work)
        assert_in_time(local)
        assert watcher.nodes() == before
        assert head.status()["state"] == member.status()["state"] == "serving"
        watcher.end()


class WallClock:
    """That of all programs which are started with `environment`."""

    def __init__(self, place):
        self._path = place / "wall_clock"
        self.set_ahead(0)
        self.environment = {
            "LD_PRELOAD": preloaded(),
            "RAYX_TEST_WALL_CLOCK": str(self._path),
        }

    def set_ahead(self, seconds):
        # In place, since they have it mapped.
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, struct.pack("<q", seconds), 0)
        os.close(fd)


def goes_by(clock, session):
    """The programs of a session whose wall clock it is."""
    pids = [session.supervisor, *descendants(session.supervisor)]
    return {
        read(f"/proc/{pid}/comm").strip()
        for pid in pids
        if clock.environment["LD_PRELOAD"] in read(f"/proc/{pid}/maps")
    }


@pytest.mark.slow
def test_a_wall_clock_that_is_set_changes_nothing(tmp_path):
    """An hour ahead, an hour back, and a little more each moment, on one machine of two."""
    clock = WallClock(tmp_path)
    with Machines(2) as machines:
        one, _ = machines
        one.environment |= clock.environment
        head, member, watcher = start_pair(machines)
        before = watcher.nodes()
        assert goes_by(clock, head) >= {"rayx-supervisor", "rayx-node", "rayx-global-sch"}
        assert len(goes_by(clock, head) & {"valkey-server", "redis-server"}) == 1
        work = [Work(machine, head.cluster) for machine in machines]
        begin = time.monotonic()
        # By how much, and for how long: the next step comes while all wait.
        for ahead, seconds in ((HOUR, 2.7), (-HOUR, 2.7), (0, 1.3)):
            clock.set_ahead(ahead)
            end = time.monotonic() + seconds
            poll_until(lambda end=end: time.monotonic() > end, 30, "the next step")
        while (passed := time.monotonic() - begin) < SILENCE_SECONDS + 2:
            clock.set_ahead(int(100 * passed))
            with contextlib.suppress(AssertionError):
                poll_until(lambda: False, 0.05, "the next moment")
        for one_work in work:
            assert_in_time(one_work)
        assert watcher.nodes() == before
        assert head.status()["state"] == member.status()["state"] == "serving"
        clock.set_ahead(0)
        watcher.end()
