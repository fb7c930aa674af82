"""Who has no key: what they can learn, read, send and break.

S8, S11, S13, S14, S16, S18 and S21 of the requirements; who floods is in test_cluster_flood.py.
"""

import contextlib
import glob
import os
import pickle
import subprocess
import sys

import pytest
from cluster_machines import PORT, Machines, start_cluster
from hosts import refusal
from session_watch import descendants, poll_until, private_memory, read

from rayx.records import cluster_key

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

MARKER = "read-me-if-you-can"


@pytest.fixture
def machines():
    """Those of the cluster, and that of somebody else."""
    with Machines(3) as three:
        yield three


def hosts_of(session):
    return {node["host"] for node in session.status()["nodes"] if node["alive"]}


# ---- who looks -----------------------------------------------------------------------------------

SCAN = """
import errno, json, socket, sys
open_ports = []
for port in range(1, 65536):
    with socket.socket() as one:
        error = one.connect_ex((sys.argv[1], port))
    if error == 0:
        open_ports.append(port)
    else:
        assert error == errno.ECONNREFUSED, (port, error)
print(json.dumps(open_ports))
"""


def test_one_port_a_node_is_open(machines):
    """S11."""
    one, two, eve = machines
    head, member = start_cluster(machines[:2])
    for machine, session in ((one, head), (two, member)):
        scan = eve.run([sys.executable, "-c", SCAN, machine.address])
        assert scan.stdout == f"[{session.address.rpartition(':')[2]}]\n", scan.stderr


# Sends bytes, and says what comes back until the other side closes.
SAY = """
import socket, sys
one = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20)
try:
    one.sendall(bytes.fromhex(sys.argv[3]))
    answer = b""
    while piece := one.recv(65536):
        answer += piece
except OSError as error:
    if isinstance(error, TimeoutError):
        raise
print(answer.hex())
"""

JUNK = {
    "an http request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an http request that changes": b"DELETE /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "redis, in short": b"PING\r\nINFO\r\n",
    # A client hello of TLS 1.0, as far as it matters.
    "an old handshake": bytes.fromhex("1603010005" + "0100000100"),
    "a frame of rayx": (16).to_bytes(4, "little") + (1).to_bytes(4, "little") + bytes(16),
    "zeros": bytes(5000),
    "noise": bytes(range(256)) * 20,
}


def test_junk_gets_no_answer(machines):
    """S13, S14."""
    one, two, eve = machines
    head, member = start_cluster(machines[:2])
    for what, sent in JUNK.items():
        ran = eve.run([sys.executable, "-c", SAY, one.address, str(PORT), sent.hex()])
        answer = bytes.fromhex(ran.stdout.strip())
        # An alert of TLS says that a service is there, and no more.
        assert len(answer) <= 32 and b"rayx" not in answer, (what, answer, ran.stderr)
    assert hosts_of(head) == hosts_of(member) == {one.address, two.address}


# Sends a pickle as whatever a message may be, each in a connection of its own; prints what comes
# back of each socket.
PICKLE = """
import glob, socket, struct, sys

bomb = bytes.fromhex(sys.argv[1])
golden = [open(path, "rb").read() for path in sorted(glob.glob(sys.argv[2] + "/*.bin"))]
assert len(golden) > 20
frames = [struct.pack("<IHH", len(body), kind, 0) + body + bytes(-len(body) % 8)
          for kind in range(100) for body in (bomb,)]
# A message as it should be, and the pickle behind it.
frames += [struct.pack("<IHH", len(body), kind, 0) + body + bytes(-len(body) % 8) + frames[kind]
           for kind, body in enumerate(golden)]
words = [b"HSET", b"rayx:function:" + bytes(16), b"pickled", bomb]
strings = [b"$%d\\r\\n%s\\r\\n" % (len(word), word) for word in words]
frames.append(b"*%d\\r\\n" % len(words) + b"".join(strings))
for place in sys.argv[3:]:
    answers = b""
    for frame in frames:
        if place.startswith("/"):
            one = socket.socket(socket.AF_UNIX)
            one.connect(place)
        else:
            one = socket.create_connection(place.rsplit(":", 1))
        one.settimeout(10)
        try:
            one.sendall(frame)
            one.shutdown(socket.SHUT_WR)
            while piece := one.recv(65536):
                answers += piece
        except ConnectionError:
            pass
        one.close()
    print(place, len(answers), b"NOAUTH" in answers, flush=True)
"""


class Touch:
    """Who reads its pickle opens a file."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return open, (str(self._path), "w")


def test_a_pickle_of_somebody_without_the_key_runs_nowhere(machines):
    """S23."""
    one, _, eve = machines
    head, _ = start_cluster(machines[:2])
    file = one.home / "touched"
    golden = os.path.join(os.path.dirname(__file__), "../golden")
    sockets = glob.glob(f"{head.directory}/**/*.sock", recursive=True)
    assert len(sockets) >= 3
    bomb = pickle.dumps(Touch(file))
    send = [sys.executable, "-c", PICKLE, bomb.hex(), golden]
    for machine, places in ((eve, [head.cluster]), (one, sockets)):
        ran = machine.run([*send, *places])
        told = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}
        assert told.keys() == set(places), ran.stderr
        for place, (size, is_refused) in told.items():
            assert is_refused == str("control" in place), (place, told)
            assert "control" in place or int(size) < 10_000, (place, told)
    one.run_program(LEAVE_MARKS, head.cluster)
    assert not file.exists()
    # The pickle itself is one that works.
    pickle.loads(bomb).close()
    assert file.exists()


# ---- who reads on the way ------------------------------------------------------------------------

# Writes all that its network card sends and gets to a file.
CAPTURE = """
import socket, sys
one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3))
one.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
one.bind(("eth0", 0))
with open(sys.argv[1], "wb", buffering=0) as file:
    print("listens", flush=True)
    while True:
        file.write(one.recv(1 << 17))
"""

# Leaves the marker in every table that other machines can read.
LEAVE_MARKS = f"""
import sys
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
def fail():
    raise ValueError("{MARKER}")

@rayx.remote
class Marked:
    def get(self):
        print("{MARKER}")
        return rayx.put(b"{MARKER}" * 10_000)

marked = Marked.options(name="{MARKER}").remote()
assert len(rayx.get(rayx.get(marked.get.remote()))) > 100_000
try:
    rayx.get(fail.remote())
except ValueError:
    pass
assert any("{MARKER}" in error.message for error in rayx.error_info())
"""

# Sends it to a task on the other machine, has it printed and raised there, and gets it back: 1 MiB
# of it by value, as an argument, and large, as an object.
SEND_MARKS = f"""
import sys
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote(resources={{"there": 1}})
def echo(text):
    print("{MARKER}", flush=True)
    return rayx.services.get_node_ip_address(), text

@rayx.remote(resources={{"there": 1}})
def fail(text):
    raise ValueError(text)

for text in ("{MARKER}", "{MARKER}" * 50_000):
    address, came_back = rayx.get(echo.remote(text), timeout=20)
    assert address != rayx.get_node_ip_address() and came_back == text
    assert rayx.get(echo.remote(rayx.put(text)), timeout=20)[1] == text
try:
    rayx.get(fail.remote("{MARKER}"), timeout=20)
except ValueError as error:
    assert "{MARKER}" in str(error)
"""


def capture(machine):
    """A file in which all is that goes over its cable from now on."""
    path = machine.home / "capture"
    child = machine.host.start(
        [sys.executable, "-c", CAPTURE, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "listens\n"
    return path


def secrets_of(head, machine):
    """What must be on no wire, in whatever mode."""
    password = read(f"{head.directory}/control.password").strip()
    assert len(password) == 64
    found = [password.encode()]
    if machine.key.exists():
        key = cluster_key.read(machine.key)
        found += [key, key.hex().encode()]
    return found


def test_nothing_can_be_read_on_the_way(machines):
    """S18."""
    one, two, _ = machines
    (head,) = start_cluster(machines[:1])
    captured = capture(two)
    two.copy_key(one)
    two.start(f"--redis-address={head.cluster}", '--resources={"there": 1}')
    two.run_program(LEAVE_MARKS, head.cluster)
    out, _ = one.run_program(SEND_MARKS, head.cluster)
    assert MARKER in out
    # The large ones, there and back.
    poll_until(lambda: captured.stat().st_size > 2_000_000, 10, "something was said")
    seen = captured.read_bytes()
    for secret in secrets_of(head, one):
        assert secret not in seen
    for text in (MARKER, "rayx:", "HSET", "127.0.0.1", two.address):
        assert text.encode() not in seen, text


def test_without_encryption_all_but_the_password_can_be_read(machines):
    """What `--insecure` says of itself is true, and the test before this one can see."""
    one, two, _ = machines
    plain = ["--insecure", "--insecure-network"]
    (head,) = start_cluster(machines[:1], *plain)
    captured = capture(two)
    two.start(f"--redis-address={head.cluster}", '--resources={"there": 1}', *plain)
    two.run_program(LEAVE_MARKS, head.cluster)
    poll_until(lambda: MARKER.encode() in captured.read_bytes(), 10, "the marker")
    one.run_program(SEND_MARKS, head.cluster)
    large = MARKER.encode() * 100
    poll_until(lambda: captured.read_bytes().count(large) > 20, 10, "the marker in values")
    for secret in secrets_of(head, one):
        assert secret not in captured.read_bytes()


def test_no_process_shows_the_key(machines):
    """S8."""
    one, two, _ = machines
    head, member = start_cluster(machines[:2])
    digits = cluster_key.read(one.key).hex()
    two.run_program(LEAVE_MARKS, head.cluster)
    for session in (head, member):
        assert digits not in session.told
        for pid in [session.supervisor, *descendants(session.supervisor)]:
            for name in ("cmdline", "environ"):
                assert digits not in read(f"/proc/{pid}/{name}")
        for directory, _, names in os.walk(session.directory):
            for name in names:
                path = os.path.join(directory, name)
                if os.path.isfile(path):
                    assert digits not in read(path), path


def test_no_core_dump_has_the_key(machines):
    """S8: the daemons have the key in memory, where no core dump looks."""
    one = machines[0]
    sessions = start_cluster(machines[:2])
    key = cluster_key.read(one.key)
    secrets = (key, key.hex().encode())
    holders = 0
    for session in sessions:
        for pid in [session.supervisor, *descendants(session.supervisor)]:
            for is_dumped, memory in private_memory(pid):
                found = any(secret in memory for secret in secrets)
                assert not (found and is_dumped), read(f"/proc/{pid}/cmdline")
                holders += found
    assert holders == len(sessions)  # the nodes: they were looked at rightly


# ---- who guesses ---------------------------------------------------------------------------------


def test_wrong_keys_keep_nobody_else_out(machines):
    """S21: who guesses waits; others do not."""
    one, two, eve = machines
    (head,) = start_cluster(machines[:1])
    cluster_key.make(eve.key)
    for _ in range(3):
        eve.rayx("start", "--num-cpus=1", f"--redis-address={head.cluster}", exit_code=1)
    two.copy_key(one)
    two.start(f"--redis-address={head.cluster}")
    assert hosts_of(head) == {one.address, two.address}
    log = read(f"{head.directory}/logs/node.log")
    assert cluster_key.read(one.key).hex() not in log
    assert log.count("\n") < 200


# ---- who sends back ------------------------------------------------------------------------------

# Passes on every connection to another address, both ways, and says so.
BOUNCE = """
import socket, sys, threading
def pump(source, to):
    try:
        while piece := source.recv(65536):
            to.sendall(piece)
    except OSError:
        pass
    for one in (source, to):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("listens", flush=True)
while True:
    one, _ = listener.accept()
    print("bounced", flush=True)
    other = socket.create_connection((sys.argv[2], int(sys.argv[3])))
    for ends in ((one, other), (other, one)):
        threading.Thread(target=pump, args=ends, daemon=True).start()
"""


def test_a_head_is_not_fooled_by_its_own_words(machines):
    """S16: somebody takes a member's address, and sends the head's greeting back to the head."""
    one, two, eve = machines
    head, member = start_cluster(machines[:2])
    port = member.address.rpartition(":")[2]
    bounce = eve.host.start(
        [sys.executable, "-c", BOUNCE, port, one.address, str(PORT)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert bounce.stdout.readline() == "listens\n"
    # The member's address moves to the other machine.
    two.host.run(["ip", "link", "set", "eth0", "down"])
    eve.host.run(["ip", "addr", "add", f"{two.address}/24", "dev", "eth0"])
    with contextlib.suppress(RuntimeError):
        one.host.run(["ip", "neigh", "flush", "dev", "eth0"])
    assert bounce.stdout.readline() == "bounced\n"
    poll_until(lambda: hosts_of(head) == {one.address}, 10, "the member is dead")
    assert head.status()["state"] == "serving"
    eve.host.run(["ip", "addr", "del", f"{two.address}/24", "dev", "eth0"])
    two.host.run(["ip", "link", "set", "eth0", "up"])
