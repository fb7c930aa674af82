"""What a cluster does while its control servers are gone, or take no writes (F11, F12)."""

import time

import pytest
from cluster_machines import Machines
from control_server import full_disk, kill, none_started, out_of_memory, serves
from hosts import refusal
from session_watch import poll_until
from stormy_cluster import StormyCluster

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))


@pytest.fixture
def cluster():
    with Machines(3) as machines:
        yield StormyCluster(machines)


# In which who asks the tables is told that they are not there, whatever he asks.
TOLD_SECONDS = 12.0


@pytest.mark.slow
def test_f11_while_there_is_no_control_server_work_goes_on_and_questions_fail(cluster):
    before = [work.told() for work in cluster.works]
    with none_started(cluster.head):
        for number in (0, 1):
            kill(cluster.head, number)
        began = time.monotonic()
        while time.monotonic() < began + TOLD_SECONDS:
            cluster.go_on()
        for work in cluster.works:
            poll_until(lambda work=work: "questions failed" in work.told(), 5, "it is told")
    for session in cluster.sessions:
        serves(session)
    asked = [work.told()["questions"] for work in cluster.works]
    for work, count in zip(cluster.works, asked, strict=True):
        poll_until(lambda work=work, n=count: work.told()["questions"] > n, 10, "it is answered")
    for was, told in zip(before, cluster.end(), strict=True):
        assert told["rounds"] > was["rounds"] + TOLD_SECONDS
        assert told["question"] < TOLD_SECONDS, told


@pytest.mark.slow
@pytest.mark.parametrize("harm", [out_of_memory, full_disk])
def test_f12_while_the_control_server_takes_no_writes_work_goes_on(cluster, harm):
    lift = harm(cluster.head)
    for _ in range(5):
        cluster.go_on()
    lift()
    cluster.go_on()
    for told in cluster.end():
        assert "questions failed" not in told
        assert told["question"] < 10, told
