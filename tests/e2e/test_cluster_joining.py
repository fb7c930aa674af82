"""Machines that join a cluster, programs on each of them, and who is refused.

The machines are hosts with a network of their own.
"""

import errno
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cluster_machines import PORT, Machines
from hosts import refusal
from session_watch import poll_until
from standing_session import STORE

from rayx.records import cluster_key

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# A program of a machine: where it is, and what it sees of the cluster.
LOOK = """
import json, sys
import rayx

info = rayx.init(redis_address=sys.argv[1])

@rayx.remote
def where():
    return rayx.services.get_node_ip_address()

print(json.dumps({
    "address": rayx.get_node_ip_address(),
    "tasks": sorted(set(rayx.get([where.remote() for _ in range(20)]))),
    "nodes": sorted([node.address, node.port, node.alive] for node in rayx.nodes()),
    "info": [info["node_ip_address"], info["redis_address"], len(info["redis_sockets"])],
}))
"""


@pytest.fixture
def machines():
    with Machines(2) as two:
        yield two


def start_head(machine, *arguments, address=None):
    address = machine.address if address is None else address
    return machine.start(f"--node-ip-address={address}", f"--port={PORT}", *arguments)


def join(machine, head, *arguments):
    machine.copy_key(head[0])
    return machine.start(f"--redis-address={head[1].cluster}", *arguments)


def look(machine, address):
    return json.loads(machine.run_program(LOOK, address)[0])


def hosts_of(status):
    return sorted(node["host"] for node in status["nodes"] if node["alive"])


def sees(session, addresses):
    """Waits until its status shows these machines, no more and no fewer."""
    poll_until(lambda: hosts_of(session.status()) == sorted(addresses), 10, str(addresses))


def test_two_machines_and_programs_on_both(machines):
    one, two = machines
    head = start_head(one)
    assert head.cluster == f"{one.address}:{PORT}"
    assert f"A key was made: {one.key}\n" in head.told
    assert f"\n    rayx start --redis-address={head.cluster}\n" in head.told
    member = join(two, (one, head))
    assert f"has joined the cluster at {head.cluster}, as the node {two.address}:" in member.told
    assert head.warned == member.warned == ""
    for session in (head, member):
        sees(session, [one.address, two.address])
    own_port = int(member.address.rpartition(":")[2])
    for machine, servers in ((one, 2), (two, 0)):
        assert look(machine, head.cluster) == {
            "address": machine.address,
            "tasks": [machine.address],
            "nodes": [[one.address, PORT, True], [two.address, own_port, True]],
            "info": [machine.address, head.cluster, servers],
        }
    assert member.control_servers() == []
    screen, _ = two.rayx("status")
    assert screen.startswith(f"Node {member.address} of the cluster {head.cluster}: serving\n")
    assert f" at {head.cluster} (pid {head.node()}), up " in screen


def test_a_machine_that_stops_leaves_and_nothing_of_others_ends(machines):
    one, two = machines
    head = start_head(one)
    member = join(two, (one, head))
    sees(head, [one.address, two.address])
    own, other = head.status()["nodes"]
    assert [own["host"], other["host"]] == [one.address, two.address]
    assert own.keys() <= other.keys(), "of both is told what they do"
    screen = one.rayx("status")[0]
    assert re.search(rf"and .* at {re.escape(member.address)} .*\n +CPU . of . free; store", screen)
    said = two.rayx("stop")[0]
    assert said == (
        f"Stopped the node of the cluster {head.cluster} at {member.address} "
        f"(pid {member.supervisor}).\n"
    )
    member.assert_gone(0)
    sees(head, [one.address])
    nodes = look(one, head.cluster)["nodes"]
    port = int(member.address.rpartition(":")[2])
    assert nodes == [[one.address, PORT, True], [two.address, port, False]]
    # It may come back, under the same address.
    again = join(two, (one, head), f"--port={port}")
    assert again.address == member.address
    sees(head, [one.address, two.address])


def test_a_program_on_a_machine_without_a_node_is_told_the_command(machines):
    one, two = machines
    head = start_head(one)
    program = """
import sys, rayx
try:
    rayx.init(redis_address=sys.argv[1])
except rayx.StartError as error:
    print(error)
"""
    told = two.run_program(program, head.cluster)[0]
    assert f"`rayx start --redis-address={head.cluster}` starts one" in told
    assert two.rayx("status", exit_code=1)[0].startswith("There is no session of yours")


def test_two_nodes_of_one_machine_are_told_apart(machines):
    one, two = machines
    two.host.run(["ip", "addr", "add", "10.77.0.92/24", "dev", "eth0"])
    head = start_head(one)
    first = join(two, (one, head))
    second = join(two, (one, head), "--node-ip-address=10.77.0.92")
    assert second.address.startswith("10.77.0.92:")
    sees(head, [one.address, two.address, "10.77.0.92"])
    program = """
import sys, rayx
for address in (None, *sys.argv[2:]):
    with rayx.init(redis_address=sys.argv[1], node_ip_address=address) as info:
        print(info["node_ip_address"], rayx.get_node_ip_address())
"""
    told = two.run_program(program, head.cluster, "10.77.0.92", two.address)[0].split()
    assert told == [two.address] * 2 + ["10.77.0.92"] * 2 + [two.address] * 2
    assert two.rayx("stop", f"--address={second.address}")[0].count("Stopped") == 1
    second.assert_gone(0)
    assert first.status()["state"] == "serving"
    sees(head, [one.address, two.address])


def test_ipv6(machines):
    one, two = machines
    head = start_head(one, address=f"[{one.address6}]")
    assert head.cluster == f"[{one.address6}]:{PORT}"
    member = join(two, (one, head))
    assert member.address.startswith(f"[{two.address6}]:")
    sees(member, [one.address6, two.address6])
    assert look(two, head.cluster)["address"] == two.address6


def test_the_scripts_of_the_reference(machines):
    one, two = machines
    scripts = Path(__file__).parents[2] / "scripts"
    for machine, how, said in (
        (one, ["--head", f"--redis-port={PORT}", f"--node-ip-address={one.address}"], "The clus"),
        (two, [f"--redis-address={one.address}:{PORT}", "--num-gpus=1"], "This machine has joined"),
    ):
        if machine is two:
            two.copy_key(one)
        command = [scripts / "start_rayx.sh", *how, "--num-cpus=1", STORE]
        ran = machine.run(command, env=machine.environment | {"RAYX_PYTHON": sys.executable})
        assert ran.returncode == 0 and said in ran.stdout, ran.stdout + ran.stderr
    for machine, said in ((two, "Stopped the node"), (one, "Stopped the session")):
        ran = machine.run(
            [scripts / "stop_rayx.sh"], env=machine.environment | {"RAYX_PYTHON": sys.executable}
        )
        assert ran.returncode == 0 and said in ran.stdout, ran.stdout + ran.stderr


def test_block_on_a_machine_that_has_joined(machines):
    one, two = machines
    head = start_head(one)
    two.copy_key(one)
    waiting = two.host.start(
        [sys.executable, "-m", "rayx", "start", f"--redis-address={head.cluster}", STORE]
        + ["--num-cpus=1", "--block"],
        env=two.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = iter(waiting.stdout.readline, "")
    assert any(line.startswith("`rayx status` shows the cluster") for line in lines)
    waiting.terminate()
    assert waiting.wait(20) == 0
    said = waiting.stdout.read()
    assert re.fullmatch(r"The node at (\S+) is drained .*\nThe node at \1 has left .*\n", said), (
        said
    )
    sees(head, [one.address])


# ---- who is refused ------------------------------------------------------------------------------


def refused(machine, *arguments, **environment):
    """What `rayx start` says, after which nothing of it is there."""
    began = time.monotonic()
    out, err = machine.rayx("start", STORE, "--num-cpus=1", *arguments, exit_code=1, **environment)
    assert time.monotonic() - began < 20
    assert "redis_address=" not in out
    assert machine.rayx("status", exit_code=1)[0].startswith("There is no session of yours")
    assert not list(machine.home.glob("rayx-*"))
    return err


def test_without_the_key_and_with_another_one(machines):
    one, two = machines
    head = start_head(one)
    joining = f"--redis-address={head.cluster}"
    assert f"scp -p root@{one.address}:.rayx/cluster.key ~/.rayx/cluster.key" in refused(
        two, joining
    )
    cluster_key.make(two.key)
    told = refused(two, joining)
    assert "key" in told and str(head.cluster) in told, told
    two.copy_key(one)
    two.key.chmod(0o644)
    assert f"`chmod 600 {two.key}`" in refused(two, joining)
    sees(head, [one.address])
    join(two, (one, head))
    sees(head, [one.address, two.address])


def test_another_python(machines, tmp_path):
    one, two = machines
    head = start_head(one)
    two.copy_key(one)
    # Its version is what `rayx start` tells its daemons: told as another one, it is another one.
    (tmp_path / "sitecustomize.py").write_text(
        "from rayx.launch import processes\n"
        "real = processes._whose\n"
        "def whose(*given):\n"
        "    return ['--python-version=3.10' if word.startswith('--python-version') else word\n"
        "            for word in real(*given)]\n"
        "processes._whose = whose\n"
    )
    told = refused(two, f"--redis-address={head.cluster}", PYTHONPATH=str(tmp_path))
    own = "{}.{}".format(*sys.version_info)
    assert "3.10" in told and own in told, told
    sees(head, [one.address])


def test_nobody_there(machines):
    one, two = machines
    cluster_key.make(two.key)
    told = refused(two, f"--redis-address={one.address}:{PORT}")
    assert f"{one.address}:{PORT}" in told, told
    # Cut off: nothing answers at all.
    two.host.cut(one.host)
    told = refused(two, f"--redis-address={one.address}:{PORT}")
    assert f"{one.address}:{PORT}" in told, told


def test_no_machine_there_and_no_way_to_it(machines):
    """The system's errors are told in words that say where and what to look at."""
    _, two = machines
    cluster_key.make(two.key)
    told = refused(two, "--redis-address=10.77.0.99:6379")
    assert "the head at 10.77.0.99:6379 cannot be reached: no machine answers" in told, told
    assert "No route to host" in told and "recvmsg" not in told, told
    two.host.run(["ip", "route", "flush", "table", "main"])
    told = refused(two, "--redis-address=10.77.0.99:6379", f"--node-ip-address={two.address}")
    assert "10.77.0.99" in told and "unreachable" in told, told


def test_another_service_there(machines):
    one, two = machines
    cluster_key.make(two.key)
    server = one.host.start(
        [sys.executable, "-m", "http.server", "--bind", one.address, str(PORT)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    probe = [
        sys.executable,
        "-c",
        "import socket,sys; socket.create_connection((sys.argv[1], 6379))",
    ]
    poll_until(lambda: two.run([*probe, one.address]).returncode == 0, 10, "the server")
    told = refused(two, f"--redis-address={one.address}:{PORT}")
    assert f"{one.address}:{PORT}" in told, told
    assert server.poll() is None


@pytest.mark.parametrize("insecure", ["head", "node"])
def test_modes_that_differ(machines, insecure):
    """S19."""
    one, two = machines
    plain = ["--insecure", "--insecure-network"]
    head = start_head(one, *(plain if insecure == "head" else []))
    if insecure == "head":
        assert "WARNING: --insecure" in head.warned
        cluster_key.make(two.key)
    joining = [f"--redis-address={head.cluster}", *(plain if insecure == "node" else [])]
    *warnings, told = refused(two, *joining).splitlines()
    assert all("WARNING: --insecure" in line for line in warnings)
    should = "without --insecure" if insecure == "node" else "with --insecure"
    assert f"the head at {head.cluster} cannot be reached" in told and should in told, told
    sees(head, [one.address])


def test_insecure_on_both(machines):
    one, two = machines
    plain = ["--insecure", "--insecure-network"]
    head = start_head(one, *plain)
    member = two.start(f"--redis-address={head.cluster}", *plain)
    sees(member, [one.address, two.address])
    assert "key        none (--insecure)" in two.rayx("status")[0]
    assert look(two, head.cluster)["tasks"] == [two.address]
    assert not two.key.exists() and not one.key.exists()


def test_nodes_of_one_machine_alone(machines):
    """With a key, at loopback: nothing can be reached from elsewhere."""
    one, two = machines
    key = one.home / "k"
    one.home.chmod(0o700)
    head = one.start(f"--port={PORT}", f"--key-file={key}")
    assert head.cluster == f"127.0.0.1:{PORT}" and "scp" not in head.told
    member = one.start(f"--redis-address={head.cluster}", f"--key-file={key}")
    assert member.address.startswith("127.0.0.1:")
    sees(head, ["127.0.0.1"] * 2)
    connecting = """
import socket, sys
print(socket.socket().connect_ex((sys.argv[1], 6379)))
"""
    told = two.run([sys.executable, "-c", connecting, one.address]).stdout
    assert int(told) == errno.ECONNREFUSED
