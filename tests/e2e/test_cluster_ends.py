"""A program whose tasks run at other nodes ends: nothing of it is left anywhere, or lost."""

import json
import os
import signal

import pytest
from cluster_books import AllBooks
from cluster_machines import Machines
from hosts import refusal
from session_watch import poll_until, stat_fields

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

GONE_SECONDS = 2.0

# Two tasks at each of two other nodes, which hold values; each has started a process of its own.
PROGRAM = """
import json, os, subprocess, sys, time
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
def holds(path, array, ids):
    mine = rayx.put(2 * array)
    theirs = rayx.get(ids[0])
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with open(path + ".new", "w") as file:
        json.dump([os.getpid(), child.pid], file)
    os.rename(path + ".new", path)
    rayx.get(never.remote([mine]))

@rayx.remote(resources={"nowhere": 1})
def never(ids):
    pass

@rayx.remote
def large():
    return np.ones(300_000)

kept = [rayx.put(np.ones(200_000)) for _ in range(2)]
paths = [f"{sys.argv[2]}/{number}" for number in range(4)]
for number, path in enumerate(paths):
    where = {"resources": {"ab"[number % 2]: 1}}
    kept.append(large.options(**where).remote())
    kept.append(holds.options(**where).remote(path, kept[0], [kept[1]]))
while not all(map(os.path.exists, paths)):
    time.sleep(0.01)
print(json.dumps([pid for path in paths for pid in json.load(open(path))]), flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def cluster():
    """Three machines; the second and the third have resources `a` and `b`."""
    with Machines(3) as machines:
        one, *others = machines
        head = one.start(f"--node-ip-address={one.address}", "--port=6379")
        sessions = [head]
        for name, other in zip("ab", others, strict=True):
            other.copy_key(one)
            sessions.append(
                other.start(f"--redis-address={head.cluster}", f'--resources={{"{name}": 4}}')
            )
        yield one, sessions


def is_alive(pid):
    return (stat_fields(pid) or "Z")[0] != "Z"


@pytest.mark.parametrize("way", ["to its end", "killed"])
def test_nothing_of_it_runs_or_is_held_anywhere(cluster, tmp_path, way):
    one, sessions = cluster
    with AllBooks(*sessions) as books:
        books.assert_empty(0)
        program = one.start_program(PROGRAM, sessions[0].cluster, str(tmp_path))
        pids = json.loads(program.stdout.readline() or program.stderr.read())
        assert all(map(is_alive, pids)), program.stderr.read()
        assert len(pids) == 8
        assert not any(book.objects() == (0, 0) for book in books)
        if way == "killed":
            os.kill(program.pid, signal.SIGKILL)
        _, err = program.communicate(timeout=20)
        assert program.returncode == (-signal.SIGKILL if way == "killed" else 0), err
        poll_until(lambda: not any(map(is_alive, pids)), GONE_SECONDS, "its processes are gone")
        books.assert_without_workers(GONE_SECONDS)
        books.assert_empty(GONE_SECONDS)


LAST_WORDS = """
import sys
import rayx

rayx.init(redis_address=sys.argv[1])

@rayx.remote
def says(place, count):
    for number in range(count):
        print(f"<{place} {number}>")

told = [says.options(resources={place: 1}).remote(place, int(sys.argv[2])) for place in "ab"]
rayx.wait(told, num_returns=2)
"""


@pytest.mark.parametrize("lines", [1, 5_000])
def test_what_tasks_have_printed_before_they_ended_is_shown(cluster, lines):
    """The program ends as soon as they have."""
    one, sessions = cluster
    out, err = one.run_program(LAST_WORDS, sessions[0].cluster, str(lines))
    shown = {line.partition("<")[2] for line in out.splitlines()}
    for place in "ab":
        lost = {f"{place} {number}>" for number in range(lines)} - shown
        assert not lost, f"{len(lost)} of {place} are lost\n{err}"
