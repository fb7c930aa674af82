"""Actors that live on other machines than their program's: who makes, calls and ends them."""

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

@rayx.remote
class Log:
    def __init__(self, *entries):
        self.entries = list(entries)
    def add(self, *entries):
        self.entries += entries
        return len(self.entries)
    def all(self):
        return self.entries
    def where(self):
        return address()
    def pid(self):
        return os.getpid()

There = Log.options(resources={"there": 0.1})
"""


@pytest.fixture
def pair():
    """A cluster of two machines, of which only the second has `there`, and a GPU."""
    with Machines(2) as machines:
        one, two = machines
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=2")
        two.copy_key(one)
        member = two.start(
            f"--redis-address={head.cluster}",
            "--num-cpus=2",
            "--num-gpus=1",
            '--resources={"there": 4}',
        )
        yield one, two, head, member


def result_of(machine, cluster, source):
    """What a program on the machine prints last, as JSON."""
    out, _ = machine.run_program(HEAD + source, cluster)
    return json.loads(out.splitlines()[-1])


def test_it_lives_where_its_resources_are_and_is_called_from_everywhere(pair):
    one, two, head, _ = pair
    source = """
@rayx.remote
def adds(log, name):
    rayx.get(log.add.remote(name))
    return address()

@rayx.remote(resources={"there": 0.1})
def finds(name):
    log = rayx.get_actor("the log")
    rayx.get(log.add.remote(name))
    return address()

log = There.options(name="the log").remote("begun")
told = [
    rayx.get(log.where.remote(), timeout=20),
    rayx.get(adds.remote(log, "here")),
    rayx.get(adds.options(resources={"there": 0.1}).remote(log, "there")),
    rayx.get(finds.remote("by its name")),
]
in_order = rayx.get([log.add.remote(i) for i in range(300)])
told += [in_order == list(range(5, 305)), rayx.get(log.all.remote())[:5]]

@rayx.remote(num_gpus=1)
class OnGpu:
    def gpus(self):
        return rayx.get_gpu_ids(), os.environ["CUDA_VISIBLE_DEVICES"], address()

told.append(rayx.get(OnGpu.remote().gpus.remote(), timeout=20))
large = np.ones(1_000_000)
double = rayx.remote(resources={"there": 0.1})(lambda array: 2 * array)
rayx.get(log.add.remote(double.remote(large)))
told.append(float(rayx.get(log.all.remote())[-1].sum()))
places = {node.node_id: node.address for node in rayx.nodes()}
told.append([places[one.node_id] for one in rayx.state.actors() if one.name == "the log"])
print(json.dumps(told))
"""
    told = result_of(one, head.cluster, source)
    assert told[:4] == [two.address, one.address, two.address, two.address]
    assert told[4] is True
    assert told[5] == ["begun", "here", "there", "by its name", 0]
    assert told[6] == [[0], "0", two.address]
    assert told[7] == 2_000_000.0
    assert told[8] == [two.address], "it is listed once, where it is"


def test_a_task_elsewhere_makes_an_actor_that_outlives_it(pair):
    one, two, head, _ = pair
    source = """
@rayx.remote(resources={"there": 0.1})
def makes():
    here, there = Log.remote("made by a task"), There.remote("made there")
    rayx.get([here.where.remote(), there.where.remote()])
    return here, there

here, there = rayx.get(makes.remote(), timeout=20)
where = rayx.get(there.where.remote())
print(json.dumps([where, rayx.get([here.all.remote(), there.all.remote()])]))
"""
    where, logs = result_of(one, head.cluster, source)
    assert where == two.address
    assert logs == [["made by a task"], ["made there"]]


def test_what_goes_wrong_in_it_reaches_the_caller(pair):
    one, _, head, _ = pair
    source = """
@rayx.remote(resources={"there": 0.1})
class Fails:
    def __init__(self, how=""):
        print("made with", how, flush=True)
        if how:
            raise ValueError(how)
    def fail(self):
        raise KeyError("no such key")
    def sleep(self, seconds, begun=""):
        if begun:
            open(begun, "w").close()
        time.sleep(seconds)
        return "slept"
    def die(self):
        os._exit(3)

def outcome(task):
    try:
        return rayx.get(task, timeout=20)
    except rayx.RayxError as error:
        return f"{type(error).__mro__[1].__name__} {error}"

fails, never = Fails.remote(), Fails.remote("not today")
told = [outcome(fails.fail.remote()), outcome(never.fail.remote())]
begun = time.monotonic()
slow = fails.sleep.remote(50, os.path.join(os.environ["HOME"], "begun"))
until = time.monotonic() + 20
while not os.path.exists(os.path.join(os.environ["HOME"], "begun")) and time.monotonic() < until:
    time.sleep(0.01)
rayx.cancel(slow)
told += [outcome(slow), outcome(fails.sleep.options(timeout=0.3).remote(50))]
told.append(time.monotonic() - begun)
told += [outcome(fails.sleep.remote(0)), outcome(fails.die.remote())]
told.append(outcome(fails.sleep.remote(0)))
print(json.dumps(told))
"""
    told = result_of(one, head.cluster, source)
    assert "no such key" in told[0] and "KeyError" in told[0]
    assert "not today" in told[1]
    assert "cancelled" in told[2]
    assert "its timeout of 0.3 seconds" in told[3]
    assert told[4] < 15
    assert told[5] == "slept", "neither ended the actor"
    assert "exited with code 3" in told[6]
    assert "is dead" in told[7] and "exited with code 3" in told[7]


def test_it_ends_when_it_is_killed_or_nobody_has_a_handle(pair):
    one, _, head, _ = pair
    program = one.start_program(
        HEAD
        + """
logs = [There.remote() for _ in range(3)]
print(json.dumps(rayx.get([log.pid.remote() for log in logs], timeout=20)), flush=True)
sys.stdin.readline()
rayx.kill(logs[0])
del logs[1]
print("two", flush=True)
sys.stdin.readline()
""",
        head.cluster,
    )
    pids = json.loads(program.stdout.readline() or program.stderr.read())
    is_there = lambda pid: os.path.exists(f"/proc/{pid}")  # noqa: E731
    assert all(is_there(pid) for pid in pids)
    program.stdin.write("\n")
    program.stdin.flush()
    assert program.stdout.readline() == "two\n"
    poll_until(lambda: [is_there(pid) for pid in pids] == [False, False, True], 5, "two are gone")
    program.stdin.write("\n")
    program.stdin.flush()
    assert program.wait(20) == 0
    poll_until(lambda: not is_there(pids[2]), 2, "the last one goes with its program")


def test_with_a_program_that_is_killed_its_actors_go_everywhere(pair):
    one, _, head, _ = pair
    program = one.start_program(
        HEAD
        + """
logs = [There.remote() for _ in range(4)] + [Log.remote() for _ in range(4)]
print(json.dumps(rayx.get([log.pid.remote() for log in logs], timeout=30)), flush=True)
time.sleep(100)
""",
        head.cluster,
    )
    pids = json.loads(program.stdout.readline() or program.stderr.read())
    program.kill()
    gone = lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids)  # noqa: E731
    poll_until(gone, 2, "all nodes are clean")


def test_it_waits_for_a_node_that_can_have_it():
    with Machines(2) as (one, two):
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=1")
        program = one.start_program(
            HEAD
            + """
log = Log.options(resources={"rare": 1}).remote()
try:
    rayx.get(log.where.remote(), timeout=4)
except rayx.GetTimeoutError as error:
    print("why:", str(error).replace("\\n", " "), flush=True)
print(rayx.get(log.where.remote(), timeout=40), flush=True)
""",
            head.cluster,
        )
        why = program.stdout.readline()
        assert "waits for a node that can have its actor" in why, why
        two.copy_key(one)
        two.start(f"--redis-address={head.cluster}", '--resources={"rare": 1}')
        assert program.stdout.readline() == f"{two.address}\n", program.stderr.read()
        assert program.wait(20) == 0
        assert "rayx: Log waits: it asks for {rare: 1}" in program.stderr.read()


def test_in_a_complete_cluster_what_nobody_can_have_fails():
    with Machines(2) as (one, two):
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--complete")
        two.copy_key(one)
        two.start(f"--redis-address={head.cluster}")
        source = """
log = Log.options(resources={"rare": 1}).remote()
try:
    rayx.get(log.where.remote(), timeout=20)
except rayx.InfeasibleError as error:
    print(json.dumps(str(error)))
"""
        assert "rare" in result_of(one, head.cluster, source)


def test_actors_that_ask_for_nothing_spread_over_all_machines():
    """However soon the program's own machine could have begun them."""
    with Machines(3) as machines:
        head, *_ = start_cluster(machines)
        source = """
logs = [Log.remote() for _ in range(30)]
print(json.dumps(rayx.get([log.where.remote() for log in logs], timeout=50)))
"""
        for _ in range(3):
            addresses = result_of(machines[0], head.cluster, source)
            counts = [addresses.count(machine.address) for machine in machines]
            assert min(counts) >= 8, counts


def test_cluster_resources_are_those_of_all_nodes(pair):
    one, _, head, _ = pair
    source = """
log = There.options(resources={"there": 1}).remote()
rayx.get(log.where.remote(), timeout=20)
print(json.dumps([rayx.cluster_resources(), rayx.available_resources()]))
"""
    total, available = result_of(one, head.cluster, source)
    assert total == {"CPU": 4, "GPU": 1, "there": 4}
    assert available == {"CPU": 4, "GPU": 1, "there": 3}


SAVES = """
@rayx.remote(resources={"there": 1}, max_restarts=20)
class Saved:
    def __init__(self):
        self.history = []
    def add(self, caller, number):
        self.history.append((caller, number))
        return len(self.history)
    def all(self):
        return self.history
    def where(self):
        return address()
    def __rayx_save__(self):
        return self.history
    def __rayx_restore__(self, history):
        self.history = list(history)

saved = Saved.options(save_every=1).remote()
"""


@pytest.fixture
def three():
    """A head, and two members that may have what a program calls Saved."""
    with Machines(3) as machines:
        one, *others = machines
        head = one.start(f"--node-ip-address={one.address}", "--port=6379", "--num-cpus=4")
        members = []
        for other in others:
            other.copy_key(one)
            members.append(
                other.start(f"--redis-address={head.cluster}", '--resources={"there": 1}')
            )
        yield machines, head, members


def member_at(machines, members, address):
    (index,) = (i for i, machine in enumerate(machines[1:]) if machine.address == address)
    return members[index]


def test_after_its_node_it_goes_on_elsewhere_from_what_it_saved(three):
    machines, head, members = three
    program = machines[0].start_program(
        HEAD
        + SAVES
        + """
for number in range(5):
    rayx.get(saved.add.remote("me", number), timeout=20)
print(rayx.get(saved.where.remote()), flush=True)
sys.stdin.readline()
try:
    rayx.get(saved.add.remote("me", "may have begun"), timeout=30)
except rayx.ActorDiedError as error:
    print(error, flush=True)
print(rayx.get(saved.add.remote("me", 5), timeout=30), flush=True)
print(rayx.get(saved.where.remote()), flush=True)
""",
        head.cluster,
    )
    first = program.stdout.readline().strip()
    (machine,) = (one for one in machines[1:] if one.address == first)
    # Nobody hears of it again, and it is found silent.
    machine.host.cut(machines[0])
    program.stdin.write("\n")
    program.stdin.flush()
    why, count, second = (program.stdout.readline().strip() for _ in range(3))
    assert program.wait(20) == 0, program.stderr.read()
    assert "its node" in why and "is gone: silent" in why
    assert count == "6"
    assert second not in ("", first)


def test_calls_of_each_caller_begin_in_order_and_none_twice_whatever_dies(three):
    machines, head, members = three
    program = machines[0].start_program(
        HEAD
        + SAVES
        + """
@rayx.remote(max_retries=0)
def calls(saved, name, until):
    # Some at a time, so that a death meets several; what was answered well is noted.
    well, number = [], 0
    while time.time() < until:
        tasks = {}
        for _ in range(5):
            tasks[saved.add.remote(name, number)] = number
            number += 1
        for task, of_number in tasks.items():
            try:
                rayx.get(task, timeout=30)
                well.append(of_number)
            except rayx.ActorDiedError:
                pass
    return well

print(rayx.get(saved.where.remote(), timeout=20), flush=True)
until = time.time() + 6
callers = {name: calls.options(num_cpus=0.5).remote(saved, name, until) for name in "abcd"}
while True:
    done, _ = rayx.wait(list(callers.values()), num_returns=len(callers), timeout_s=0.5)
    if len(done) == len(callers):
        break
    try:
        print(rayx.get(saved.where.remote(), timeout=30), flush=True)
    except rayx.ActorDiedError:
        pass
well = {name: rayx.get(task) for name, task in callers.items()}
print("history", json.dumps([rayx.get(saved.all.remote()), well]), flush=True)
""",
        head.cluster,
    )
    killed = set()
    for line in program.stdout:
        if line.startswith("history"):
            history, well = json.loads(line.removeprefix("history"))
            break
        node = member_at(machines, members, line.strip()).node()
        if node not in {None, *killed} and len(killed) < 3:
            os.kill(node, signal.SIGKILL)
            killed.add(node)
    else:
        pytest.fail(program.stderr.read())
    assert program.wait(20) == 0
    assert len(killed) >= 2
    for caller in "abcd":
        numbers = [number for name, number in history if name == caller]
        assert numbers == sorted(set(numbers)), f"{caller} was heard out of order, or twice"
        assert set(well[caller]) <= set(numbers), f"{caller} was answered, and is forgotten"
        assert len(well[caller]) > 20
