"""The hosts and the relay that the tests of a cluster stand on do what they say."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import pytest
from hosts import Hosts, refusal
from session_watch import poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

RELAY = os.path.join(os.path.dirname(__file__), "relay.py")

# Sends back what comes, in each connection.
ECHO = """
import socket, sys, threading
def serve(one):
    with one:
        try:
            while piece := one.recv(65536):
                one.sendall(piece)
        except OSError:
            pass
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], 0), family=family)
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""

# Sends lines of its input to an address and says what comes back.
TALK = """
import socket, sys
one = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
print("connected", flush=True)
for line in sys.stdin:
    one.sendall(line.encode())
    print(one.recv(65536).decode(), end="", flush=True)
"""


def start_echo(host, address):
    server = host.start([sys.executable, "-c", ECHO, address], stdout=subprocess.PIPE, text=True)
    return int(server.stdout.readline())


class Talk:
    """A connection from a host to an echo; the answers come as they come."""

    def __init__(self, host, address, port):
        self.lines = []
        self._child = host.start(
            [sys.executable, "-c", TALK, address, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._child.stdout.readline() == "connected\n"
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(ValueError):
            self.lines.extend(self._child.stdout)

    def say(self, line):
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def hears(self, line):
        poll_until(lambda: line + "\n" in self.lines, 20, f"the answer {line}")

    def end(self):
        self._child.kill()
        self._child.wait()
        self._reader.join()


def namespace_of(pid):
    return os.readlink(f"/proc/{pid}/ns/net")


def inhabitants(namespaces):
    """Processes that are in one of these network namespaces."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if namespace_of(pid) in namespaces:
                found.append(pid)
    return found


def test_hosts_reach_one_another_and_nothing_else():
    with Hosts(3) as (one, two, three):
        for address in (one.address, one.address6):
            port = start_echo(one, address)
            for host in (two, three):
                talk = Talk(host, address, port)
                talk.say("hello")
                talk.hears("hello")
                talk.end()
            with pytest.raises(OSError), socket.create_connection((address, port), timeout=0.2):
                pass


def uptime(host):
    return float(host.run(["cat", "/proc/uptime"]).split()[0])


def test_the_clocks_of_hosts_differ_and_the_wall_clock_does_not():
    with Hosts(2, ahead=[0, 86_400]) as (one, two):
        assert 86_000 < uptime(two) - uptime(one) < 87_000
        clocks = [sys.executable, "-c", "import time; print(time.monotonic(), time.time())"]
        (early, wall), (late, same_wall) = (
            (*map(float, host.run(clocks).split()),) for host in (one, two)
        )
        assert 86_000 < late - early < 87_000
        assert abs(same_wall - wall) < 60
        port = start_echo(one, one.address)
        talk = Talk(two, one.address, port)
        talk.say("hello")
        talk.hears("hello")
        talk.end()


def test_nothing_is_left_of_hosts():
    with Hosts(2) as (one, two):
        one.start(["sleep", "1000"])
        namespaces = {namespace_of(one.pid), namespace_of(two.pid)}
        assert len(namespaces | {namespace_of(os.getpid())}) == 3
        poll_until(lambda: len(inhabitants(namespaces)) == 3, 5, "two holders and one child")
    assert inhabitants(namespaces) == []


def test_a_program_that_is_killed_leaves_no_hosts():
    program = "from hosts import Hosts; print(Hosts(1)._hosts[0].pid, flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=os.path.dirname(__file__),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        namespace = namespace_of(int(child.stdout.readline()))
        child.kill()
    poll_until(lambda: not inhabitants({namespace}), 5, "the end of the host")


def test_a_cut_loses_what_is_sent_until_it_is_healed():
    with Hosts(2) as (one, two):
        talk = Talk(two, one.address, start_echo(one, one.address))
        talk.say("before")
        talk.hears("before")
        one.cut(two)
        talk.say("late")
        with pytest.raises(AssertionError):
            poll_until(lambda: "late\n" in talk.lines, 0.5, "an answer through a cut cable")
        one.heal()
        talk.hears("late")
        talk.end()


@pytest.mark.parametrize("direction", ["to", "from"])
def test_a_one_way_cut(direction):
    """Whoever is cut off does not answer a ping; the other way, packets still go."""
    with Hosts(2) as (one, two):
        two.cut(one, direction)
        count = "nft list ruleset"
        one.run(["nft", "add rule inet cuts in ip saddr " + two.address + " counter"])
        two.run(["nft", "insert rule inet cuts in ip saddr " + one.address + " counter"])
        pinging = "import socket,sys; s=socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        pinging += "s.sendto(b'x', (sys.argv[1], 9))"
        with contextlib.suppress(RuntimeError):  # a lost packet may be told as EPERM
            two.run([sys.executable, "-c", pinging, one.address])
        one.run([sys.executable, "-c", pinging, two.address])
        arrived_at_one = "packets 0" not in one.run(count.split())
        arrived_at_two = "packets 0" not in two.run(count.split())
        assert arrived_at_two  # counted before it is dropped
        assert arrived_at_one == (direction == "from")
    with pytest.raises(ValueError, match="'both', not 'up'"):
        two.cut(one, "up")


def test_a_slow_host_sends_no_faster():
    with Hosts(2) as (one, two):
        port = start_echo(one, one.address)
        two.slow("8mbit")
        sending = """
import socket, sys, time
one = socket.create_connection((sys.argv[1], int(sys.argv[2])))
begin, left = time.monotonic(), 1_000_000
one.sendall(bytes(left))
while left: left -= len(one.recv(65536))
print(time.monotonic() - begin)
"""
        seconds = float(two.run([sys.executable, "-c", sending, one.address, str(port)]))
        assert seconds > 0.8  # a second, less what may be sent at once
        two.slow(None)


def test_a_detour_is_of_one_port_and_one_host():
    with Hosts(3) as (one, two, three):
        ports = {host: start_echo(host, host.address) for host in (two, three)}
        one.detour(two, 7000, three, ports[three])
        for host, port in ((one, 7000), (one, ports[two]), (three, ports[two])):
            talk = Talk(host, two.address, port)
            talk.say("hello")
            talk.hears("hello")
            talk.end()
        refused = "import socket, sys; socket.create_connection((sys.argv[1], 7000))"
        with pytest.raises(RuntimeError, match="ConnectionRefusedError"):
            three.run([sys.executable, "-c", refused, two.address])


# ---- the relay -----------------------------------------------------------------------------------


@pytest.fixture
def pair():
    with Hosts(2) as hosts:
        yield hosts


def start_relay(pair, *options):
    """A relay in the first host before an echo there; returns its port."""
    host = pair[0]
    echo = start_echo(host, host.address)
    relay = host.start(
        [sys.executable, RELAY, "--listen", f"{host.address}:0", "--to", f"{host.address}:{echo}"]
        + list(options),
        stdout=subprocess.PIPE,
        text=True,
    )
    return relay, int(relay.stdout.readline().rpartition(":")[2])


EXCHANGE = """
import os, socket, sys, threading
one = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
data = b"".join(b"%7d\\n" % i for i in range(int(sys.argv[3]) // 8))
def send():
    try:
        one.sendall(data)
        one.shutdown(socket.SHUT_WR)
    except OSError:
        pass
sender = threading.Thread(target=send)
sender.start()
back = b""
try:
    while piece := one.recv(65536): back += piece
    end = "ended"
except OSError as error:
    end = type(error).__name__
sender.join()
flipped = sum(bin(a ^ b).count("1") for a, b in zip(data, back))
print(end, len(data), len(back), flipped, data == back)
"""


def exchange(pair, port, size):
    answer = pair[1].run([sys.executable, "-c", EXCHANGE, pair[0].address, str(port), str(size)])
    end, sent, back, flipped, same = answer.split()
    return end, int(sent), int(back), int(flipped), same == "True"


def test_a_relay_without_faults_changes_nothing(pair, tmp_path):
    record = tmp_path / "record"
    relay, port = start_relay(pair, "--record", str(record))
    assert exchange(pair, port, 1_000_000) == ("ended", 1_000_000, 1_000_000, 0, True)
    assert relay.stdout.readline() == "0 ended after [1000000, 1000000] bytes\n"
    assert record.read_bytes().startswith(b"      0\n      1\n")
    assert record.stat().st_size == 1_000_000


def test_a_relay_flips_bits(pair):
    _, port = start_relay(pair, "--flip", "50000", "--seed", "3")
    end, sent, back, flipped, _ = exchange(pair, port, 1_000_000)
    assert (end, back) == ("ended", sent)
    assert 20 <= flipped <= 80  # there and back


def test_a_relay_cuts_connections(pair):
    relay, port = start_relay(pair, "--cut", "300000", "--seed", "4")
    # Which of the client's threads hears of the reset is left to chance.
    _, sent, back, _, _ = exchange(pair, port, 1_000_000)
    assert back < sent
    assert " cut after " in relay.stdout.readline()


def test_a_relay_delays_in_order(pair):
    _, port = start_relay(pair, "--delay", "100,150")
    begin = time.monotonic()
    assert exchange(pair, port, 8_000) == ("ended", 8_000, 8_000, 0, True)
    assert time.monotonic() - begin > 0.2


def test_a_relay_repeats_and_swaps_pieces(pair):
    _, port = start_relay(pair, "--repeat", "0.2", "--seed", "5")
    _, sent, back, _, _ = exchange(pair, port, 1_000_000)
    assert back > sent
    _, port = start_relay(pair, "--swap", "0.3", "--seed", "6")
    _, sent, back, _, same = exchange(pair, port, 1_000_000)
    assert back == sent
    assert not same
