"""Who has no key and floods, or guesses: it costs the head little, and others join meanwhile.

S20 and S21. RAYX_TEST_FLOOD=full does it with the numbers of the requirements: 5,000 connections,
1,000 handshakes that are begun, 10,000 wrong keys, further kinds of floods, and joins in 2 seconds;
that is for a machine that does nothing else.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time

import pytest
from bare_member import BareMember
from cluster_machines import PORT, Machines, start_cluster
from hosts import refusal
from session_watch import poll_until, read

from rayx.records import cluster_key

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

FULL = os.environ.get("RAYX_TEST_FLOOD") == "full"
IDLE, BEGUN, KEYS = (5000, 1000, 10_000) if FULL else (600, 300, 1000)
JOIN_SECONDS = 2.0 if FULL else 5.0
# limits.h: kUnprovenMax, kUnprovenPerAddressMax, kHelloTimeoutMs.
UNPROVEN_MAX, PER_ADDRESS_MAX, HELLO_SECONDS = 64, 8, 5.0
# That a joining member has with the head, and those that the head's own timers and links open.
OTHER_FDS = 8


# ---- the other side ------------------------------------------------------------------------------

# Opens so many connections from some addresses in turn, and sends a beginning on each, and then a
# byte a second if it drips. Once all have been closed it tells how many had been taken, and how
# long the longest of them was open. Those that say nothing drip from the sixth second on: what the
# head's system had no room for has no other end.
FLOOD = """
import resource, select, socket, sys, time
port, count, begin, drips = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5] == "drips"
head, addresses = sys.argv[1], sys.argv[6:]
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
poll = select.epoll()
left, connected, longest = {}, {}, 0.0
for number in range(count):
    one = socket.socket()
    one.setblocking(False)
    one.bind((addresses[number % len(addresses)], 0))
    one.connect_ex((head, port))
    left[one.fileno()] = one
    poll.register(one.fileno(), select.EPOLLOUT)
print("flooded", flush=True)
next_drip = time.monotonic() + (1 if drips else 6)
while left:
    for fd, events in poll.poll(0.1):
        one = left[fd]
        closed = bool(events & (select.EPOLLERR | select.EPOLLHUP))
        if not closed and fd not in connected:
            connected[fd] = time.monotonic()
            poll.modify(fd, select.EPOLLIN)
            try:
                one.send(bytes.fromhex(begin)) if begin else None
            except OSError:
                closed = True
        elif not closed:
            try:
                closed = one.recv(4096) == b""
            except OSError:
                closed = True
        if closed:
            if fd in connected:
                longest = max(longest, time.monotonic() - connected[fd])
            poll.unregister(fd)
            left.pop(fd).close()
    if (drips or not begin) and time.monotonic() > next_drip:
        next_drip += 1
        for fd in connected:
            if fd in left:
                try:
                    left[fd].send(b"\\x01")
                except OSError:
                    pass
print(len(connected), longest, flush=True)
"""

# The begin of a handshake: a record's header, and half of the hello in it.
HALF_HELLO = "1603010200" + "010001fc0303" + "5a" * 120


class Flood:
    """It, from so many addresses of a machine."""

    def __init__(self, machine, head, count, begin="", drips=False, addresses=1):
        own = [machine.address, *(f"10.77.0.{100 + number}" for number in range(addresses - 1))]
        for address in own[1:]:
            machine.run(["ip", "addr", "add", f"{address}/24", "dev", "eth0"])
        self._child = machine.host.start(
            [sys.executable, "-c", FLOOD, head, str(PORT), str(count), begin]
            + ["drips" if drips else "", *own],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._child.stdout.readline() == "flooded\n"

    @property
    def is_over(self):
        return self._child.poll() is not None

    def told(self):
        """How many were taken by the system, and how long the longest of them was open."""
        taken, longest = self._child.stdout.readline().split()
        self._child.wait()
        return int(taken), float(longest)


# ---- what it costs -------------------------------------------------------------------------------


class Costs:
    """Samples a process: what its memory and its descriptors have grown by, at most."""

    def __init__(self, pid):
        self._pid = pid
        self._before = self._look()
        self.most = [0, 0]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _look(self):
        kilobytes = int(re.search(r"VmRSS:\s+(\d+)", read(f"/proc/{self._pid}/status"))[1])
        return kilobytes / 1024, len(os.listdir(f"/proc/{self._pid}/fd"))

    def _run(self):
        while not self._over.wait(0.02):
            grown = [now - before for now, before in zip(self._look(), self._before, strict=True)]
            self.most = [max(pair) for pair in zip(self.most, grown, strict=True)]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._thread.join()

    @property
    def megabytes(self):
        return self.most[0]

    @property
    def descriptors(self):
        return self.most[1]


def joins_until(over, machine, head):
    """How long each of several joins took, one after the other, until that is so; one at least."""
    took = []
    while not took or not over():
        began = time.monotonic()
        BareMember(machine, head).end()
        took.append(time.monotonic() - began)
    return took


@pytest.fixture
def cluster():
    """A head, a machine that has its key, and one that has not."""
    with Machines(3) as machines:
        one, two, eve = machines
        (head,) = start_cluster(machines[:1])
        two.copy_key(one)
        # What is made once: the first member.
        joins_until(lambda: True, two, head)
        yield head, two, eve
        assert head.status()["state"] == "serving"


FLOODS = {
    "idle": (IDLE, {}, PER_ADDRESS_MAX),
    "a byte a second": (
        BEGUN,
        {"begin": HALF_HELLO, "drips": True, "addresses": 40},
        UNPROVEN_MAX,
    ),
    "idle of many addresses": (IDLE, {"addresses": 40}, UNPROVEN_MAX),
    "half handshakes": (BEGUN, {"begin": HALF_HELLO}, PER_ADDRESS_MAX),
}


@pytest.mark.time_limit(240 if FULL else 60)
@pytest.mark.parametrize("kind", list(FLOODS) if FULL else list(FLOODS)[:2])
def test_a_flood_costs_little_and_keeps_nobody_out(cluster, kind):
    """S20."""
    count, options, pending_max = FLOODS[kind]
    head, two, eve = cluster
    node = head.node()
    with Costs(node) as costs:
        flood = Flood(eve, host_of(head), count, **options)
        took = joins_until(lambda: flood.is_over, two, head)
        taken, longest = flood.told()
    print(
        f"{count} connections, {taken} taken, the longest {longest:.1f} s; {len(took)} joins, the "
        f"longest {max(took):.2f} s; {costs.megabytes:.1f} MB and {costs.descriptors} descriptors"
    )
    assert taken == count
    assert max(took) < JOIN_SECONDS
    assert costs.megabytes <= 16
    assert costs.descriptors <= pending_max + OTHER_FDS
    # Behind others in the system's queue first. Who says nothing does not know since when.
    assert longest < HELLO_SECONDS + 3 or not options.get("begin")
    assert head.node() == node


# ---- who guesses ---------------------------------------------------------------------------------

# Takes one connection, and says in hexadecimal digits what comes on it first.
LISTEN = """
import socket, sys
listener = socket.create_server((sys.argv[1], 7001))
print("listens", flush=True)
one, _ = listener.accept()
print(one.recv(4096).hex(), flush=True)
"""

# Sends the hello again and again, each in a connection of its own; tells how often it was answered
# before the connection was closed.
GUESS = """
import socket, sys
answered = 0
for _ in range(int(sys.argv[3])):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20) as one:
        try:
            one.sendall(bytes.fromhex(sys.argv[4]))
            while one.recv(4096):
                answered += 1
        except ConnectionError:
            pass
print(answered, flush=True)
"""


def hello_of(machine):
    """What somebody with this machine's key says first to a head that he does not know."""
    listening = machine.host.start(
        [sys.executable, "-c", LISTEN, machine.address], stdout=subprocess.PIPE, text=True
    )
    assert listening.stdout.readline() == "listens\n"
    joining = machine.host.start(
        [sys.executable, "-m", "rayx", "start", f"--redis-address={machine.address}:7001"]
        + ["--num-cpus=1"],
        env=machine.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    hello = listening.stdout.readline().strip()
    assert len(hello) > 400
    joining.wait(30)
    return hello


@pytest.mark.time_limit(240 if FULL else 60)
def test_wrong_keys_make_their_address_wait_and_no_other(cluster):
    """S21."""
    head, two, eve = cluster
    node = head.node()
    cluster_key.make(eve.key)
    hello = hello_of(eve)
    with Costs(node) as costs:
        began = time.monotonic()
        guessing = eve.host.start(
            [sys.executable, "-c", GUESS, host_of(head), str(PORT), str(KEYS), hello],
            stdout=subprocess.PIPE,
            text=True,
        )
        took = joins_until(lambda: guessing.poll() is not None, two, head)
        seconds = time.monotonic() - began
    answered = int(guessing.stdout.readline())
    print(
        f"{KEYS} wrong keys in {seconds:.1f} s, {answered} of them looked at; {len(took)} joins, "
        f"the longest {max(took):.2f} s; {costs.megabytes:.1f} MB"
    )
    # 100 ms after the first, twice as long after each further one, up to 10 s.
    assert 1 <= answered <= 10 + seconds / 10
    assert max(took) < JOIN_SECONDS
    assert costs.megabytes <= 16
    assert costs.descriptors <= PER_ADDRESS_MAX + OTHER_FDS
    assert head.node() == node
    log = read(f"{head.directory}/logs/node.log")
    assert log.count("refused a connection") <= 2 + seconds / 10
    assert cluster_key.read(two.key).hex() not in log
    # With the right key that address is let in as well, once it has waited.
    eve.key.unlink()
    eve.copy_key(two)
    with contextlib.suppress(AssertionError):
        BareMember(eve, head, seconds=12).end()
        return
    poll_until(lambda: BareMember(eve, head, seconds=12).end() or True, 30, "it is let in")


def host_of(head):
    return head.cluster.rpartition(":")[0]
