"""Processes of a standing session are killed: what goes on, what is told, and what is left."""

import os
import shutil
import signal
import time

import pytest
from session_watch import descendants, poll_until, stat_fields
from standing_session import JOIN, rayx_command

import rayx

# Works until it is told to end, and checks every answer.
WORK = (
    JOIN
    + """
join()

@rayx.remote
class Counter:
    def __init__(self):
        self.count = 0
    def add(self):
        self.count += 1
        return self.count

counter = Counter.options(name="counter").remote()
assert rayx.get(counter.add.remote()) == 1
print("working", flush=True)
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), done.set())).start()
rounds = 1
while not done.is_set():
    rounds += 1

    def fresh(x, factor=rounds):  # a function that nobody has seen before
        return factor * x

    answers = rayx.get([rayx.remote(fresh).remote(x) for x in range(20)])
    assert answers == [rounds * x for x in range(20)]
    assert rayx.get(counter.add.remote()) == rounds
    large = rayx.put(bytes(1 << 18) + str(rounds).encode())
    assert rayx.get(square.remote(rounds)) == rounds * rounds
    assert rayx.get(large)[1 << 18:] == str(rounds).encode()
print(rounds)
print([node.alive for node in rayx.nodes()], len(rayx.error_info()))
"""
)

# Waits until its node dies, and says why.
WAIT = (
    JOIN
    + """
join()
print("joined", flush=True)
try:
    rayx.get(rayx.remote(time.sleep).remote(60))
except rayx.NodeDiedError as error:
    print(error)
"""
)


def test_work_goes_on_while_control_servers_die(standing, start_program):
    working = start_program(WORK, standing.address)
    assert working.line() == "working"
    node = standing.node()
    for _ in range(2):
        for server in standing.control_servers():
            os.kill(server, signal.SIGKILL)
            poll_until(
                lambda: (
                    server not in standing.control_servers()
                    and len(standing.control_servers()) == 2
                ),
                2,
                "another one is there",
            )
    poll_until(lambda: standing.status()["nodes"][0]["has_tables"], 5, "the node is connected")
    working.process.stdin.write("end\n")
    rounds, told = working.finish()[0].splitlines()
    assert int(rounds) > 1
    # What was in the tables before is there again.
    assert told == "[True] 0"
    assert standing.node() == node


def test_work_goes_on_while_the_global_scheduler_dies(standing, start_program):
    working = start_program(WORK, standing.address)
    assert working.line() == "working"
    node = standing.node()
    for _ in range(7):  # more often than a node or a control server may
        scheduler = standing.global_scheduler()
        os.kill(scheduler, signal.SIGKILL)
        poll_until(
            lambda: standing.global_scheduler() not in (None, scheduler), 5, "another one is there"
        )
    working.process.stdin.write("end\n")
    assert int(working.finish()[0].splitlines()[0]) > 1
    assert standing.node() == node


def test_errors_and_nodes_are_known_after_a_control_server_died(standing):
    with rayx.init(redis_address=standing.address, driver_mode=rayx.SILENT_MODE):

        @rayx.remote
        def fail():
            raise ValueError("told before")

        rayx.wait([fail.remote()])
        assert len(rayx.error_info()) == 1
        primary = standing.control_servers()[0]
        os.kill(primary, signal.SIGKILL)
        assert "told before" in rayx.error_info()[0].message
        assert [node.pid for node in rayx.nodes()] == [standing.node()]
        rayx.wait([fail.remote()])
        poll_until(lambda: len(rayx.error_info()) == 2, 5, "the new error is recorded")


def test_a_control_server_that_comes_back_empty_is_told_again(standing):
    with rayx.init(redis_address=standing.address):

        @rayx.remote
        class Counter:
            def add(self):
                return 1

        counter = Counter.remote()
        assert rayx.get(counter.add.remote()) == 1
        before = rayx.nodes()
        primary = standing.control_servers()[0]
        place = f"{standing.directory}/control-0/appendonlydir"
        assert os.path.isdir(place)
        os.kill(standing.supervisor, signal.SIGSTOP)
        os.kill(primary, signal.SIGKILL)
        shutil.rmtree(place)
        os.kill(standing.supervisor, signal.SIGCONT)
        poll_until(lambda: [n.node_id for n in rayx.nodes() if n.alive], 5, "the node is told of")
        (node,) = rayx.nodes()
        assert (node.node_id, node.resources) == (before[0].node_id, before[0].resources)
        assert rayx.get(counter.add.remote()) == 1


def test_what_dies_again_and_again_ends_the_session_which_is_told(standing, start_program):
    joined = start_program(WAIT, standing.address)
    assert joined.line() == "joined"
    standing.note()
    for _ in range(5):
        servers = poll_until(standing.control_servers, 5, "a control server is there")
        killed = max(servers)  # the same one each time: it has the newest number
        os.kill(killed, signal.SIGKILL)
        poll_until(lambda: killed not in standing.control_servers(), 5, "it is gone")
        poll_until(
            lambda: len(standing.control_servers()) == 2 or not os.path.exists(standing.directory),
            5,
            "another one is there, or the session has ended",
        )
    standing.assert_gone(3)
    why = "a process of it has died 5 times, each within 10 seconds of its start; the last time, "
    why += f"the control server (pid {killed}) was killed by signal 9 (SIGKILL)"
    assert why in joined.finish()[0]
    out, _ = rayx_command("status", exit_code=3)
    assert why in out and "`rayx stop` removes its record" in out
    assert f"had ended: {why}" in rayx_command("stop")[0]


def test_a_node_that_dies_is_told_and_another_one_serves(standing, start_program):
    program = (
        JOIN
        + """
first = join()["node_id"]

@rayx.remote
def hold():
    time.sleep(60)  # task work

rayx.put(bytes(1 << 20))
assert rayx.get(square.remote(3)) == 9
held = hold.remote()
print("waiting", flush=True)
try:
    rayx.get(held)
except rayx.NodeDiedError as error:
    died = time.monotonic()
    print(str(error).splitlines()[0])
try:
    square.remote(1)
except rayx.NodeDiedError as error:
    print("the same")
rayx.shutdown()
second = join()["node_id"]
assert rayx.get(square.remote(4)) == 16
print(time.monotonic() - died)
print(first != second)
nodes = {node.node_id: node.alive for node in rayx.nodes()}
while nodes[first]:  # the new node finds out what became of the other
    nodes = {node.node_id: node.alive for node in rayx.nodes()}
print(len(nodes), nodes[second])
"""
    )
    joined = start_program(program, standing.address)
    assert joined.line() == "waiting"
    node = standing.node()
    below = descendants(node)
    assert below
    os.kill(node, signal.SIGKILL)
    lines = joined.finish()[0].splitlines()
    assert f"the node daemon (pid {node}) was killed by signal 9 (SIGKILL)" in lines[0]
    assert "the session goes on and starts another node" in lines[0]
    assert f"rayx.init(redis_address='{standing.address}')" in lines[0]
    assert lines[1] == "the same"
    assert float(lines[2]) < 2
    assert lines[3:] == ["True", "2 True"]
    assert not [pid for pid in below if (stat_fields(pid) or "Z")[0] != "Z"]


def test_a_program_that_comes_while_there_is_no_node_waits_for_it(standing, run_program):
    program = JOIN + "join(); print(rayx.get(square.remote(5)))"
    node = standing.node()
    os.kill(node, signal.SIGKILL)
    began = time.monotonic()
    with rayx.init(redis_address=standing.address):
        assert time.monotonic() - began < 2
        assert rayx.get(rayx.remote(abs).remote(-1)) == 1
    assert run_program(program, standing.address)[0] == "25\n"
    assert standing.node() != node


def test_status_tells_that_a_node_is_being_started_again(standing):
    node = standing.node()
    os.kill(standing.supervisor, signal.SIGSTOP)  # so that it stays away for a while
    os.kill(node, signal.SIGKILL)
    try:
        facts = standing.status(exit_code=3)
        assert facts["state"] == "unknown" and "nodes" not in facts
    finally:
        os.kill(standing.supervisor, signal.SIGCONT)
    poll_until(lambda: standing.node() not in (None, node), 5, "another node is there")

    def serves():
        out, _ = rayx_command("status", exit_code=None)
        return "serving" in out

    poll_until(serves, 5, "it serves")


def test_a_worker_that_dies_costs_its_task_an_attempt(standing, tmp_path):
    with rayx.init(redis_address=standing.address):

        @rayx.remote
        def once():
            if not (tmp_path / "begun").exists():
                (tmp_path / "begun").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return "again"

        assert rayx.get(once.remote()) == "again"
    assert standing.status()["state"] == "serving"


def test_when_the_supervisor_is_killed_all_ends_and_is_told(standing, start_program):
    joined = start_program(WAIT, standing.address)
    assert joined.line() == "joined"
    poll_until(lambda: standing.status()["nodes"][0]["tasks_assigned"] == 1, 5, "the task runs")
    standing.note()
    os.kill(standing.supervisor, signal.SIGKILL)
    standing.assert_gone(3)
    gone = f"its supervisor (pid {standing.supervisor}) is gone"
    assert joined.finish()[0].endswith(f"{gone}\n")
    out, _ = rayx_command("status", exit_code=3)
    assert out.startswith(f"Session {standing.address}: ended\n") and gone in out
    with pytest.raises(rayx.StartError, match="has ended: its supervisor.*`rayx start --head"):
        rayx.init(redis_address=standing.address)
    assert rayx_command("stop")[0] == (
        f"The session at {standing.address} had ended: {gone}. Its record is removed.\n"
    )
    assert rayx_command("status", exit_code=1)[0].startswith("There is no session")
