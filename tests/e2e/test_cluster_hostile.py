"""S35: a member that has the key and floods. What it sends costs the others a bounded amount.

RAYX_TEST_FLOOD=full sends a million tasks, not a tenth of that.
"""

import os
import re

import pytest
from bare_member import BareMember
from cluster_machines import Machines, start_cluster
from hosts import refusal
from session_watch import poll_until, read

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

# limits.h: kGuestTasksMax.
TASKS_MAX = 4 * 4096
TASKS = 1_000_000 if os.environ.get("RAYX_TEST_FLOOD") == "full" else 100_000


def rss_megabytes(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", read(f"/proc/{pid}/status"))[1]) / 1024


WORK = """
import sys
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
def double(x):
    return 2 * x

assert rayx.get([double.remote(i) for i in range(100)], timeout=20) == [*range(0, 200, 2)]
print("right")
"""


# What the node says of itself.
LOOK = """
import sys
import rayx
from rayx import questions

rayx.init(redis_address=sys.argv[1])
print(questions.dump(rayx.session.current().client, 10_000))
"""


def state_of(machine, head):
    return machine.run_program(LOOK, head.cluster)[0]


@pytest.fixture
def cluster():
    """A head, a member that has joined it, and the daemon's memory before that did anything."""
    with Machines(2) as machines:
        one, two = machines
        (head,) = start_cluster(machines[:1])
        two.copy_key(one)
        assert one.run_program(WORK, head.cluster)[0] == "right\n"
        before = rss_megabytes(head.node())
        hostile = BareMember(two, head)
        yield one, head, hostile, before
        hostile.end()


def test_frames_of_two_gibibytes_are_refused_by_their_header(cluster):
    one, head, hostile, before = cluster
    node, scheduler = head.node(), head.global_scheduler()
    # Each ConnectionKind but that of tables, whose bytes are those of a control server.
    for number, kind in enumerate((0, 1, 3), start=1):
        hostile.tell(f"announce {kind}")
        # None says anything: the head has closed it before its hello was due.
        hostile.says("closed", seconds=4, count=number)
    assert "ended" not in hostile.lines
    assert rss_megabytes(node) - before < 16
    assert (head.node(), head.global_scheduler()) == (node, scheduler)
    assert one.run_program(WORK, head.cluster)[0] == "right\n"


@pytest.mark.time_limit(60 + TASKS / 4000)
def test_a_million_tasks_of_one_member_come_back(cluster):
    """What is beyond the limit is given back; the head's own programs do not wait for it."""
    one, head, hostile, before = cluster
    node = head.node()
    hostile.tell(f"run {TASKS}")
    assert one.run_program(WORK, head.cluster)[0] == "right\n"
    told = hostile.says("returned", seconds=20 + TASKS / 4000)
    assert int(told.split()[1]) == TASKS - TASKS_MAX
    grown = rss_megabytes(node) - before
    assert f"tasks: {TASKS_MAX} waiting for objects" in state_of(one, head)
    print(f"{TASKS} tasks: {grown:.0f} MB more")
    assert grown < 100
    assert head.node() == node
    assert one.run_program(WORK, head.cluster)[0] == "right\n"
    hostile.end()
    alive = lambda: sum(node["alive"] for node in head.status()["nodes"])  # noqa: E731
    poll_until(lambda: alive() == 1, 10, "it is dead")
    poll_until(lambda: "tasks: 0 waiting" in state_of(one, head), 10, "its tasks are gone")
