"""What is said on the cable and to the control servers: of local work nothing, of wait little."""

import threading

import pytest
from cluster_books import AllBooks, network_bytes
from cluster_machines import Machines, start_cluster
from control_server import admit_tester
from hosts import refusal
from session_watch import poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# Local: so many wait at a time as one machine ends within a moment.
LOCAL_WORK = """
import json, sys
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
def add(x, y):
    return x + y

def rounds(count):
    for _ in range(count):
        assert rayx.get([add.remote(rayx.put(i), 2) for i in range(5)]) == [*range(2, 7)]

rounds(40)
print("warm", flush=True)
sys.stdin.readline()
rounds(2000)
print("worked", flush=True)
sys.stdin.readline()
"""


class Monitor:
    """All commands that a control server gets, by its own account."""

    def __init__(self, session, number):
        self.lines = []
        self._connection = admit_tester(session, number)
        self._connection.watch()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while line := self._connection.told():
            self.lines.append(line)

    def close(self):
        self._connection.end_watch()
        self._reader.join()


@pytest.fixture
def cluster():
    """Three machines, the head first; their sessions."""
    with Machines(3) as machines:
        yield machines, start_cluster(machines)


def test_local_work_costs_no_message_and_no_record(cluster):
    """Ten thousand tasks and as many puts."""
    machines, sessions = cluster
    monitors = [Monitor(sessions[0], number) for number in range(2)]
    with AllBooks(*sessions) as books:
        program = machines[1].start_program(LOCAL_WORK, sessions[0].cluster)
        assert program.stdout.readline() == "warm\n"
        seen = [len(monitor.lines) for monitor in monitors]
        before = [book.messages() for book in books]
        finished = [book.numbers()["tasks_finished"] for book in books]
        sent = network_bytes(machines[1].host)
        program.stdin.write("\n")
        program.stdin.flush()
        assert program.stdout.readline() == "worked\n"
        sent = network_bytes(machines[1].host) - sent
        assert [book.messages() for book in books] == before
        ended = [book.numbers()["tasks_finished"] for book in books]
        assert [now - then for now, then in zip(ended, finished, strict=True)] == [0, 10_000, 0]
        program.stdin.close()
        assert program.wait(20) == 0, program.stderr.read()
    # Pings, heartbeats, how busy the node is, how many tasks have ended: by time, not by task.
    assert sent < 10_000 * 10
    poll_until(
        lambda: any("rayx:counters" in line for line in monitors[0].lines[seen[0] :]),
        10,
        "the tasks are counted",
    )
    for monitor in monitors:
        monitor.close()
    said = [line for monitor in monitors for line in monitor.lines]
    assert any("rayx:function:" in line for line in said)
    assert not [line for line in said if "rayx:task:" in line or "rayx:object:" in line]


WAIT_FOR_MANY = """
import sys
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote(resources={"there": 0.01})
def large(number):
    return np.full(125_000, number)

rayx.get(large.remote(0))
print("begin", flush=True)
sys.stdin.readline()
results = [large.remote(number) for number in range(100)]
ready, waiting = rayx.wait(results, num_returns=100, timeout_s=40)
print(len(ready), flush=True)
sys.stdin.readline()
assert [int(rayx.get(result)[-1]) for result in results] == [*range(100)]
print("got", flush=True)
sys.stdin.readline()
"""


def test_wait_moves_no_values():
    """A hundred results of a megabyte, at another node."""
    with Machines(2) as (one, two):
        store = "--object-store-memory=268435456"
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", store)
        two.copy_key(one)
        two.start(f"--redis-address={head.cluster}", '--resources={"there": 1}', store)
        program = one.start_program(WAIT_FOR_MANY, head.cluster)

        def go_on():
            """What it says next, and the bytes on the cable until then."""
            before = network_bytes(one.host)
            program.stdin.write("\n")
            program.stdin.flush()
            line = program.stdout.readline()
            assert line, program.stderr.read()
            return line, network_bytes(one.host) - before

        assert program.stdout.readline() == "begin\n"
        said, moved = go_on()
        assert said == "100\n"
        assert moved < 1e6  # a hundred tasks and their ends
        said, moved = go_on()
        assert said == "got\n"
        assert moved > 100e6
        program.stdin.close()
        assert program.wait(20) == 0, program.stderr.read()
