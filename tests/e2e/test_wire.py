"""Sessions between nodes on hosts of their own: what bad networks and dying processes do to them.

The nodes are programs that have nothing but their sessions (tests/cpp/wire/wire_node_main.cc).
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from built import built
from hosts import Hosts, refusal
from session_watch import poll_until

from rayx.records import cluster_key

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

HERE = os.path.dirname(os.path.abspath(__file__))
RELAY = os.path.join(HERE, "relay.py")
PORT = 7000
# In which a node that does not answer is found silent: 5 s, and what a loaded machine adds.
SILENT_SECONDS = 7.0


def program():
    return built("cpp/wire/wire_test_node")


class Node:
    """A node on a host, and the lines that it has said."""

    def __init__(self, host, key, number, peer):
        self.host = host
        self.lines = []
        self._child = host.start(
            [program(), "--key-file", str(key), "--number", str(number)]
            + ["--listen", f"{host.address}:{PORT}", "--peer", peer]
            + ["--peer-number", str(3 - number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.says("listening")

    @property
    def pid(self):
        return self._child.pid

    def _read(self):
        with contextlib.suppress(ValueError):
            for line in self._child.stdout:
                self.lines.append(line.rstrip("\n"))

    def tell(self, line):
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def has_said(self, beginning):
        return next((line for line in self.lines if line.startswith(beginning)), None)

    def says(self, beginning, seconds=20.0):
        return poll_until(lambda: self.has_said(beginning), seconds, f"the line {beginning}")

    def report(self):
        """How many messages were sent, are acknowledged, have come; and whether all were right."""
        before = sum(line.startswith("report") for line in self.lines)
        self.tell("report")

        def newest():
            reports = [line for line in self.lines if line.startswith("report")]
            return reports[-1] if len(reports) > before else None

        _, sent, acknowledged, heard, order = poll_until(newest, 20, "a report").split()
        return int(sent), int(acknowledged), int(heard), order

    def has_heard(self, count):
        sent, acknowledged, heard, order = self.report()
        assert order == "right"
        return heard == count

    def stop(self):
        self._child.kill()
        self._child.wait()
        self._reader.join()


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "keys" / "cluster.key"
    path.parent.mkdir(mode=0o700)
    cluster_key.make(path)
    return path


@pytest.fixture
def hosts():
    with Hosts(2) as two:
        yield two


@pytest.fixture
def start(hosts, key):
    """Starts two nodes; `by`: at which port of the first host the second one dials the first."""
    nodes = []

    def start_both(by=PORT, other_key=None):
        one, two = hosts
        nodes.append(Node(one, key, 1, f"{two.address}:{PORT}"))
        nodes.append(Node(two, other_key or key, 2, f"{one.address}:{by}"))
        return nodes

    yield start_both
    for node in nodes:
        node.stop()


def start_relay(host, *options):
    """A relay to the node on that host; returns its port."""
    relay = host.start(
        [sys.executable, RELAY, "--listen", f"{host.address}:0"]
        + ["--to", f"{host.address}:{PORT}", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    return relay, int(relay.stdout.readline().rpartition(":")[2])


def exchange(nodes, count, size, act=lambda: None):
    """Has both send so many messages and hear all of the other's, in order, once each."""
    for node in nodes:
        node.tell(f"send {count} {size}")
    act()
    for node in nodes:
        poll_until(lambda node=node: node.has_heard(count), 40, "all messages of the other node")


def test_messages_go_both_ways(start):
    one, two = nodes = start()
    two.tell("open")
    one.says("begun")
    exchange(nodes, 10_000, 1_000)
    poll_until(lambda: one.report()[1] == two.report()[1] == 10_000, 10, "acknowledgements")


def test_a_cut_of_three_seconds_harms_nobody(start, hosts):
    """F43."""
    one, two = nodes = start()
    two.tell("open")
    one.says("begun")

    def cut():
        hosts[0].cut(hosts[1])
        threading.Event().wait(3)  # the length of the cut
        hosts[0].heal()

    exchange(nodes, 5_000, 1_000, cut)
    assert not one.has_said("ended") and not two.has_said("ended")


def test_a_killed_node_is_missed_within_a_second(start):
    one, two = start()
    two.tell("open")
    one.says("begun")
    begin = time.monotonic()
    os.kill(two.pid, signal.SIGKILL)
    assert one.says("ended", 1.0) == "ended its process is gone"
    assert time.monotonic() - begin < 1.0


@pytest.mark.parametrize("direction", ["both", "to", "from"])
def test_silence_ends_a_session_on_both_sides(start, hosts, direction):
    """F44, F45: a network that is cut for good, also in one direction only."""
    one, two = start()
    two.tell("open")
    one.says("begun")
    hosts[0].cut(hosts[1], direction)
    for node in (one, two):
        node.says("ended", SILENT_SECONDS)
    assert "ended silent" in one.lines + two.lines


def test_a_frozen_node_learns_that_its_session_has_ended(start):
    """F17: it was found silent meanwhile, and is not heard in the old session any more."""
    one, two = start()
    two.tell("open")
    one.says("begun")
    os.kill(two.pid, signal.SIGSTOP)
    assert one.says("ended", SILENT_SECONDS) == "ended silent"
    os.kill(two.pid, signal.SIGCONT)
    two.says("ended", SILENT_SECONDS)
    # A new one begins where the old one has left nothing.
    two.tell("open")
    poll_until(lambda: one.lines.count("begun") == 2, 10, "the second session")


def test_flipped_bits_cost_connections_and_nothing_else(start, hosts):
    """S17."""
    relay, port = start_relay(hosts[0], "--flip", "300000", "--seed", "1")
    # Its own dials go through the relay as well, as only the second node dials.
    one, two = nodes = start(by=port)
    two.tell("open")
    one.says("begun")
    exchange(nodes, 3_000, 1_000)
    assert not one.has_said("ended") and not two.has_said("ended")
    relay.kill()
    cut = [line for line in relay.stdout if line.split()[0].isdigit()]
    assert len(cut) >= 2, "no connection was given up: were bits flipped?"


def test_delays_and_cuts_lose_and_repeat_nothing(start, hosts):
    relay, port = start_relay(hosts[0], "--delay", "0,60", "--cut", "400000", "--seed", "2")
    one, two = nodes = start(by=port)
    two.tell("open")
    one.says("begun")
    exchange(nodes, 2_000, 1_000)
    assert not one.has_said("ended") and not two.has_said("ended")


def test_what_is_said_cannot_be_read_on_the_way(start, hosts, tmp_path):
    """S18. A message consists of one byte, a thousand times: in the clear it would be seen."""
    record = tmp_path / "record"
    _, port = start_relay(hosts[0], "--record", str(record))
    one, two = start(by=port)
    two.tell("open")
    one.says("begun")
    two.tell("send 100 1000")
    poll_until(lambda: one.has_heard(100), 20, "the messages")
    said = record.read_bytes()
    assert len(said) > 100_000
    assert not any(bytes([number]) * 32 in said for number in range(256))


def test_a_recorded_session_is_not_taken_again(start, hosts, tmp_path):
    """S15."""
    record = tmp_path / "record"
    _, port = start_relay(hosts[0], "--record", str(record))
    one, two = start(by=port)
    two.tell("open")
    one.says("begun")
    two.tell("send 100 1000")
    poll_until(lambda: one.has_heard(100), 20, "the messages")
    two.stop()
    one.says("ended")
    replay = """
import socket, sys
for _ in range(100):
    one = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
    try:
        one.sendall(open(sys.argv[3], "rb").read())
        while one.recv(65536): pass
    except OSError:
        pass
"""
    hosts[1].run([sys.executable, "-c", replay, hosts[0].address, str(PORT), str(record)])
    assert one.lines.count("begun") == 1
    assert one.has_heard(100)


def test_another_key_opens_nothing(start, hosts, tmp_path):
    """S13."""
    other = tmp_path / "others" / "cluster.key"
    other.parent.mkdir(mode=0o700)
    cluster_key.make(other)
    one, two = start(other_key=other)
    two.tell("open")
    two.says("ended", SILENT_SECONDS)
    assert not one.has_said("begun") and not one.has_said("refused")
