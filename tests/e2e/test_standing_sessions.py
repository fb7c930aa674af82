"""`rayx start`, `rayx status` and `rayx stop`, and programs that join a session between them."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from session_watch import GONE_SECONDS, poll_until, read
from standing_session import COMMAND, JOIN, STORE, StandingSession, rayx_command

import rayx
from rayx.launch import machine
from rayx.records import host_port


def test_programs_join_it_one_after_the_other_and_it_goes_on(standing, run_program):
    assert standing.address.startswith("127.0.0.1:")
    assert f'    rayx.init(redis_address="{standing.address}")' in standing.told
    program = (
        JOIN
        + """
info = join()
print(info["redis_address"], info["session_dir"], info["supervisor_pid"])
print(rayx.get([square.remote(i) for i in range(20)]), rayx.get_node_ip_address())
print([(node.address, node.alive, node.resources) for node in rayx.nodes()])
print(rayx.get(rayx.remote(rayx.services.get_node_ip_address).remote()))
"""
    )
    facts = f"{standing.address} {standing.directory} {standing.supervisor}"
    for _ in range(2):
        lines = run_program(program, standing.address)[0].splitlines()
        assert lines == [
            facts,
            f"{[i * i for i in range(20)]} 127.0.0.1",
            "[('127.0.0.1', True, {'CPU': 2.0})]",
            "127.0.0.1",
        ]
    by_name = standing.address.replace("127.0.0.1", "localhost")
    assert run_program(program, by_name)[0].splitlines()[0] == facts
    assert standing.status()["state"] == "serving"


def test_status_and_stop(standing):
    out, err = rayx_command("status")
    assert out.startswith(f"Session {standing.address}: serving\n") and err == ""
    for text in ("2 of 2 free", "0 busy", "0 tasks and actors with", "64 MiB used", "drivers    0"):
        assert text in out
    facts = standing.status()
    (node,) = facts["nodes"]
    assert facts["state"] == "serving" and facts["why"] == ""
    assert node["pid"] == standing.node() and node["host"] == "127.0.0.1"
    assert node["resources"] == {"CPU": {"total": 2.0, "available": 2.0}}
    assert standing.stop() == (
        f"Stopped the session at {standing.address} (pid {standing.supervisor}).\n"
    )
    nothing = "There is no session of yours on this machine."
    assert rayx_command("status", exit_code=1)[0] == f"{nothing} `rayx start --head` starts one.\n"
    assert json.loads(rayx_command("status", "--json", exit_code=1)[0]) == {"sessions": []}
    assert rayx_command("stop")[0] == f"{nothing}\n"
    out, _ = rayx_command("stop", f"--address={standing.address}", exit_code=1)
    assert out == f"There is no session of yours at {standing.address} on this machine.\n"


def test_it_shows_what_programs_do(standing, start_program):
    program = (
        JOIN
        + """
join()

@rayx.remote
class Holder:
    def get(self):
        return 1

@rayx.remote
def hold():
    time.sleep(60)  # task work

holder = Holder.remote()
rayx.get(holder.get.remote())
large = rayx.put(bytes(1 << 20))
tasks = [hold.remote() for _ in range(5)]
print("there", flush=True)
sys.stdin.readline()
"""
    )
    assert start_program(program, standing.address).line() == "there"

    def node():
        (node,) = standing.status()["nodes"]
        return node

    poll_until(lambda: node()["resources"]["CPU"]["available"] == 0, 10, "two tasks run")
    shown = node()
    # Of those that wait, a worker may have been handed some ahead; and an actor has a worker.
    assert shown["tasks_ready"] + shown["tasks_assigned"] == 6
    assert shown["workers_busy"] >= 2
    assert (shown["actors"], shown["drivers"]) == (1, 1)
    assert shown["pool_used_bytes"] >= 1 << 20


def test_who_only_looks_leaves_no_record(standing, run_program):
    own = JOIN + "print(join()['driver_id'], [d.driver_id for d in rayx.state.drivers()])"
    for _ in range(3):
        assert standing.status()["nodes"][0]["drivers"] == 0
    joined, drivers = run_program(own, standing.address)[0].split(maxsplit=1)
    assert drivers == f"['{joined}']\n"


@pytest.mark.slow
def test_logs_do_not_grow_without_bound(standing, run_program):
    log = f"{standing.directory}/logs/node.log"
    line = "a line of the node's log, which is not read by anybody\n"
    with open(log, "a") as file:  # as the node appends to it
        file.write(line * ((9 << 20) // len(line)))
    size = os.path.getsize(log)
    poll_until(lambda: os.path.getsize(log) == 0, 10, "it was moved")
    assert os.path.getsize(f"{log}.1") == size
    assert run_program(JOIN + "join(); print(rayx.get(square.remote(5)))", standing.address)
    assert " connected\n" in read(log)  # what the node writes now, at the beginning
    assert standing.status()["state"] == "serving"
    with open(f"{standing.directory}/logs/supervisor.log") as file:
        assert " is lost" not in file.read()


def test_records_and_the_session_are_private(standing):
    place = os.environ["RAYX_RUNTIME_DIR"]
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o700
    (name,) = os.listdir(place)
    assert stat.S_IMODE(os.stat(os.path.join(place, name)).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(standing.directory).st_mode) == 0o700


# ---- ports and options ---------------------------------------------------------------------------


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_scripts_take_the_reference_s_spelling():
    port = free_port()
    scripts = Path(__file__).parents[2] / "scripts"
    environment = os.environ | {"RAYX_PYTHON": sys.executable}
    start = [scripts / "start_rayx.sh", "--head", f"--redis-port={port}", "--num-cpus=1", STORE]
    for command, said in (
        (start, f'redis_address="127.0.0.1:{port}"'),
        ([scripts / "stop_rayx.sh"], f"Stopped the session at 127.0.0.1:{port} "),
    ):
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=50)
        assert ran.returncode == 0 and said in ran.stdout, ran.stdout + ran.stderr


def test_the_port_is_held_and_nothing_is_served_on_it():
    port = free_port()
    session = StandingSession(f"--redis-port={port}")
    assert session.address == f"127.0.0.1:{port}"
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
    for name in ("--port", "--redis-port", "--object-manager-port"):
        _, err = rayx_command("start", "--head", f"{name}={port}", exit_code=1)
        assert err.startswith(f"rayx start: a session of yours is at 127.0.0.1:{port} already.")
    session.stop()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        _, err = rayx_command("start", "--head", f"--port={port}", exit_code=1)
        assert err == f"rayx start: port {port} of 127.0.0.1 is in use\n"


REFUSED = {
    "": "say --head, to begin a session or a cluster on this machine, or --redis-address=HOST:P",
    "--head --port=1 --redis-port=2": "--port=1 and --redis-port=2 contradict each other",
    "--head --port=70000": "--port must be between 0 and 65,535, not 70,000",
    "--head --redis-address=1.2.3.4:5": "--head and --redis-address contradict each other",
    "--head --num-cpus=x": "--num-cpus must be a number, not 'x'",
    "--head --num-cpus=-1": "--num-cpus must be between 0 and",
    "--head --num-redis-shards=0": "--num-redis-shards must be between 1 and 64, not 0",
    "--head --num-workers=1.5": "--num-workers must be a whole number, not 1.5",
    "--head --num-gpus=0.5": "--num-gpus must be a whole number",
    "--head --object-store-memory=1": "--object-store-memory must be between",
    "--head --resources={": "--resources must be JSON",
    '--head --resources=["disk"]': "--resources must be a dictionary",
    '--head --resources={"CPU":1}': "give CPU as --num-cpus=1",
    '--head --resources={"a":-1}': "--resources['a'] must be between",
    "--head --node-ip-address=192.0.2.1": "--node-ip-address='192.0.2.1' is no address of this m",
    "--redis-address=here": "--redis-address='here' is no address of a cluster: give what",
    "--redis-address=fd77::1:1": "--redis-address='fd77::1:1' is no address of a cluster: give",
    "--redis-address=1.2.3.4:5 --redis-port=1": "--redis-port is the head's to say",
    "--redis-address=1.2.3.4:5 --num-redis-shards=1": "--num-redis-shards is the head's to say",
    "--redis-address=1.2.3.4:5 --num-cpus=x --insecure": "--num-cpus must be a number, not 'x'",
    "--head --insecure --key-file=k": "--insecure and --key-file contradict each other",
    "--head --insecure-network": "--insecure-network means nothing without --insecure",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_what_is_refused(typed):
    out, err = rayx_command("start", *typed.split(), exit_code=2)
    assert out == "" and err.startswith(f"rayx start: {REFUSED[typed]}"), err
    assert "rayx.init" not in err


def test_insecure_is_refused_where_others_can_reach_it():
    others = [one for one in machine.addresses() if not host_port.is_loopback(one)]
    for address in others:
        typed = ["--head", f"--node-ip-address={address}", "--insecure"]
        _, err = rayx_command("start", *typed, exit_code=2)
        assert err.startswith(f"rayx start: --insecure is refused for {address}, which other")


def test_a_session_of_this_machine_takes_no_nodes(standing):
    _, err = rayx_command("start", f"--redis-address={standing.address}", exit_code=1)
    assert f"the session at {standing.address} serves programs of this machine alone" in err
    assert "is started with --node-ip-address=ADDRESS, or" in err


def test_a_place_for_records_that_others_may_enter(tmp_path):
    os.chmod(tmp_path, 0o755)
    for command in (["start", "--head"], ["stop"], ["status"]):
        _, err = rayx_command(*command, exit_code=1, RAYX_RUNTIME_DIR=str(tmp_path))
        assert f"{tmp_path}, where the sessions of this user are recorded, is not a private" in err


def test_without_a_session_init_names_the_command(run_program):
    port = free_port()
    program = """
import sys
import rayx
try:
    rayx.init(redis_address=sys.argv[1])
except rayx.StartError as error:
    print(error)
"""
    out, _ = run_program(program, f"127.0.0.1:{port}")
    assert f"`rayx start --head --port={port}` starts one" in out


# ---- how it begins and ends ----------------------------------------------------------------------


def session_directories():
    return [name for name in os.listdir(os.environ["TMPDIR"]) if name.startswith("rayx-")]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_start_that_is_ended_leaves_nothing(number):
    starting = subprocess.Popen(
        [*COMMAND, "start", "--head", "--num-cpus=1", STORE],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    poll_until(session_directories, 20, "the supervisor has begun")
    starting.send_signal(number)
    starting.wait(20)
    poll_until(lambda: not session_directories(), GONE_SECONDS + 1, "all is gone")


@pytest.mark.parametrize("way", ["SIGTERM", "rayx stop"])
def test_block_waits_for_the_end(way):
    waiting = subprocess.Popen(
        [*COMMAND, "start", "--head", "--num-cpus=1", STORE, "--block"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with waiting:
        for line in waiting.stdout:
            if line.startswith("`rayx status`"):
                break
        (session,) = json.loads(rayx_command("status", "--json")[0])["sessions"]
        if way == "SIGTERM":
            waiting.send_signal(signal.SIGTERM)
        else:
            rayx_command("stop")
        assert waiting.wait(20) == 0
        assert session["address"] in waiting.stdout.read()
    assert not os.path.exists(session["session_dir"])


def test_it_is_ended_by_force_if_it_does_not_end_otherwise(standing, monkeypatch):
    from rayx.records import session_records
    from rayx.standing import sessions

    monkeypatch.setattr(sessions, "_STOP_SECONDS_MAX", 0.2)
    standing.note()
    for pid in (standing.supervisor, standing.node()):
        os.kill(pid, signal.SIGSTOP)
    (record,) = session_records.read_all()
    assert sessions.stop(record)
    standing.assert_gone(0)
    assert session_records.read_all() == []


def test_joined_programs_learn_that_it_was_stopped(standing, start_program):
    program = (
        JOIN
        + """
join()

@rayx.remote
def wait():
    time.sleep(60)  # task work

held = wait.remote()
print("waiting", flush=True)
try:
    rayx.get(held)
except rayx.NodeDiedError as error:
    print(error)
"""
    )
    joined = start_program(program, standing.address)
    assert joined.line() == "waiting"
    standing.stop()
    out, _ = joined.finish()
    assert out.endswith(
        "the session that this driver had joined has ended: it was told to stop (SIGINT)\n"
    )


# ---- several programs at once --------------------------------------------------------------------

BUSY = (
    JOIN
    + """
join()

@rayx.remote
def hold():
    time.sleep(60)  # task work

@rayx.remote(num_cpus=0)
class Holder:
    def pid(self):
        return os.getpid()

holder = Holder.options(name="holder").remote()
large = rayx.put(bytes(8 << 20))
tasks = [hold.remote() for _ in range(6)]
print(rayx.get(holder.pid.remote()), flush=True)
"""
)

ENDS = {
    "by its last line": ("sys.stdin.readline()", None, 0),
    "by an exception": ("sys.stdin.readline(); raise RuntimeError('own')", None, 1),
    "by Ctrl-C": ("threading.Event().wait()", signal.SIGINT, -signal.SIGINT),
    "by SIGTERM": ("threading.Event().wait()", signal.SIGTERM, -signal.SIGTERM),
    "by SIGKILL": ("threading.Event().wait()", signal.SIGKILL, -signal.SIGKILL),
}


@pytest.mark.parametrize("way", ENDS)
def test_what_a_program_had_goes_with_it_and_nothing_of_others(standing, start_program, way):
    last, number, exit_code = ENDS[way]
    with rayx.init(redis_address=standing.address):

        @rayx.remote(num_cpus=0)
        class Counter:
            def __init__(self):
                self.count = 0

            def add(self):
                self.count += 1
                return self.count

        ours = Counter.options(name="counter").remote()
        kept = rayx.put(b"kept" * 100_000)
        assert rayx.get(ours.add.remote()) == 1
        joined = start_program(BUSY + last, standing.address)
        actor = int(joined.line())
        poll_until(lambda: rayx.available_resources()["CPU"] == 0, 10, "it has all CPUs")
        if number is None:
            joined.process.stdin.write("go\n")
            joined.process.stdin.flush()
        else:
            joined.process.send_signal(number)
        joined.process.wait(20)
        ended = time.monotonic()
        poll_until(lambda: rayx.available_resources()["CPU"] == 2, GONE_SECONDS, "CPUs are back")
        poll_until(lambda: not read(f"/proc/{actor}/stat"), GONE_SECONDS, "its actor is gone")
        (node,) = standing.status()["nodes"]
        assert time.monotonic() - ended < GONE_SECONDS + 1
        # What is left is our actor, whose creation lasts as long as it does.
        assert (node["tasks_ready"], node["tasks_assigned"], node["actors"]) == (0, 1, 1)
        assert node["drivers"] == 1
        assert rayx.get(ours.add.remote()) == 2
        assert rayx.get(kept) == b"kept" * 100_000
        joined.finish(exit_code)
    assert standing.status()["nodes"][0]["drivers"] == 0


def test_programs_work_beside_each_other(standing, start_program):
    program = (
        JOIN
        + """
join()
number = int(sys.argv[2])

@rayx.remote
def work(x):
    return number, x

for i in range(0, 100, 10):
    xs = range(i, i + 10)
    assert rayx.get([work.remote(x) for x in xs]) == [(number, x) for x in xs]
print("done")
"""
    )
    programs = [start_program(program, standing.address, str(n)) for n in range(3)]
    assert [one.finish()[0] for one in programs] == ["done\n"] * 3
