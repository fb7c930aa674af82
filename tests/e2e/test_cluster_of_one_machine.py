"""rayx.cluster: nodes are started, added, removed and killed on this machine; nothing is left."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from session_watch import descendants, poll_until, read

import rayx
from rayx.cluster import Cluster
from rayx.records import session_records


@rayx.remote
def above():
    """The processes above the worker, its node's daemon among them."""
    return [parent.pid for parent in psutil.Process().parents()]


def daemon_of(node):
    """As the tables have it."""
    (pid,) = (
        found.pid
        for found in rayx.nodes()
        if found.alive and f"{found.address}:{found.port}" == node.address
    )
    return pid


def runs_at(node, **options):
    return daemon_of(node) in rayx.get(above.options(**options).remote(), timeout=20)


def living():
    return sum(node.alive for node in rayx.nodes())


@pytest.fixture
def cluster():
    """A head, and a node with a resource, which this program has joined."""
    with Cluster(nodes=[{"num_cpus": 2}, {"resources": {"disk": 1}}]) as cluster:
        rayx.init(redis_address=cluster.redis_address)
        yield cluster
    assert not rayx.is_initialized()


def test_tasks_run_where_their_resource_is(cluster):
    head, other = cluster.nodes
    assert [node.is_head for node in cluster.nodes] == [True, False]
    assert head.address == cluster.redis_address
    assert head.resources == {"CPU": 2}
    assert other.resources == {"CPU": 1, "disk": 1}
    assert living() == 2
    assert runs_at(head)
    assert runs_at(other, resources={"disk": 1})


def test_a_node_that_is_added_has_work_at_once(cluster):
    waiting = above.options(resources={"tape": 2}).remote()
    added = cluster.add_node(num_cpus=2, resources={"tape": 2})
    assert cluster.nodes[-1] is added
    assert living() == 3
    assert runs_at(added, resources={"tape": 1})
    assert daemon_of(added) in rayx.get(waiting, timeout=20)


@pytest.mark.parametrize("way", ["remove_node", "kill"])
def test_when_a_node_goes_tasks_run_elsewhere(cluster, way):
    _, other = cluster.nodes
    spare = cluster.add_node(resources={"disk": 1})
    supervisor = other._record.supervisor.pid
    below = descendants(supervisor)
    getattr(cluster, way)(other)
    assert not [pid for pid in [supervisor, *below] if read(f"/proc/{pid}/cmdline")]
    assert not other.is_alive
    assert other not in cluster.nodes
    # Who has taken its leave is known to be gone; who was killed is missed.
    poll_until(lambda: living() == 2, 0.5 if way == "remove_node" else 10, "it is known to be gone")
    for _ in range(3):
        assert runs_at(spare, resources={"disk": 1})
    with pytest.raises(ValueError, match="no node of this cluster, or not any more"):
        getattr(cluster, way)(other)


# The tables know of a node a moment before it has registered with the head.
@pytest.mark.parametrize("way", ["remove_node", "kill"])
def test_what_only_the_node_could_run_that_is_gone_is_told_soon(cluster, way):
    _, other = cluster.nodes
    assert runs_at(other, resources={"disk": 1})
    getattr(cluster, way)(other)
    gone = time.monotonic()
    waiting = above.options(resources={"disk": 1}).remote()
    # A node whose connection is lost may come back within five seconds; one that is dead does not.
    while "no node of the cluster has any 'disk'" not in why(waiting):
        assert time.monotonic() < gone + 4
    assert runs_at(cluster.add_node(resources={"disk": 1}), resources={"disk": 1})


def why(waiting):
    """What a person is told that waits for it."""
    with pytest.raises(rayx.GetTimeoutError) as error:
        rayx.get(waiting, timeout=0.1)
    return str(error.value)


def test_a_node_that_dies_as_soon_as_it_is_there_is_known_to_be_dead(cluster):
    for _ in range(12):
        cluster.kill(cluster.add_node())
    poll_until(lambda: living() == 2, 15, "they are known to be gone")


def test_the_head_is_not_removed(cluster):
    head, other = cluster.nodes
    with pytest.raises(ValueError, match="is the head, with which the cluster ends"):
        cluster.remove_node(head)
    with pytest.raises(TypeError, match="a ClusterNode is needed"):
        cluster.kill(head.address)
    with pytest.raises(TypeError, match="add_node has no argument 'cpus'.*'num_cpus'"):
        cluster.add_node(cpus=2)
    assert head.is_alive and other.is_alive
    rayx.shutdown()
    head.kill()
    with pytest.raises(rayx.StartError, match="the cluster has no head any more"):
        cluster.add_node()


def test_a_program_that_has_not_joined_this_cluster_keeps_its_session():
    with rayx.init(num_cpus=1):
        with Cluster() as cluster:
            assert len(cluster.nodes) == 1
        assert rayx.get(above.remote(), timeout=20)
        assert cluster.nodes == ()


def test_if_one_cannot_be_started_none_is_left(monkeypatch):
    begin = rayx.cluster.sessions.launch
    begun = []

    def fail_third(options, where):
        if len(begun) == 2:
            raise rayx.StartError("no more")
        begun.append(begin(options, where))
        return begun[-1]

    monkeypatch.setattr(rayx.cluster.sessions, "launch", fail_third)
    with pytest.raises(rayx.StartError, match="no more"):
        Cluster(nodes=3)
    assert [processes._supervisor.poll() for processes in begun] == [0, 0]


# A program with a cluster that it has joined, and a fork that holds all that it has open.
PROGRAM = """
from rayx.cluster import Cluster

cluster = Cluster(nodes=[{"num_cpus": 1}, {"resources": {"disk": 1}}, {}])
rayx.init(redis_address=cluster.redis_address)

@rayx.remote(resources={"disk": 1})
def sleep():
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    time.sleep(1000)

rayx.put(bytes(1 << 20))
sleep.remote()
if sys.argv[1] == "fork":
    child = os.fork()
    if child == 0:
        os.environ.clear()
        signal.pause()
    tell(child=child)
cluster.nodes[2].kill()
directories = [str(node._processes.directory) for node in cluster.nodes]
tell(session_dir=directories[0], directories=directories,
     addresses=[node.address for node in cluster.nodes])
if sys.argv[1] == "raise":
    raise RuntimeError("of the program")
if sys.argv[1] == "end":
    sys.exit(0)
signal.pause()
"""


@pytest.mark.parametrize("way", ["killed", "fork", "raise", "end"])
def test_nothing_is_left_however_the_program_ends(start_driver, way):
    driver = start_driver(PROGRAM, way)
    facts = {name: driver.fact(name) for name in ("session_dir", "directories", "addresses")}
    for directory in facts["directories"]:
        driver.traces.record_directory(directory)
    spare = []
    if way in ("killed", "fork"):
        assert len(driver.record()) > 8
        assert len(session_records.read_all()) == 2
        spare = [driver.fact("child")] if way == "fork" else []
        os.kill(driver.pid, signal.SIGKILL)
    assert driver.wait() == {"raise": 1, "end": 0}.get(way, -signal.SIGKILL), driver.output()
    try:
        driver.traces.assert_gone(spare)
    finally:
        for pid in spare:
            os.kill(pid, signal.SIGKILL)
    assert session_records.read_all() == []
    assert list(session_records.directory().iterdir()) == []
    for address in facts["addresses"]:
        host, _, port = address.rpartition(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))


@rayx.remote
def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.001)  # task work
    return bytes(1_000_000)


def node_id_of(node):
    (node_id,) = (
        found.node_id
        for found in rayx.nodes()
        if found.alive and f"{found.address}:{found.port}" == node.address
    )
    return node_id


def test_the_state_of_all_nodes_is_told(cluster, tmp_path):
    head, other = cluster.nodes
    gate = tmp_path / "gate"
    there, too = (
        wait_for.options(resources={"disk": 1}).remote(str(gate)),
        wait_for.options(resources={"tape": 1}).remote(str(gate)),
    )

    def place_of(object_id):
        listed = {one.task_id: (one.node_id, one.state) for one in rayx.state.tasks()}
        return listed.get(object_id.hex()[:32])

    is_there = (node_id_of(other), "running")
    poll_until(lambda: place_of(there) == is_there, 20, "the task runs there")
    assert place_of(too) == (node_id_of(head), "waiting"), "nobody runs it"
    assert rayx.cancel_all() == 2
    with pytest.raises(rayx.TaskCancelledError):
        rayx.get(too, timeout=20)
    gate.touch()
    kept = wait_for.options(resources={"disk": 1}).remote(str(gate))
    rayx.wait([kept], timeout_s=20)
    (place,) = (one.node_id for one in rayx.state.objects() if one.object_id == kept.hex())
    assert place == node_id_of(other)
    assert ("wait_for", node_id_of(head)) in {
        (one.name, one.node_id) for one in rayx.state.functions()
    }


def test_a_node_that_does_not_answer_is_left_out(cluster):
    _, other = cluster.nodes
    daemon = psutil.Process(daemon_of(other))
    daemon.suspend()
    try:
        with pytest.warns(UserWarning, match="its tasks are not listed: node .* cannot be asked"):
            assert rayx.state.tasks() == []
    finally:
        daemon.resume()


@rayx.remote
def get_inside(ids):
    return len(rayx.get(ids[0]))


def test_a_node_whose_tasks_wait_in_get_has_room_for_more(cluster, tmp_path):
    """The CPU of its only task is given back, which is known to who places tasks."""
    _, other = cluster.nodes
    gate = tmp_path / "gate"
    gated = wait_for.remote(str(gate))
    waits = get_inside.options(resources={"disk": 0.5}).remote([gated])
    assert runs_at(other, resources={"disk": 0.5})
    assert rayx.wait([waits], timeout=0) == ([], [waits])
    gate.touch()
    assert rayx.get(waits, timeout=20) == 1_000_000


LAST_WORDS = """
import atexit, sys, threading, rayx
rayx.init(redis_address=sys.argv[1])

@rayx.remote(resources={"disk": 1})
def work():
    atexit.register(lambda: print("the worker's last words", flush=True))
    print("the task's words")

rayx.get(work.remote())
"""


def test_what_is_printed_last_at_another_node_reaches_the_program(cluster):
    """Its end waits for workers there that have something to finish."""
    _, other = cluster.nodes
    node = node_id_of(other)[:8]
    ran = subprocess.run(
        [sys.executable, "-c", LAST_WORDS, cluster.redis_address],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ran.returncode == 0, ran.stderr
    for words in ("the task's words", "the worker's last words"):
        assert re.search(rf"pid=\d+, node={node}\) {words}", ran.stdout), ran.stdout + ran.stderr
