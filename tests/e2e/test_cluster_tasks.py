"""Tasks that run on other machines than their program's, and what they need and give."""

import json
import os
import signal

import pytest
from cluster_machines import Machines, start_cluster
from hosts import refusal
from session_watch import poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

HEAD = """
import json, os, sys, time
import numpy as np
import rayx

rayx.init(redis_address=sys.argv[1])

def address():
    return rayx.services.get_node_ip_address()
"""


@pytest.fixture
def pair():
    """A cluster of two machines, of which only the second has the resource `there`."""
    with Machines(2) as machines:
        one, two = machines
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=2")
        two.copy_key(one)
        member = two.start(
            f"--redis-address={head.cluster}", "--num-cpus=2", '--resources={"there": 4}'
        )
        yield one, two, head, member


def result_of(machine, cluster, source):
    """What a program on the machine prints last, as JSON."""
    out, _ = machine.run_program(HEAD + source, cluster)
    return json.loads(out.splitlines()[-1])


def test_long_tasks_spread_over_all_machines():
    with Machines(3) as machines:
        head, *_ = start_cluster(machines)
        source = """
@rayx.remote
def where():
    time.sleep(0.3)
    return address()

print(json.dumps(rayx.get([where.remote() for _ in range(24)], timeout=30)))
"""
        addresses = result_of(machines[1], head.cluster, source)
        assert set(addresses) == {machine.address for machine in machines}


def test_what_a_task_needs_and_gives_crosses(pair):
    one, two, head, _ = pair
    source = """
@rayx.remote(resources={"there": 0.01})
def fib(n):
    return n if n < 2 else sum(rayx.get([fib.remote(n - 1), fib.remote(n - 2)]))

offset = rayx.put(7)

@rayx.remote(resources={"there": 1})
def captured():
    return rayx.get(offset) + 1

@rayx.remote(resources={"there": 1})
def double(array):
    return 2 * array

@rayx.remote(resources={"there": 1})
def put_inside():
    return [rayx.put(np.full(1_000_000, 3.0)), rayx.put("small")]

@rayx.remote
def here(array):
    return address(), float(array.sum())

@rayx.remote(num_return_vals=2, resources={"there": 1})
def two_values():
    return address(), os.getcwd()

large = np.ones(1_000_000)
doubled = double.remote(large)
inside = rayx.get(put_inside.remote())
print(json.dumps([
    rayx.get(fib.remote(5), timeout=30),
    rayx.get(captured.remote()),
    float(rayx.get(doubled, timeout=30).sum()),
    rayx.get(here.remote(doubled), timeout=30),
    float(rayx.get(inside[0], timeout=30).sum()),
    rayx.get(inside[1]),
    rayx.get(two_values.remote()),
]))
"""
    told = result_of(one, head.cluster, source)
    assert told[:3] == [5, 8, 2_000_000.0]
    assert told[3] == [one.address, 2_000_000.0]
    assert told[4:6] == [3_000_000.0, "small"]
    assert told[6][0] == two.address


def test_errors_and_lines_reach_the_program(pair):
    one, _, head, _ = pair
    out, err = one.run_program(
        HEAD
        + """
@rayx.remote(resources={"there": 1})
def fails():
    print("a line from afar", flush=True)
    raise KeyError("no such key")

try:
    rayx.get(fails.remote(), timeout=20)
except rayx.TaskError as error:
    print("raised", type(error).__name__, "no such key" in str(error))
""",
        head.cluster,
    )
    assert "raised" in out and "True" in out, out
    assert "a line from afar" in out + err


def test_a_task_that_runs_elsewhere_is_cancelled(pair):
    one, _, head, _ = pair
    source = """
@rayx.remote(resources={"there": 1})
def begun_and_sleeps(path):
    open(path, "w").close()
    time.sleep(60)

path = os.path.join(os.environ["HOME"], "begun")
task = begun_and_sleeps.remote(path + "-elsewhere")
deadline = time.monotonic() + 20
while not os.path.exists(path + "-elsewhere") and time.monotonic() < deadline:
    time.sleep(0.01)
assert os.path.exists(path + "-elsewhere")
begun = time.monotonic()
rayx.cancel(task)
try:
    rayx.get(task, timeout=20)
    how = "it ended"
except rayx.TaskCancelledError:
    how = "cancelled"
print(json.dumps([how, time.monotonic() - begun]))
"""
    how, seconds = result_of(one, head.cluster, source)
    assert how == "cancelled"
    assert seconds < 10


def test_what_a_dead_node_ran_runs_elsewhere():
    with Machines(3) as machines:
        one, *_ = machines
        head, *members = start_cluster(machines)
        program = one.start_program(
            HEAD
            + """
@rayx.remote
def where(index):
    time.sleep(0.5)
    return index, address()

tasks = [where.remote(index) for index in range(30)]
print("submitted", flush=True)
print(json.dumps(rayx.get(tasks, timeout=50)), flush=True)
""",
            head.cluster,
        )
        assert program.stdout.readline() == "submitted\n"
        # Both members have something to do by the time that the first tasks end.
        os.kill(members[0].node(), signal.SIGKILL)
        told = json.loads(program.stdout.readline() or program.stderr.read())
        assert [index for index, _ in told] == list(range(30))
        assert program.wait(20) == 0


def test_a_value_that_was_only_there_is_lost_with_its_node(pair):
    one, _, head, member = pair
    program = one.start_program(
        HEAD
        + """
@rayx.remote(resources={"there": 1})
def large():
    return np.ones(2_000_000)

value = large.remote()
rayx.wait([value], timeout_s=20)
print("made", flush=True)
sys.stdin.readline()
try:
    rayx.get(value, timeout=20)
    print("here")
except rayx.ObjectLostError as error:
    print("lost:", error)
""",
        head.cluster,
    )
    assert program.stdout.readline() == "made\n"
    os.kill(member.node(), signal.SIGKILL)
    poll_until(lambda: member.node() is not None, 20, "the member is back")
    program.stdin.write("\n")
    program.stdin.flush()
    line = program.stdout.readline()
    assert line.startswith("lost:"), line + program.stderr.read()
    assert "node" in line
    assert program.wait(20) == 0


def test_a_task_waits_for_a_node_that_can_run_it():
    with Machines(2) as (one, two):
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=1")
        program = one.start_program(
            HEAD
            + """
@rayx.remote(resources={"rare": 1})
def where():
    return address()

task = where.remote()
try:
    rayx.get(task, timeout=4)
except rayx.GetTimeoutError as error:
    print("why:", str(error).replace("\\n", " "), flush=True)
print(rayx.get(task, timeout=40), flush=True)
""",
            head.cluster,
        )
        why = program.stdout.readline()
        assert why.startswith("why:") and "waits for a node that can run it" in why, why
        two.copy_key(one)
        two.start(f"--redis-address={head.cluster}", '--resources={"rare": 1}')
        assert program.stdout.readline() == f"{two.address}\n", program.stderr.read()
        assert program.wait(20) == 0
        assert program.stderr.read() == (
            "rayx: where waits: it asks for {CPU: 1, rare: 1}, and no node of the cluster has any "
            "'rare'. It runs when such a node joins.\n"
        )


def test_local_work_says_nothing_to_other_nodes(pair):
    one, _, head, _ = pair
    source = """
from rayx import questions

@rayx.remote
def add(x, y):
    return x + y

def messages():
    dump = questions.dump(rayx.session.current().client, 10_000)
    return next(line for line in dump.splitlines() if "messages said" in line)

for _ in range(100):
    rayx.get(add.remote(1, 2))
before = messages()
for _ in range(1000):
    rayx.get(add.remote(rayx.put(1), 2))
for _ in range(20):
    rayx.get([add.remote(1, 2) for _ in range(50)])
print(json.dumps([before, messages()]))
"""
    before, after = result_of(one, head.cluster, source)
    assert before == after


def test_with_its_program_all_of_it_goes_everywhere(pair):
    one, two, head, member = pair
    program = one.start_program(
        HEAD
        + """
@rayx.remote(resources={"there": 1})
def sleeps(path):
    with open(path, "w") as file:
        print(os.getpid(), file=file)
    time.sleep(100)

paths = [f"{os.environ['HOME']}/pid{i}" for i in range(2)]
tasks = [sleeps.remote(path) for path in paths]
while not all(os.path.exists(path) and os.path.getsize(path) for path in paths):
    time.sleep(0.01)
print(json.dumps([int(open(path).read()) for path in paths]), flush=True)
""",
        head.cluster,
    )
    pids = json.loads(program.stdout.readline() or program.stderr.read())
    assert program.wait(20) == 0
    poll_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 5, "they are gone")


def test_in_a_complete_cluster_what_nobody_can_run_fails():
    with Machines(2) as (one, two):
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--complete")
        two.copy_key(one)
        two.start(f"--redis-address={head.cluster}", '--resources={"rare": 1}')
        source = """
@rayx.remote(resources={"rare": 1})
def there():
    return address()

@rayx.remote(resources={"rare": 2})
def nowhere():
    return address()

told = [rayx.get(there.remote(), timeout=20)]
try:
    rayx.get(nowhere.remote(), timeout=20)
except rayx.InfeasibleError as error:
    told.append(str(error))
print(json.dumps(told))
"""
        where, why = result_of(one, head.cluster, source)
        assert where == two.address
        assert "rare" in why
        _, err = two.rayx("start", f"--redis-address={head.cluster}", "--complete", exit_code=2)
        assert "--complete is the head's to say" in err


def test_two_members_that_cannot_reach_each_other_work_by_the_others():
    with Machines(3) as machines:
        one, two, three = machines
        head, *_ = start_cluster(machines)
        two.host.cut(three)
        source = """
@rayx.remote(max_retries=10)
def where(index):
    time.sleep(0.2)
    return index, address()

told = rayx.get([where.remote(index) for index in range(30)], timeout=50)
print(json.dumps(told))
"""
        told = result_of(two, head.cluster, source)
        assert [index for index, _ in told] == list(range(30))
        assert {where for _, where in told} == {one.address, two.address}
