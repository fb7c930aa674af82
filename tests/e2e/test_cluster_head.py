"""The head's daemon dies: what others do for each other goes on, and the tables come back."""

import json
import os
import signal
import time

import pytest
from cluster_books import AllBooks
from cluster_machines import Machines
from hosts import refusal
from session_watch import poll_until

from rayx._raylet import RayletError

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# In which the tables are there again; a tenth of a second where nothing else runs.
TABLES_SECONDS = 2.0

# Two tasks at each of two guests; each notes that it has begun, and ends when it is told to.
PROGRAM = """
import json, os, sys, time
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])
home = os.environ["HOME"]

@rayx.remote
def works(number, array):
    with open(f"{home}/begun", "a") as file:
        file.write(f"{number}\\n")
    while not os.path.exists(f"{home}/go-on"):
        time.sleep(0.02)
    return number, array * number, rayx.get(inner.remote(number))

@rayx.remote
def inner(number):
    return -number

def submit(number):
    where = {"resources": {"ab"[number % 2]: 0.1}}
    return works.options(**where).remote(number, large)

large = rayx.put(np.ones(100_000))
tasks = [submit(number) for number in range(4)]
begun = lambda: os.path.exists(f"{home}/begun") and open(f"{home}/begun").read().split()
while len(begun() or ()) < 4:
    time.sleep(0.02)
print("working", flush=True)
sys.stdin.readline()
told = [[one, float(array[-1]), two] for one, array, two in rayx.get(tasks, timeout=30)]
print(json.dumps([sorted(begun()), told]), flush=True)
_, array, _ = rayx.get(submit(5), timeout=30)
print(float(array[-1]), sum(node.alive for node in rayx.nodes()), flush=True)
"""


def have_tables(*sessions):
    """Whether all their nodes are there and reach the control servers."""
    try:
        with AllBooks(*sessions) as books:
            return all(book.numbers()["has_tables"] for book in books)
    except RayletError:
        return False


def test_when_the_head_s_daemon_dies_tasks_of_others_run_on():
    with Machines(4) as machines:
        one, home, *guests = machines
        head = one.start(f"--node-ip-address={one.address}", "--port=6379")
        sessions = []
        for machine, name in zip((home, *guests), ("home", "a", "b"), strict=True):
            machine.copy_key(one)
            sessions.append(
                machine.start(f"--redis-address={head.cluster}", f'--resources={{"{name}": 4}}')
            )
        program = home.start_program(PROGRAM, head.cluster)
        assert program.stdout.readline() == "working\n", program.stderr.read()
        nodes = [session.node() for session in sessions]
        dead = head.node()
        os.kill(dead, signal.SIGKILL)
        killed = time.monotonic()
        # The tasks end while the head's node is away.
        (home.home / "go-on").touch()
        program.stdin.write("\n")
        program.stdin.flush()
        begun, told = json.loads(program.stdout.readline() or program.stderr.read())
        assert begun == ["0", "1", "2", "3"]
        assert told == [[number, float(number), -number] for number in range(4)]
        poll_until(lambda: have_tables(head, *sessions), TABLES_SECONDS, "the tables are there")
        assert time.monotonic() - killed < TABLES_SECONDS
        assert program.stdout.readline() == "5.0 4\n", program.stderr.read()
        assert program.wait(20) == 0
        assert head.node() != dead
        assert [session.node() for session in sessions] == nodes
