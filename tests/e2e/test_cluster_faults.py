"""What bad networks and dying processes do to the machines of a cluster.

F6, F7, F17, F43-F45 and F52 of the requirements.
"""

import json
import os
import signal
import threading
import time

import pytest
from cluster_machines import PORT, Machines, Watcher, start_cluster
from control_server import Connection
from hosts import refusal
from session_watch import descendants, poll_until, read, stat_fields

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# In which a node that does not answer is found silent: 5 s, and what a loaded machine adds.
SILENT_SECONDS = 8.0
# In which one that is back is known to be.
BACK_SECONDS = 10.0

# Works without a pause on its own machine, and counts.
WORK = """
import sys, threading
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
def double(x):
    return 2 * x

def answer():
    for line in sys.stdin:
        print(done, flush=True)

done = 0
threading.Thread(target=answer, daemon=True).start()
while True:
    assert rayx.get([double.remote(i) for i in range(10)], timeout=20) == [*range(0, 20, 2)]
    done += 1
"""


class Worker:
    """A program that works on a machine."""

    def __init__(self, machine, cluster):
        self._program = machine.start_program(WORK, cluster)

    def done(self):
        self._program.stdin.write("?\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, self._program.stderr.read()
        return int(line)

    def goes_on(self):
        before = self.done()
        poll_until(lambda: self.done() > before, 10, "it works")

    def end(self):
        self._program.kill()
        self._program.wait()


@pytest.fixture
def machines():
    with Machines(2) as two:
        yield two


@pytest.fixture
def cluster(machines):
    """A head and a member, and a watcher on the head's machine that has seen both."""
    one, two = machines
    head, member = start_cluster(machines)
    watcher = Watcher(one, head.cluster)
    poll_until(lambda: set(watcher.living()) == {one.address, two.address}, 10, "two nodes")
    yield head, member, watcher


def is_dead(watcher, node_id):
    return any(told == node_id and not alive for told, _, alive in watcher.nodes())


def comes_back(watcher, address, former):
    """Its id, which nobody had before."""
    back = lambda: watcher.living().get(address) not in (None, former)  # noqa: E731
    poll_until(back, BACK_SECONDS, f"another node at {address}")
    return watcher.living()[address]


def pause(seconds):
    threading.Event().wait(seconds)  # the length of the fault


def test_a_killed_daemon_is_missed_within_a_second(machines, cluster):
    two = machines[1]
    head, member, watcher = cluster
    former = watcher.living()[two.address]
    for _ in range(3):
        began = time.monotonic()
        os.kill(member.node(), signal.SIGKILL)
        poll_until(lambda node=former: is_dead(watcher, node), 2.0, "it is dead")
        assert time.monotonic() - began < 1.5  # a second, and what a loaded machine adds
        # Its supervisor starts another at the same address.
        former = comes_back(watcher, two.address, former)
    assert head.status()["state"] == member.status()["state"] == "serving"


BLOCKED = """
import json, sys, threading
import rayx

@rayx.remote
def waits():
    threading.Event().wait()

@rayx.remote
class Waits:
    def wait(self):
        threading.Event().wait()

rayx.init(redis_address=sys.argv[1])
task, call = waits.remote(), Waits.remote().wait.remote()
ways = {
    "get": lambda: rayx.get(task),
    "get of a call": lambda: rayx.get([call]),
    "get with a limit": lambda: rayx.get(task, timeout=60),
    "wait": lambda: rayx.wait([task, call]),
}
ends = {}

def blocked(name):
    try:
        ends[name] = repr(ways[name]())
    except rayx.NodeDiedError:
        ends[name] = "NodeDiedError"

threads = [threading.Thread(target=blocked, args=(name,)) for name in ways]
for thread in threads:
    thread.start()
print("blocked", flush=True)
for thread in threads:
    thread.join()
print(json.dumps(ends), flush=True)
rayx.shutdown()
rayx.init(redis_address=sys.argv[1])
print(rayx.get(rayx.remote(lambda x: 2 * x).remote(21), timeout=20), flush=True)
"""


@pytest.mark.parametrize("where", ["on the head", "on a member"])
def test_a_program_whose_own_daemon_is_killed_is_told_in_all_its_threads(machines, cluster, where):
    """F6."""
    number = ["on the head", "on a member"].index(where)
    session = cluster[number]
    program = machines[number].start_program(BLOCKED, cluster[0].cluster)
    assert program.stdout.readline() == "blocked\n"
    workers = descendants(session.node())
    os.kill(session.node(), signal.SIGKILL)
    began = time.monotonic()
    ends = json.loads(program.stdout.readline())
    assert time.monotonic() - began < 2
    assert set(ends.values()) == {"NodeDiedError"} and len(ends) == 4, ends
    gone = lambda: all((stat_fields(pid) or "Z")[0] == "Z" for pid in workers)  # noqa: E731
    poll_until(gone, 2, "the workers are gone")
    out, err = program.communicate(timeout=30)
    assert (out, program.returncode) == ("42\n", 0), err


def test_all_of_a_machine_is_killed(machines, cluster):
    two = machines[1]
    head, member, watcher = cluster
    former = watcher.living()[two.address]
    member.note()
    began = time.monotonic()
    os.kill(member.supervisor, signal.SIGKILL)
    poll_until(lambda: is_dead(watcher, former), 3.0, "it is dead")
    assert time.monotonic() - began < 2.5
    member.assert_gone(2)
    assert "had ended: its supervisor" in two.rayx("stop")[0]


@pytest.mark.slow
def test_a_cut_of_three_seconds_harms_nobody(machines, cluster):
    """F43."""
    one, two = machines
    head, member, watcher = cluster
    before = watcher.living()
    worker = Worker(two, head.cluster)
    worker.goes_on()
    one.host.cut(two.host)
    pause(3)
    worker.goes_on()
    one.host.heal()
    began = time.monotonic()
    other = Watcher(two, head.cluster)
    assert other.living() == before
    assert time.monotonic() - began < 10
    pause(SILENT_SECONDS)  # whoever was missed would be dead by now
    assert watcher.living() == other.living() == before
    worker.goes_on()
    worker.end()
    other.end()


@pytest.mark.parametrize("direction", ["both", "to", "from"])
def test_a_machine_that_is_cut_off_comes_back_as_another_node(machines, cluster, direction):
    """F44, F45."""
    one, two = machines
    head, member, watcher = cluster
    former = watcher.living()[two.address]
    one.host.cut(two.host, direction)
    began = time.monotonic()
    poll_until(lambda: is_dead(watcher, former), SILENT_SECONDS, "it is dead")
    assert time.monotonic() - began > 3.5
    pause(2)
    assert set(watcher.living()) == {one.address}
    one.host.heal()
    comes_back(watcher, two.address, former)
    assert is_dead(watcher, former)
    poll_until(lambda: member.status(None)["state"] == "serving", BACK_SECONDS, "it serves")
    worker = Worker(two, head.cluster)
    worker.goes_on()
    worker.end()


def test_a_machine_whose_address_is_taken_away(machines, cluster):
    """F52: it is cut off as long as it has none, and says so; with the address it comes back."""
    _, two = machines
    head, member, watcher = cluster
    former = watcher.living()[two.address]
    address = [f"{two.address}/24", "dev", "eth0"]
    two.host.run(["ip", "addr", "del", *address])
    poll_until(lambda: is_dead(watcher, former), SILENT_SECONDS, "it is dead")
    two.host.run(["ip", "addr", "add", *address])
    comes_back(watcher, two.address, former)
    poll_until(lambda: member.status(None)["state"] == "serving", BACK_SECONDS, "it serves")
    assert "recvmsg" not in read(f"{member.directory}/logs/node.log")
    worker = Worker(two, head.cluster)
    worker.goes_on()
    worker.end()


def test_a_frozen_daemon_is_declared_dead_and_comes_back_as_another_node(machines, cluster):
    """F17."""
    one, two = machines
    head, member, watcher = cluster
    former = watcher.living()[two.address]
    pid = member.node()
    os.kill(pid, signal.SIGSTOP)
    poll_until(lambda: is_dead(watcher, former), SILENT_SECONDS, "it is dead")
    pause(3)
    assert set(watcher.living()) == {one.address}
    os.kill(pid, signal.SIGCONT)
    comes_back(watcher, two.address, former)
    poll_until(lambda: member.status(None)["state"] == "serving", BACK_SECONDS, "it serves")
    worker = Worker(two, head.cluster)
    worker.goes_on()
    worker.end()


def test_the_head_s_daemon_comes_back_and_members_stay_members(machines, cluster):
    one, two = machines
    head, member, watcher = cluster
    member_id, head_id = watcher.living()[two.address], watcher.living()[one.address]
    other = Watcher(two, head.cluster)
    worker = Worker(two, head.cluster)
    worker.goes_on()
    for _ in range(3):
        os.kill(head.node(), signal.SIGKILL)
        poll_until(
            lambda node=head_id: (
                is_dead(other, node)
                and set(other.living())
                == {
                    one.address,
                    two.address,
                }
            ),
            BACK_SECONDS,
            "the head is back at the same port",
        )
        assert other.living()[two.address] == member_id
        head_id = other.living()[one.address]
        worker.goes_on()
        assert head.status()["address"] == f"{one.address}:{PORT}"
    pause(SILENT_SECONDS)
    assert other.living()[two.address] == member_id
    worker.goes_on()
    worker.end()
    other.end()


def test_the_control_server_comes_back(machines, cluster):
    one, two = machines
    head, member, watcher = cluster
    other = Watcher(two, head.cluster)
    before = other.living()
    for pid in head.control_servers():
        os.kill(pid, signal.SIGKILL)
    poll_until(lambda: len(head.control_servers()) == 2, 10, "they are started again")
    assert other.living() == watcher.living() == before
    other.end()


MAKE_ACTORS = """
import sys
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
class Named:
    def get(self):
        return 1

kept = []
for name in ("early", "late"):
    kept.append(Named.options(name=name).remote())
    rayx.get(kept[-1].get.remote())
    print(name, flush=True)
    sys.stdin.readline()
"""


def actors_in_tables(head):
    """The names of those that the control servers know, whichever node has written them."""
    primary = Connection(head)
    found = {}
    for actor in primary.ask("SMEMBERS", "rayx:actors"):
        fields = primary.ask("HGETALL", f"rayx:actor:{actor}")
        found |= {fields[fields.index("name") + 1]: fields[fields.index("node") + 1]}
    return found


def test_what_a_dead_node_writes_reaches_no_table(machines, cluster):
    """It is cut off, and works on; what it wrote waits in its queue, and must not come late."""
    one, two = machines
    head, member, watcher = cluster
    former = watcher.living()[two.address]
    maker = two.start_program(MAKE_ACTORS, head.cluster)
    assert maker.stdout.readline() == "early\n"
    poll_until(lambda: actors_in_tables(head) == {"early": former}, 10, "the first is recorded")
    one.host.cut(two.host)
    maker.stdin.write("go on\n")
    maker.stdin.flush()
    assert maker.stdout.readline() == "late\n"
    poll_until(lambda: is_dead(watcher, former), SILENT_SECONDS, "it is dead")
    poll_until(lambda: actors_in_tables(head) == {}, 10, "its actors are dead")
    one.host.heal()
    comes_back(watcher, two.address, former)
    for _ in range(10):
        assert actors_in_tables(head) == {}
        pause(0.2)
    assert is_dead(watcher, former)


def test_the_cluster_ends_with_its_head(machines, cluster):
    one, two = machines
    head, member, watcher = cluster
    program = two.start_program(
        """
import sys
import rayx
rayx.init(redis_address=sys.argv[1])

@rayx.remote
def wait():
    import threading
    threading.Event().wait()

held = wait.remote()
print("waits", flush=True)
try:
    rayx.get(held)
except rayx.NodeDiedError as error:
    print(error)
""",
        head.cluster,
    )
    assert program.stdout.readline() == "waits\n"
    member.note()
    head.stop()
    out, err = program.communicate(timeout=20)
    assert "the head has ended the cluster" in out and program.returncode == 0, out + err
    poll_until(lambda: member.status(None)["state"] == "ended", 10, "the member's session ends")
    assert "the head has ended the cluster" in member.status(3)["why"]
    member.assert_gone(2)
    said = two.rayx("stop")[0]
    assert "had ended: the head has ended the cluster" in said and "record is removed" in said
