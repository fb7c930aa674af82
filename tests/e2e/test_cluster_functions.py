"""Functions reach other nodes with the tasks that call them, whatever becomes of the tables."""

import os
import signal

import pytest
from cluster_machines import Machines
from hosts import refusal

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

FRESH = """
import sys
import rayx

rayx.init(redis_address=sys.argv[1])
print("joined", flush=True)
sys.stdin.readline()

@rayx.remote(resources={"there": 0.1})
def fresh(x):
    return 2 * x

@rayx.remote(resources={"there": 0.1})
def nests(x):
    @rayx.remote(resources={"here": 0.1})
    def inner(x):
        return 3 * x
    return rayx.get(inner.remote(x))

print(rayx.get([fresh.remote(4), nests.remote(5)], timeout=10), flush=True)
"""


def test_a_fresh_function_runs_elsewhere_while_the_control_servers_hang():
    """Those that a task submits, and which go back to the home, as well."""
    with Machines(2) as (one, two):
        head = one.start(
            f"--node-ip-address={one.address}", "--port=6379", '--resources={"here": 1}'
        )
        two.copy_key(one)
        two.start(f"--redis-address={head.cluster}", '--resources={"there": 1}')
        program = one.start_program(FRESH, head.cluster)
        assert program.stdout.readline() == "joined\n"
        hanging = head.control_servers()
        assert len(hanging) == 2
        for pid in hanging:
            os.kill(pid, signal.SIGSTOP)
        try:
            program.stdin.write("\n")
            program.stdin.flush()
            assert program.stdout.readline() == "[8, 15]\n", program.stderr.read()
        finally:
            for pid in hanging:
                os.kill(pid, signal.SIGCONT)
        assert program.wait(20) == 0
