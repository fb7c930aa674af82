"""A node is frozen, declared dead, and comes back: what it had in hand comes too late."""

import contextlib
import json
import os
import signal
import threading

import pytest
from cluster_machines import Machines, Watcher, start_cluster
from control_server import Connection
from hosts import refusal
from session_watch import descendants, poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# In which a node that does not answer is found silent: 5 s, and what a loaded machine adds.
SILENT_SECONDS = 8.0
BACK_SECONDS = 10.0
# For which the node stays frozen after it was declared dead; 20 is the check that counts.
FROZEN_SECONDS = float(os.environ.get("RAYX_TEST_FROZEN_SECONDS", "2"))

PUTS = """
import json, os, sys, time
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])
home = os.environ["HOME"]

def at(place):
    return {"resources": {place: 0.1}}

def values_of(ids):
    return sorted({float(rayx.get(one, timeout=30)[-1]) for one in ids})

@rayx.remote
def keeps(ids, path):
    value = rayx.get(ids[0])
    open(f"{home}/kept", "w").close()
    while not os.path.exists(path):
        time.sleep(0.02)
    return [float(value[-1]), ids[0]]

# Each run puts other bytes. The first one is frozen when home has what it has put.
@rayx.remote(max_retries=2)
def puts(path):
    run = len(os.listdir(f"{home}/runs"))
    with open(f"{home}/runs/{run}", "w") as file:
        file.write(rayx.services.get_node_ip_address())
    mine = rayx.put(np.full(100_000, float(run)))
    kept = keeps.options(num_cpus=0, **at("home")).remote([mine], path)
    while run == 0:
        time.sleep(0.02)
    return [run, mine, kept]

os.mkdir(f"{home}/runs")
path = f"{home}/let-go"
result = puts.options(**at("guest")).remote(path)
while not os.path.exists(f"{home}/kept"):
    time.sleep(0.02)
print("put", flush=True)
run, mine, kept = rayx.get(result, timeout=50)
print("again", flush=True)

@rayx.remote
def seen(ids):
    return float(rayx.get(ids[0])[-1])

def look():
    tasks = [seen.options(**at(place)).remote([mine]) for place in ("home", "guest") * 3]
    return sorted({float(rayx.get(mine)[-1]), *rayx.get(tasks, timeout=40)})

looks = [look()]
print("looked", flush=True)
sys.stdin.readline()
looks.append(look())
open(path, "w").close()
value, same = rayx.get(kept, timeout=30)
print(json.dumps([run, looks, value, same == mine]), flush=True)
"""


def freeze(session):
    """All that the session does; what is to be thawed."""
    node = session.node()
    frozen = [node, *descendants(node)]
    for pid in frozen:
        send(pid, signal.SIGSTOP)
    return frozen


def thaw(frozen):
    for pid in frozen:
        send(pid, signal.SIGCONT)


def send(pid, number):
    # One that was ending as it was counted (a fork on the way to a worker) may be gone by now: who
    # inherits it is not frozen.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def line_of(program):
    line = program.stdout.readline()
    assert line, program.stderr.read()
    return line


def is_dead(watcher, node_id):
    return any(told == node_id and not alive for told, _, alive in watcher.nodes())


def pause(seconds):
    threading.Event().wait(seconds)  # the length of the fault


@pytest.mark.slow
def test_what_a_frozen_run_has_put_is_never_taken_for_what_the_next_one_puts():
    with Machines(3) as machines:
        one, *others = machines
        head = one.start(
            f"--node-ip-address={one.address}", "--port=6379", '--resources={"home": 1}'
        )
        guests = {}
        for other in others:
            other.copy_key(one)
            guests[other.address] = other.start(
                f"--redis-address={head.cluster}", '--resources={"guest": 1}'
            )
        watcher = Watcher(one, head.cluster)
        program = one.start_program(PUTS, head.cluster)
        assert line_of(program) == "put\n"
        first = (one.home / "runs" / "0").read_text()
        former = watcher.living()[first]
        frozen = freeze(guests[first])
        try:
            assert line_of(program) == "again\n"
            assert line_of(program) == "looked\n"
            assert is_dead(watcher, former)
        finally:
            thaw(frozen)
        poll_until(
            lambda: watcher.living().get(first) not in (None, former), BACK_SECONDS, "it is back"
        )
        program.stdin.write("\n")
        program.stdin.flush()
        assert json.loads(line_of(program)) == [1, [[1.0], [1.0]], 1.0, True]
        assert program.wait(20) == 0
        assert sorted(os.listdir(one.home / "runs")) == ["0", "1"]


# Joins, and does something that is recorded of each kind that there is, when it is told to.
RECORDED = """
import sys
import rayx

rayx.init(redis_address=sys.argv[1], driver_mode=rayx.SILENT_MODE)

@rayx.remote
class Named:
    def get(self):
        return 1

@rayx.remote
def fails():
    raise ValueError

def record(name):
    @rayx.remote
    def fresh():
        return 1

    actor = Named.options(name=name).remote()
    assert rayx.get([actor.get.remote(), fresh.remote()]) == [1, 1]
    rayx.wait([fails.remote()])
    return actor, fresh

kept = []
for name in ("early", "late"):
    kept.append(record(name))
    print(name, flush=True)
    sys.stdin.readline()
"""


def records(head):
    """All that the control servers hold of drivers, functions, actors and errors."""
    primary, shard = Connection(head), Connection(head, 1)
    found = {}
    for driver in primary.ask("SMEMBERS", "rayx:drivers"):
        found[f"driver {driver}"] = primary.ask("HGETALL", f"rayx:driver:{driver}")
        for function in primary.ask("SMEMBERS", f"rayx:driver-functions:{driver}"):
            for server in (primary, shard):
                if fields := server.ask("HGETALL", f"rayx:function:{function}"):
                    found[f"function {function}"] = fields
        found[f"errors {driver}"] = primary.ask("LRANGE", f"rayx:errors:{driver}", "0", "-1")
    for actor in primary.ask("SMEMBERS", "rayx:actors"):
        found[f"actor {actor}"] = primary.ask("HGETALL", f"rayx:actor:{actor}")
    return found


@pytest.mark.slow
@pytest.mark.time_limit(60 + FROZEN_SECONDS)
def test_what_a_frozen_node_had_in_its_queue_reaches_no_table():
    """It is cut off, writes on into its queue, is frozen, and thaws when it is dead."""
    with Machines(2) as machines:
        one, two = machines
        head, member = start_cluster(machines)
        watcher = Watcher(one, head.cluster)
        former = watcher.living()[two.address]
        program = two.start_program(RECORDED, head.cluster)
        assert line_of(program) == "early\n"
        poll_until(lambda: "early" in str(records(head)), 10, "the first are recorded")
        one.host.cut(two.host)
        program.stdin.write("\n")
        program.stdin.flush()
        assert line_of(program) == "late\n"
        frozen = freeze(member)
        try:
            poll_until(lambda: is_dead(watcher, former), SILENT_SECONDS, "it is dead")
            poll_until(lambda: "early" not in str(records(head)), 10, "its actors are dead")
            before = records(head)
            one.host.heal()
            pause(FROZEN_SECONDS)
        finally:
            thaw(frozen)

        def is_back():
            assert records(head) == before
            return watcher.living().get(two.address) not in (None, former)

        poll_until(is_back, BACK_SECONDS, "it is back")
        for _ in range(10):
            assert records(head) == before
            pause(0.1)
        assert is_dead(watcher, former)
        watcher.end()
