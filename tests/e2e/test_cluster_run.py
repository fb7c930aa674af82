"""`rayx run` on several machines: by ssh, and as the tasks of a job's step."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cluster_machines import Machines
from hosts import refusal
from session_watch import poll_until

REFUSAL = refusal()
pytestmark = pytest.mark.skipif(REFUSAL is not None, reason=str(REFUSAL))

RUN = [sys.executable, "-m", "rayx", "run", "--object-store-memory=33554432"]

TELLS = """
import json, rayx, time
rayx.init()

@rayx.remote(num_cpus=1)
def where(seconds):
    time.sleep(seconds)
    return rayx.services.get_node_ip_address()

nodes = sorted(node.address for node in rayx.nodes() if node.alive)
print(json.dumps([nodes, sorted(set(rayx.get([where.remote(0.2) for _ in range(30)])))]))
"""


@pytest.fixture
def trio(tmp_path):
    """Machines on which ssh leads to the others."""
    with Machines(3) as machines:
        ssh = tmp_path / "ssh"
        program = Path(__file__).with_name("remote_programs.py").read_text()
        ssh.write_text(f"#!{sys.executable}\n{program}")
        ssh.chmod(0o755)
        told = {
            one.address: {"pid": one.host.pid, "variables": dict(one.environment)}
            for one in machines
        }
        for machine in machines:
            machine.environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
            machine.environment["RAYX_TEST_MACHINES"] = json.dumps(told)
        yield machines
        for machine in machines:
            assert list((machine.home / "records").glob("*")) == []


def write_hosts(machines, tmp_path, *more):
    path = tmp_path / "hosts"
    path.write_text("".join(f"{one.address} slots=1\n" for one in machines) + "".join(more))
    return f"--hosts={path}"


def addresses(machines):
    return [machine.address for machine in machines]


def test_machines_are_reached_by_ssh(trio, tmp_path):
    hosts = write_hosts(trio, tmp_path)
    ran = trio[0].run([*RUN, hosts, "--", sys.executable, "-c", TELLS + "raise SystemExit(3)"])
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert json.loads(ran.stdout) == [addresses(trio), addresses(trio)]
    assert ran.stderr == ""


def test_a_machine_that_cannot_be_reached_is_named(trio, tmp_path):
    hosts = write_hosts(trio, tmp_path, "10.77.0.99\n")
    ran = trio[0].run([*RUN, hosts, "--", "echo", "runs"])
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "the node at 10.77.0.99 ended with 255 before it served" in ran.stderr
    assert "ssh: Could not resolve hostname 10.77.0.99" in ran.stderr


def test_a_machine_without_rayx_is_named(trio, tmp_path):
    hosts = write_hosts(trio, tmp_path)
    ran = trio[0].run([*RUN, hosts, "--python=/no/python", "--", "echo", "runs"])
    assert ran.returncode == 1
    assert re.search(r"the node at 10\.77\.0\.[23] ended with 127(.|\n)*/no/python", ran.stderr)


WAITS = """
import os, signal, sys, rayx
rayx.init()
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_members_end_with_the_run(trio, tmp_path, number):
    ready = tmp_path / "ready"
    hosts = write_hosts(trio, tmp_path)
    command = [*RUN, hosts, "--", sys.executable, "-c", WAITS, str(ready)]
    running = trio[0].host.start(command, env=trio[0].environment)
    poll_until(ready.exists, 30, "the program runs")
    records = [machine.home / "records" for machine in trio]
    assert all(list(place.glob("*.json")) for place in records)
    # What nsenter has become.
    os.kill(running.pid, number)
    assert running.wait(20) == (128 + signal.SIGTERM if number == signal.SIGTERM else -number)
    gone = lambda: not any(list(place.glob("*")) for place in records)  # noqa: E731
    poll_until(gone, 10, "no session is left")
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(ready.read_text()), signal.SIGKILL)  # the program is the user's, and may go on


def start_step(machines, shared, *arguments):
    """As srun does: a task on each machine."""
    tasks = []
    for number, machine in enumerate(machines):
        variables = {
            "SLURM_JOB_ID": "77",
            "SLURM_STEP_ID": "0",
            "SLURM_PROCID": str(number),
            "SLURM_STEP_NUM_TASKS": str(len(machines)),
            "SLURM_SUBMIT_DIR": str(shared),
            "SLURM_LAUNCH_NODE_IPADDR": machines[0].address,
            "SLURM_CPUS_PER_TASK": "1",
        }
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        tasks.append(
            machine.host.start(
                [*RUN, *arguments], env=machine.environment | variables, text=True, **pipes
            )
        )
    return tasks


def test_the_tasks_of_a_step_are_a_cluster(trio, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    tasks = start_step(trio, shared, "--", sys.executable, "-c", TELLS)
    out, err = tasks[0].communicate(timeout=50)
    assert tasks[0].returncode == 0, err
    assert json.loads(out) == [addresses(trio), addresses(trio)]
    for task in tasks[1:]:
        assert task.communicate(timeout=20) == ("", "")
        assert task.returncode == 0
    assert os.listdir(shared) == []


def test_a_task_that_is_terminated_is_drained(trio, tmp_path):
    """As when a batch system takes a machine back."""
    ready = tmp_path / "ready"
    shared = tmp_path / "shared"
    shared.mkdir()
    source = WAITS.replace(
        "signal.pause()",
        """
import time
while sum(node.alive for node in rayx.nodes()) > 2:
    time.sleep(0.05)
""",
    )
    tasks = start_step(trio, shared, "--", sys.executable, "-c", source, str(ready))
    poll_until(ready.exists, 30, "the program runs")
    tasks[2].terminate()
    assert tasks[2].wait(20) == 0
    assert tasks[0].wait(20) == 0
    assert tasks[1].wait(20) == 0
