"""Large values that go from node to node: whole, once for each node, and beside all else."""

import json
import os
import time

import numpy as np
import pytest
from cluster_machines import Machines
from hosts import refusal
from relayed_cluster import RelayedCluster
from session_watch import poll_until

import rayx
from rayx.cluster import Cluster

REFUSAL = refusal()
between_hosts = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

MIB = 1 << 20

# So many connections are cut; more in longer runs.
CUTS = int(os.environ.get("RAYX_TEST_CUTS", "30"))
# Some 100 MB a second, with one flipped bit in 10 MB.
FLIP_SECONDS = float(os.environ.get("RAYX_TEST_FLIP_SECONDS", "5"))
# What goes through a slow cable; 200 is a minute and a half.
SLOW_MB = int(os.environ.get("RAYX_TEST_SLOW_MB", "15"))

PRELUDE = """
import hashlib, json, sys, time
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])

def at(place):
    return {"resources": {place: 0.01}}

def random_bytes(size, seed):
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)

def digest(array):
    return hashlib.sha256(array).hexdigest()

@rayx.remote
def read(array):
    return digest(array)

@rayx.remote
def make(size, seed):
    return random_bytes(size, seed)
"""

TO_ALL = """
value = random_bytes(int(sys.argv[2]), 1)
object_id = rayx.put(value)
print("put", flush=True)
sys.stdin.readline()
reads = [read.options(**at(place)).remote(object_id) for place in sys.argv[3:]]
assert set(rayx.get(reads, timeout=50)) == {digest(value)}
print("read", flush=True)
sys.stdin.readline()
"""


def sent_bytes(machine):
    (told,) = json.loads(machine.host.run(["ip", "-s", "-j", "link", "show", "eth0"]))
    return told["stats64"]["tx"]["bytes"]


@between_hosts
def test_a_value_that_all_want_leaves_its_maker_twice():
    size = 48 * MIB
    names = ["home", "a", "b", "c", "d"]
    with Machines(len(names)) as machines:
        one, *others = machines
        head = one.start(f"--node-ip-address={one.address}", '--resources={"home": 1}')
        for machine, name in zip(others, names[1:], strict=True):
            machine.copy_key(one)
            machine.start(f"--redis-address={head.cluster}", f'--resources={{"{name}": 1}}')
        program = one.start_program(PRELUDE + TO_ALL, head.cluster, str(size), *names[1:])
        assert program.stdout.readline() == "put\n", program.stderr.read()
        before = [sent_bytes(machine) for machine in machines]
        program.stdin.write("\n")
        program.stdin.flush()
        assert program.stdout.readline() == "read\n", program.stderr.read()
        sent = [sent_bytes(m) - was for m, was in zip(machines, before, strict=True)]
        program.communicate("\n", timeout=20)
        # Beside it: heads of packets, what is encrypted, acknowledgements.
        assert 1.9 < sent[0] / size < 2.3, sent
        assert sum(sent) / size < 4.5, sent


THROUGH_CUTS = """
rounds = 0
while not time.time() > float(sys.argv[2]):
    rounds += 1
    sent = [random_bytes(5_000_000 + i, rounds * 10 + i) for i in range(3)]
    there = [read.options(**at(place)).remote(rayx.put(value))
             for place in ("a", "b") for value in sent]
    made = [make.options(**at(place)).remote(5_000_000, rounds) for place in ("a", "b")]
    assert rayx.get(there, timeout=60) == [digest(value) for value in sent] * 2
    for value in rayx.get(made, timeout=60):
        assert digest(value) == digest(random_bytes(5_000_000, rounds))
print(rounds)
"""


@between_hosts
def test_values_come_whole_through_cuts():
    seconds = max(6, CUTS / 5)
    with Machines(4) as machines:
        cluster = RelayedCluster(machines, ["home", "a", "b"], "--cut", "4000000")
        home = cluster.machines["home"]
        end = str(time.time() + seconds)
        program = home.start_program(PRELUDE + THROUGH_CUTS, cluster.head.cluster, end)
        printed, errors = program.communicate(timeout=seconds + 60)
        assert program.returncode == 0, errors
        assert int(printed) > 0
        assert cluster.end_relays() >= CUTS


@between_hosts
@pytest.mark.parametrize("is_secure", [True, False], ids=["TLS", "insecure"])
def test_no_flipped_bit_gets_into_a_value(is_secure):
    # Connections end by them, some ten a second.
    options = () if is_secure else ("--insecure", "--insecure-network")
    with Machines(4) as machines:
        names = ["home", "a", "b"]
        cluster = RelayedCluster(machines, names, "--flip", "10000000", started_with=options)
        program = cluster.machines["home"].start_program(
            PRELUDE + THROUGH_CUTS, cluster.head.cluster, str(time.time() + FLIP_SECONDS)
        )
        printed, errors = program.communicate(timeout=FLIP_SECONDS + 60)
        assert program.returncode == 0, errors
        assert int(printed) > 0
        assert cluster.ended() > 5


BESIDE_BYTES = """
object_id = rayx.put(random_bytes(int(sys.argv[2]), 1))

@rayx.remote
def small():
    return 1

rayx.get(small.options(**at("there")).remote())
slow = read.options(**at("there")).remote(object_id)
times = []
while rayx.wait([slow], timeout=0)[1]:
    begun = time.perf_counter()
    rayx.get(small.options(**at("there")).remote(), timeout=20)
    times.append(time.perf_counter() - begun)
    time.sleep(0.02)
assert all(node.alive for node in rayx.nodes())
times.sort()
print(json.dumps([len(times), times[int(len(times) * 0.99)]]))
"""


@between_hosts
def test_small_tasks_do_not_wait_behind_bytes():
    with Machines(2) as (one, two):
        store = f"--object-store-memory={3 * SLOW_MB * MIB}"
        head = one.start(f"--node-ip-address={one.address}", store)
        two.copy_key(one)
        there = '--resources={"there": 1}', "--num-cpus=2"
        two.start(f"--redis-address={head.cluster}", store, *there)
        one.host.slow("20mbit")
        program = one.start_program(PRELUDE + BESIDE_BYTES, head.cluster, str(SLOW_MB * 1_000_000))
        printed, errors = program.communicate(timeout=50 + SLOW_MB)
        assert program.returncode == 0, errors
        count, slowest = json.loads(printed)
        # A switch that is full keeps 0.4 s of what is sent.
        assert count > 5
        assert slowest < 0.9


@rayx.remote
def make_ones(size):
    return np.ones(size, dtype=np.uint8)


@rayx.remote
def hold(array, begun, until):
    with open(begun, "w"):
        pass
    with open(until) as fifo:
        fifo.read()
    return int(array.sum())


@rayx.remote
def add(one, other):
    return int(one.sum()) + int(other.sum())


def test_a_copy_saves_a_value_whose_maker_is_gone(tmp_path):
    begun, until = tmp_path / "begun", tmp_path / "until"
    os.mkfifo(until)
    nodes = [{"num_cpus": 1}, {"resources": {"maker": 1}}, {"resources": {"holder": 1}}]
    with Cluster(nodes=nodes) as cluster:
        rayx.init(redis_address=cluster.redis_address)
        try:
            value = make_ones.options(resources={"maker": 1}).remote(8 * MIB)
            held = hold.options(resources={"holder": 1}).remote(value, str(begun), str(until))
            poll_until(begun.exists, 20, "the holder has the value")
            cluster.nodes[1].kill()
            assert rayx.get(value, timeout=20).sum() == 8 * MIB
            until.write_text("go on")
            assert rayx.get(held, timeout=20) == 8 * MIB
        finally:
            rayx.shutdown()


def test_two_tasks_whose_inputs_exceed_the_pool_both_finish():
    nodes = [
        {"num_cpus": 1},
        {"num_cpus": 2, "resources": {"there": 2}, "object_store_memory": 64 * MIB},
    ]
    with Cluster(nodes=nodes) as cluster:
        rayx.init(redis_address=cluster.redis_address)
        try:
            there = add.options(resources={"there": 1})
            for _ in range(5):
                values = [rayx.put(np.ones(24 * MIB, dtype=np.uint8)) for _ in range(4)]
                sums = [there.remote(*values[:2]), there.remote(*values[2:])]
                assert rayx.get(sums, timeout=30) == [48 * MIB] * 2
        finally:
            rayx.shutdown()
