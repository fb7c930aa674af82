"""Streams whose items are made on another machine than that of who takes them."""

import json
import os
import signal

import pytest
from cluster_machines import Machines
from hosts import refusal
from session_watch import poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

HEAD = """
import json, os, sys, time
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])

def address():
    return rayx.services.get_node_ip_address()

there = {"resources": {"there": 0.1}}

@rayx.remote(num_return_vals="stream")
def count(n, size=0):
    for i in range(n):
        yield (i, np.full(size, i)) if size else i

@rayx.remote
class Counter:
    @rayx.method(num_return_vals="stream")
    def count(self, n):
        for i in range(n):
            yield i
    def where(self):
        return address()

def taken(stream):
    return [rayx.get(item) for item in stream]
"""


@pytest.fixture
def pair():
    """A cluster of two machines, of which only the second has the resource `there`."""
    with Machines(2) as machines:
        one, two = machines
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=2")
        two.copy_key(one)
        member = two.start(
            f"--redis-address={head.cluster}", "--num-cpus=2", '--resources={"there": 4}'
        )
        yield one, two, head, member


def result_of(machine, cluster, source):
    """What a program on the machine prints last, as JSON."""
    out, _ = machine.run_program(HEAD + source, cluster)
    return json.loads(out.splitlines()[-1])


def test_whoever_makes_and_whoever_takes_wherever_they_are(pair):
    one, two, head, _ = pair
    source = """
@rayx.remote(**there)
def takes_there(counter):
    mine = taken(count.remote(40))
    return address(), mine == list(range(40)), taken(counter.count.remote(50))

large = taken(count.options(**there).remote(12, 100_000))
at_home, elsewhere = Counter.remote(), Counter.options(**there).remote()
assert rayx.get(elsewhere.where.remote()) != rayx.get(at_home.where.remote())
print(json.dumps([
    taken(count.options(**there).remote(100)),
    taken(elsewhere.count.remote(100)),
    rayx.get(takes_there.remote(at_home), timeout=30),
    rayx.get(takes_there.remote(elsewhere), timeout=30),
    [float(array.sum()) == i * 100_000 for i, array in large],
]))
"""
    task, actor, by_home, by_itself, large = result_of(one, head.cluster, source)
    assert task == actor == list(range(100))
    assert by_home == by_itself == [two.address, True, list(range(50))]
    assert large == [True] * 12


def test_it_is_no_more_than_a_window_ahead(pair):
    one, _, head, _ = pair
    source = """
@rayx.remote(num_return_vals="stream", **there)
def notes(path):
    for i in range(1000):
        with open(path, "w") as file:
            file.write(str(i))
        yield i

path = os.path.join(os.environ["HOME"], "made")
stream = notes.remote(path)
ahead = [int(open(path).read() or -1) - rayx.get(item) for item in stream]
print(json.dumps([len(ahead), max(ahead)]))
"""
    count, most_ahead = result_of(one, head.cluster, source)
    assert count == 1000
    assert most_ahead < 100, "it ran on though nobody took what it made"


def test_it_ends_when_nobody_takes_its_items(pair):
    one, _, head, _ = pair
    program = one.start_program(
        HEAD
        + """
@rayx.remote(num_return_vals="stream", **there)
def forever():
    yield os.getpid()
    while True:
        yield 0

streams = [forever.remote() for _ in range(2)]
print(json.dumps([rayx.get(next(stream)) for stream in streams]), flush=True)
streams[0].close()
sys.stdin.readline()
os._exit(1)
""",
        head.cluster,
    )
    pids = json.loads(program.stdout.readline() or program.stderr.read())
    program.stdin.write("\n")
    program.stdin.flush()
    program.wait(20)
    gone = lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: E731
    poll_until(gone, 5, "its tasks are gone")


def test_what_was_seen_is_not_made_twice(pair):
    one, _, head, member = pair
    program = one.start_program(
        HEAD
        + """
stream = count.options(max_retries=5, **there).remote(10**6)
print(rayx.get(next(stream)), flush=True)
sys.stdin.readline()
last = 0
try:
    for item in stream:
        value = rayx.get(item)
        assert value == last + 1, (value, last)
        last = value
    print("it ended well")
except rayx.WorkerCrashedError as error:
    print("why:", error)
""",
        head.cluster,
    )
    assert program.stdout.readline() == "0\n"
    os.kill(member.node(), signal.SIGKILL)
    program.stdin.write("\n")
    program.stdin.flush()
    why = program.stdout.readline()
    assert why.startswith("why:") and "had yielded items" in why, why + program.stderr.read()
    assert program.wait(20) == 0
