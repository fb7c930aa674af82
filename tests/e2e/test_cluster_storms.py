"""Storms go over a cluster that works: no answer is wrong, nothing hangs, nothing is left.

The suite lets each of them go for a short time; the variables are the checks that count.
"""

import itertools
import os
import signal
import time

import pytest
from cluster_machines import Machines
from coming_and_going import ComingAndGoing, Member, pause
from control_server import cut_data, empty_data, kill, none_started, serves
from hosts import refusal
from session_watch import poll_until
from storm_work import StormWork
from stormy_cluster import FAR, StormyCluster, assert_nothing_held, start_head

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

SCHEDULER_KILLS = int(os.environ.get("RAYX_TEST_SCHEDULER_KILLS", "6"))
SERVER_KILLS = int(os.environ.get("RAYX_TEST_SERVER_KILLS", "4"))
DROP_SECONDS = float(os.environ.get("RAYX_TEST_DROP_SECONDS", "10"))
LOSS_SECONDS = float(os.environ.get("RAYX_TEST_LOSS_SECONDS", "10"))
DAEMON_KILLS = int(os.environ.get("RAYX_TEST_DAEMON_KILLS", "4"))
DEATH_SECONDS = float(os.environ.get("RAYX_TEST_DEATH_SECONDS", "30"))
DEATH_SEED = int(os.environ.get("RAYX_TEST_DEATH_SEED", "1"))


@pytest.fixture
def trio():
    with Machines(3) as machines:
        yield machines


def start_members(one, others):
    """A head, and members that may go."""
    head = start_head(one)
    members = []
    for other in others:
        other.copy_key(one)
        rest = [machine for machine in (one, *others) if machine is not other]
        members.append(Member(other, rest, [f"--redis-address={head.cluster}", FAR]))
    return head, members


@pytest.mark.slow
@pytest.mark.time_limit(60 + 10 * SCHEDULER_KILLS)
def test_f8_the_global_scheduler_is_killed_again_and_again(trio):
    cluster = StormyCluster(trio)
    for _ in range(SCHEDULER_KILLS):
        pid = poll_until(cluster.head.global_scheduler, 10, "there is a global scheduler")
        os.kill(pid, signal.SIGKILL)
        other = lambda pid=pid: cluster.head.global_scheduler() not in (None, pid)  # noqa: E731
        poll_until(other, 10, "it is started again")
        cluster.go_on()
    for told in cluster.end():
        assert told["question"] < 2, told


@pytest.mark.slow
@pytest.mark.time_limit(60 + 20 * SERVER_KILLS)
def test_f9_f10_control_servers_are_killed_and_forget(trio):
    """One of three, each time, so that none dies as often as a session is given up for."""
    cluster = StormyCluster(trio, "--num-redis-shards=2")
    forgets = [empty_data, cut_data, lambda session, number: None]
    longest = 0.0
    for count in range(SERVER_KILLS):
        number = count % 3
        began = time.monotonic()
        with none_started(cluster.head):
            kill(cluster.head, number)
            forgets[(count + count // 3) % 3](cluster.head, number)
            seconds_away = (1, 2, 0.5, 4)[count % 4]
            pause(seconds_away)
            cluster.go_on()
        longest = max(longest, time.monotonic() - began)
        for session in cluster.sessions:
            serves(session)
        cluster.go_on()
    for told in cluster.end():
        assert told["question"] < longest + 2, told
        assert "questions failed" not in told


@pytest.mark.slow
@pytest.mark.time_limit(60 + 2 * DROP_SECONDS)
def test_f13_connections_between_machines_are_dropped_all_the_time(trio):
    cluster = StormyCluster(trio)
    dropped = drops = 0
    end = time.monotonic() + DROP_SECONDS
    while time.monotonic() < end:
        dropped += trio[drops % 3].host.drop_connections()
        drops += 1
        pause(0.2)
    assert dropped > 2 * drops
    for told in cluster.end():
        assert told["rounds"] > DROP_SECONDS / 5, told


def works_on(cluster, seconds, meanwhile):
    """All that time there is progress, and no node is taken for dead."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        before = [work.told()["rounds"] for work in cluster.works]
        part = time.monotonic() + min(10.0, seconds / 2)
        while time.monotonic() < part:
            meanwhile()
        for work, rounds in zip(cluster.works, before, strict=True):
            assert work.told()["rounds"] > rounds
    for told in cluster.end():
        assert "questions failed" not in told


@pytest.mark.slow
@pytest.mark.time_limit(60 + 2 * LOSS_SECONDS)
def test_f47_one_packet_of_ten_is_lost(trio):
    cluster = StormyCluster(trio)
    for machine in trio:
        machine.host.lose(10)
    works_on(cluster, LOSS_SECONDS, lambda: pause(0.5))


@pytest.mark.slow
@pytest.mark.time_limit(60 + 2 * LOSS_SECONDS)
def test_f47_cables_come_out_all_the_time(trio):
    cluster = StormyCluster(trio)
    turns = itertools.count()

    def unplug_one():
        host = trio[next(turns) % 3].host
        host.unplug()
        pause(0.15)
        host.plug()
        pause(0.15)

    works_on(cluster, LOSS_SECONDS, unplug_one)


@pytest.mark.slow
@pytest.mark.time_limit(60 + 15 * DAEMON_KILLS)
def test_f7_a_daemon_is_killed_again_and_again_under_load(trio):
    one, *others = trio
    head, members = start_members(one, others)
    work = StormWork(one, head.cluster, nodes_die=True)
    for count in range(DAEMON_KILLS):
        member = members[count % 2]
        os.kill(member.session.node(), signal.SIGKILL)
        work.goes_on()
        pause(2.5 / len(members))  # a session is given up for five deaths within ten seconds
        member.serves()
    told = work.end()
    assert told["round"] < 5, told
    assert_nothing_held([head, *(member.session for member in members)])


@pytest.mark.slow
@pytest.mark.time_limit(120 + 2 * DEATH_SECONDS)
def test_nodes_die_and_come_back_under_a_graph_with_known_answers():
    with Machines(4) as machines:
        one, *others = machines
        head, members = start_members(one, others)
        node = head.node()
        work = StormWork(one, head.cluster, nodes_die=True)
        coming = ComingAndGoing(DEATH_SEED, members)
        end = time.monotonic() + DEATH_SECONDS
        while time.monotonic() < end:
            coming.step()
            work.told()
        coming.all_serve()
        work.goes_on()
        told = work.end()
        assert told["round"] < 30, (told, coming.taken)
        assert head.node() == node
        assert_nothing_held([head, *(member.session for member in members)])
