"""A machine that has no processor to spare is not taken for dead.

The suite runs it for some seconds. RAYX_TEST_BUSY_SECONDS=600 is the check that counts.
"""

import os
import sys
import time

import pytest
from cluster_machines import Machines, Watcher, start_cluster
from hosts import refusal
from session_watch import poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

LOOPS = 32
SECONDS = float(os.environ.get("RAYX_TEST_BUSY_SECONDS", "15"))


@pytest.mark.slow
@pytest.mark.time_limit(SECONDS + 45)
def test_nobody_is_declared_dead_beside_busy_loops():
    with Machines(2) as machines:
        head, _ = start_cluster(machines)
        watcher = Watcher(machines[0], head.cluster)
        addresses = {machine.address for machine in machines}
        poll_until(lambda: set(watcher.living()) == addresses, 10, "two nodes")
        before = watcher.nodes()
        busy = [sys.executable, "-c", "while True: pass"]
        loops = [machines[number % 2].host.start(busy) for number in range(LOOPS)]
        looks = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            assert watcher.nodes() == before, f"after {looks} looks"
            looks += 1
        for loop in loops:
            loop.kill()
            loop.wait()
        assert looks > SECONDS / 5  # the watcher itself had its share
        watcher.end()
