"""A node is drained before it leaves its cluster: what it has for others goes to others."""

import json
import os
import re
import signal
import time

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
there = {"num_cpus": 0, "resources": {"there": 1}}

def address():
    return rayx.services.get_node_ip_address()

def say(word):
    print(word, flush=True)

def hear():
    return sys.stdin.readline().strip()
"""


@pytest.fixture
def trio():
    """A head, and two machines that have `there`; their sessions."""
    with Machines(3) as machines:
        yield machines, start(machines)


def start(machines):
    one, *others = machines
    head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=1")
    return head, *(join(other, one, head) for other in others)


def join(other, one, head):
    other.copy_key(one)
    return other.start(f"--redis-address={head.cluster}", '--resources={"there": 4}')


def is_gone(session):
    return not os.path.exists(session.directory)


def wait_until_gone(session):
    poll_until(lambda: is_gone(session), 20, "the node has left")


def wait_until_draining(machine):
    """As status tells there."""
    poll_until(
        lambda: "is drained and will leave" in machine.rayx("status")[0], 20, "a node is drained"
    )


class Program:
    """One on a machine, which says words and waits for answers."""

    def __init__(self, machine, cluster, source):
        self._process = machine.start_program(HEAD + source, cluster)

    def hears(self):
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()
        return line.strip()

    def say(self, word):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def kill(self):
        self._process.kill()
        self._process.wait()

    def result(self):
        """What it prints last, as JSON."""
        told = json.loads(self.hears())
        assert self._process.wait(30) == 0, self._process.stderr.read()
        return told


def test_what_runs_ends_and_all_else_goes_elsewhere():
    with Machines(3) as (one, two, three):
        head, member = start((one, two))
        program = Program(
            one,
            head.cluster,
            """
@rayx.remote(**there)
def large(i, seconds):
    time.sleep(seconds)
    return np.full(50_000, i), address()

@rayx.remote(max_restarts=1, resources={"there": 0.1})
class Counts:
    def __init__(self):
        self.count = 0
    def next(self):
        self.count += 1
        return self.count, address()
    def __rayx_save__(self):
        return self.count
    def __rayx_restore__(self, count):
        self.count = count

made = [large.remote(i, 0) for i in range(40)]
rayx.wait(made, num_returns=40, timeout=30_000)
actors = [Counts.remote() for _ in range(6)]
before = rayx.get([actor.next.remote() for actor in actors], timeout=30)
later = [large.remote(i, 0.4) for i in range(40)]
say("begun")
calls = []
while hear() != "drained":
    calls.append([actor.next.remote() for actor in actors])
    rayx.get(calls[max(0, len(calls) - 20)], timeout=30)
    say("called")
after = [rayx.get(row, timeout=30) for row in calls]
values = rayx.get(made + later, timeout=60)
last = rayx.get([actor.next.remote() for actor in actors], timeout=30)
again = rayx.get([large.remote(i, 0) for i in range(8)], timeout=30)
restarts = [actor["restarts"] for actor in rayx.state.actors()]
say(json.dumps({
    "before": before, "after": after, "last": last, "restarts": restarts,
    "right": all((value == i % 40).all() for i, (value, _) in enumerate(values)),
    "where": sorted({where for _, where in again}),
    "ran": sorted({where for _, where in values}),
}))
""",
        )
        assert program.hears() == "begun"
        join(three, one, head)
        out, _ = two.rayx("drain", "--grace=40", "--no-wait")
        assert re.fullmatch(
            r"node \w{8} at .* is drained, and leaves in 40 s at the latest\.\n", out
        )
        while not is_gone(member):
            program.say("call")
            assert program.hears() == "called"
        program.say("drained")
        told = program.result()
        assert told["right"]
        assert told["where"] == [three.address]
        assert len(told["ran"]) == 2
        assert {where for _, where in told["before"]} == {two.address}
        # Each call was answered, in order, and what an actor was before it moved it is afterwards.
        rows = [told["before"], *told["after"], told["last"]]
        for i in range(6):
            assert [row[i][0] for row in rows] == list(range(1, len(rows) + 1))
        assert {where for _, where in told["last"]} == {three.address}
        assert set(map(int, told["restarts"])) == {0}


def test_sigterm_drains_and_a_second_one_ends(trio):
    (one, two, three), (head, second, third) = trio
    program = Program(
        one,
        head.cluster,
        """
@rayx.remote(**there)
def slow(path, seconds):
    open(path, "w").close()
    time.sleep(seconds)
    return address()

paths = [os.path.join(os.environ["HOME"], str(i)) for i in range(8)]
tasks = [slow.remote(path, 2) for path in paths]
while not all(map(os.path.exists, paths)):
    time.sleep(0.01)
say("begun")
say(json.dumps(sorted(rayx.get(tasks, timeout=40))))
""",
    )
    assert program.hears() == "begun"
    os.kill(second.supervisor, signal.SIGTERM)
    wait_until_draining(one)
    assert program.result() == sorted([two.address] * 4 + [three.address] * 4)
    wait_until_gone(second)
    forever = Program(
        one,
        head.cluster,
        """
@rayx.remote(max_retries=0, **there)
def forever(path):
    open(path, "w").close()
    time.sleep(1000)

path = os.path.join(os.environ["HOME"], "forever")
task = forever.remote(path)
while not os.path.exists(path):
    time.sleep(0.01)
say("begun")
try:
    rayx.get(task, timeout=40)
except rayx.RayxError as error:
    say(json.dumps(str(error)))
""",
    )
    assert forever.hears() == "begun"
    os.kill(third.supervisor, signal.SIGTERM)
    wait_until_draining(one)
    os.kill(third.supervisor, signal.SIGTERM)
    assert "is gone" in forever.result()
    wait_until_gone(third)


def test_when_its_time_is_up_it_leaves_and_its_tasks_are_tried_again():
    with Machines(3) as (one, two, three):
        head, member = start((one, two))
        program = Program(
            one,
            head.cluster,
            """
@rayx.remote(max_retries=2, **there)
def slow_at_first(path):
    try:
        os.mkdir(path)
    except FileExistsError:
        return address()
    time.sleep(1000)

paths = [os.path.join(os.environ["HOME"], str(i)) for i in range(2)]
tasks = [slow_at_first.remote(path) for path in paths]
while not all(map(os.path.exists, paths)):
    time.sleep(0.01)
say("begun")
say(json.dumps(rayx.get(tasks, timeout=40)))
""",
        )
        assert program.hears() == "begun"
        join(three, one, head)
        out, _ = one.rayx("drain", two.address, "--grace=1", exit_code=1)
        first, *_, last = out.splitlines()
        assert "is drained: 2 tasks to go" in first
        assert "has left; when it was last heard, 2 tasks to go" in last
        wait_until_gone(member)
        assert program.result() == [three.address] * 2


def test_a_lifetime_ends_with_a_drain():
    with Machines(2) as (one, two):
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=1")
        two.copy_key(one)
        begun = time.monotonic()
        member = two.start(f"--redis-address={head.cluster}", "--lifetime=3", "--grace=2")
        wait_until_gone(member)
        assert time.monotonic() - begun >= 1.0
        assert "ended      1 nodes" in one.rayx("status")[0]


SLEEPER = """
@rayx.remote(**there)
def sleeper(path, seconds):
    open(path, "w").close()
    time.sleep(seconds)
    return address()

path = os.path.join(os.environ["HOME"], "begun")
"""

WAITS = """
while not os.path.exists(path):
    time.sleep(0.01)
say("begun")
"""


def test_a_node_that_dies_while_it_is_drained_does_not_come_back():
    with Machines(3) as (one, two, three):
        head, member = start((one, two))
        program = Program(
            one,
            head.cluster,
            SLEEPER
            + "task = sleeper.options(max_retries=0).remote(path, 1000)"
            + WAITS
            + """
hear()
say(json.dumps(rayx.get(sleeper.remote(path, 0), timeout=40)))
""",
        )
        assert program.hears() == "begun"
        two.rayx("drain", "--no-wait")
        os.kill(member.node(), signal.SIGKILL)
        wait_until_gone(member)
        join(three, one, head)
        program.say("go on")
        assert program.result() == three.address


def test_who_places_is_started_again_and_places_nothing_there(trio):
    (one, two, three), (head, _, _) = trio
    program = Program(
        one,
        head.cluster,
        SLEEPER
        + """
tasks = [sleeper.remote(f"{path}{i}", 3) for i in range(8)]
path += "7"
"""
        + WAITS
        + """
hear()
say(json.dumps(rayx.get([sleeper.remote(path, 0) for _ in range(6)], timeout=40)))
""",
    )
    assert program.hears() == "begun"
    two.rayx("drain", "--no-wait")
    before = head.global_scheduler()
    os.kill(before, signal.SIGKILL)
    poll_until(lambda: head.global_scheduler() not in (None, before), 20, "it is there again")
    program.say("go on")
    assert program.result() == [three.address] * 6


def test_the_end_of_a_program_is_the_end_of_what_was_kept_for_it():
    with Machines(2) as (one, two):
        head, member = start((one, two))
        program = Program(
            one,
            head.cluster,
            SLEEPER + "task = sleeper.remote(path, 1000)" + WAITS + "hear()",
        )
        assert program.hears() == "begun"
        two.rayx("drain", "--no-wait", "--grace=10m")
        program.kill()
        wait_until_gone(member)


def test_stop_is_at_once_also_where_a_shell_ignores_interrupts():
    """As shells do for what they start in the background."""
    with Machines(2) as (one, two):
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=1")
        two.copy_key(one)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            member = two.start(f"--redis-address={head.cluster}")
        finally:
            signal.signal(signal.SIGINT, before)
        out = member.stop()
        assert "Stopped the node" in out


def test_what_cannot_be_drained_says_why(trio):
    (one, two, _), (head, _, _) = trio
    for machine, arguments, words, code in (
        (one, (), "it is the head, without which there is no cluster", 1),
        (two, (one.address,), "it is the head, without which there is no cluster", 1),
        (two, ("192.0.2.9",), "no node of the cluster .* is meant by '192.0.2.9'", 2),
        (two, ("--grace=soon",), "--grace='soon' is no span of time", 2),
    ):
        _, said = machine.rayx("drain", *arguments, exit_code=code)
        assert re.search(words, said), said
    _, said = one.rayx("start", "--head", "--lifetime=4h", exit_code=2)
    assert "--lifetime is of a node that joins a cluster" in said
