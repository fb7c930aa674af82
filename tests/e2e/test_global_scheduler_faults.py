"""The global scheduler is killed again and again: it keeps no truth, and nothing is lost."""

import os
import signal
import time
from collections import Counter

import pytest
from session_watch import descendants, poll_until, read

import rayx
from rayx.cluster import Cluster

KILLS = 20
TASKS_AT_ONCE = 40


@rayx.remote(resources={"there": 0.001})
def note(path, number):
    with open(path, "a") as file:
        file.write(f"{number}\n")
    return number, rayx.get(local.remote(number))


@rayx.remote
def local(number):
    return -number


@pytest.fixture
def cluster():
    nodes = [{"num_cpus": 2}, {"num_cpus": 2, "resources": {"there": 1}}]
    with Cluster(nodes=nodes) as cluster:
        rayx.init(redis_address=cluster.redis_address)
        yield cluster


def scheduler_of(cluster):
    """The only global scheduler below this process."""
    del cluster
    found = [
        pid
        for pid in descendants(os.getpid())
        if read(f"/proc/{pid}/comm").strip() == "rayx-global-sch"
    ]
    return found[0] if found else None


def test_twenty_kills_under_load_lose_and_double_nothing(cluster, tmp_path):
    path = str(tmp_path / "done")
    numbers = iter(range(1_000_000))
    open_ids = {}
    got = []

    def work_until(is_over):
        while not is_over():
            while len(open_ids) < TASKS_AT_ONCE:
                number = next(numbers)
                open_ids[note.remote(path, number)] = number
            ready, _ = rayx.wait(list(open_ids), timeout_s=20)
            assert ready, "a task has not ended within 20 s"
            for object_id in ready:
                number = open_ids.pop(object_id)
                assert rayx.get(object_id) == (number, -number)
                got.append(number)

    for _ in range(KILLS):
        scheduler = scheduler_of(cluster)
        before = len(got)
        work_until(lambda before=before: len(got) >= before + TASKS_AT_ONCE)
        os.kill(scheduler, signal.SIGKILL)
        started = time.monotonic()
        # Work of this node does not notice.
        assert rayx.get([local.remote(i) for i in range(100)], timeout=5) == [
            -i for i in range(100)
        ]
        assert time.monotonic() - started < 5
        work_until(lambda scheduler=scheduler: scheduler_of(cluster) not in (None, scheduler))
    poll_until(lambda: scheduler_of(cluster) is not None, 20, "there is a global scheduler")
    assert sorted(got + [number for number, _ in rayx.get(list(open_ids), timeout=60)]) == list(
        range(next(numbers))
    )
    done = Counter(int(line) for line in open(path).read().split())
    assert set(done.values()) == {1}, "a task has run twice"
    assert len(done) == len(got) + len(open_ids)
