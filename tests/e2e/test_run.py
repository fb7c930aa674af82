"""`rayx run` on this machine: a program, and nodes that end with it."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from session_watch import WatchedDriver, poll_until

from rayx.records import session_records

RUN = [sys.executable, "-m", "rayx", "run"]
SMALL = ["--object-store-memory=33554432", "--num-cpus=1"]


def run(*arguments, exit_code=0, **environment):
    """Its stdout and stderr; no session is left."""
    ran = subprocess.run(
        [*RUN, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        env=os.environ | environment,
    )
    assert ran.returncode == exit_code, ran.stdout + ran.stderr
    assert session_records.read_all() == []
    return ran.stdout, ran.stderr


def python(source):
    return ["--", sys.executable, "-c", source]


TELLS = """
import json, rayx
rayx.init()
alive = [node.alive for node in rayx.nodes()]
print(json.dumps([rayx.cluster_resources()["CPU"], alive]))
"""


def test_the_program_joins_by_init_alone():
    out, err = run(*SMALL, *python(TELLS))
    assert json.loads(out) == [1.0, [True]]
    assert err == ""


def test_so_many_nodes_are_there_when_it_begins():
    out, _ = run("--nodes", "3", *SMALL, *python(TELLS))
    assert json.loads(out) == [3.0, [True] * 3]


def test_what_it_says_of_the_session_itself_is_not_looked_at():
    out, err = run(
        *SMALL, *python("import rayx; rayx.init(num_cpus=7); print(rayx.cluster_resources())")
    )
    assert out == "{'CPU': 1.0}\n"
    assert "no meaning here: num_cpus" in err


def test_its_exit_code_is_that_of_the_run():
    run(*SMALL, *python("raise SystemExit(9)"), exit_code=9)
    run(*SMALL, *python("import os; os.abort()"), exit_code=128 + signal.SIGABRT)
    _, err = run(*SMALL, "--", "no-such-program", exit_code=1)
    assert err == "rayx run: no-such-program cannot be run: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say which program is to be run"),
        (["--nodes", "0", "--", "true"], "--nodes must be between 1 and"),
        (["--nodes", "2", "--hosts", "f", "--", "true"], "--hosts and --nodes contradict"),
        (["--hosts", "missing", "--", "true"], "--hosts=missing cannot be read"),
        (["--wait", "soon", "--", "true"], "--wait='soon' is no span of time"),
        (["--num-cpus", "x", "--", "true"], "--num-cpus must be a number"),
    ],
)
def test_mistakes_are_named(arguments, told):
    assert told in run(*arguments, exit_code=2)[1]


WAITS = """
import signal, sys, rayx
rayx.init()
signal.signal(signal.SIGTERM, lambda *unused: sys.exit(5))
open(sys.argv[1], "w").close()
signal.pause()
"""


def started(tmp_path):
    """A run whose program waits for a signal."""
    ready = tmp_path / "ready"
    program = [sys.executable, "-c", WAITS, str(ready)]
    running = subprocess.Popen([*RUN, "--nodes", "2", *SMALL, "--", *program])
    poll_until(ready.exists, 20, "the program runs")
    return running


def test_the_program_hears_sigterm(tmp_path):
    running = started(tmp_path)
    running.terminate()
    assert running.wait(20) == 5
    assert session_records.read_all() == []


def test_a_run_that_is_told_to_end_again_and_again_leaves_nothing(tmp_path):
    """As batch systems do. The first of its tasks has a place to remove."""
    shared = tmp_path / "shared"
    shared.mkdir()
    ready = tmp_path / "ready"
    # At once, before it is told again.
    source = "import os\n" + WAITS.replace("sys.exit(5)", "os._exit(5)")
    program = ["--", sys.executable, "-c", source, str(ready)]
    tasks = start_tasks(2, shared, *program)
    poll_until(ready.exists, 30, "the program runs")
    while tasks[0].poll() is None:
        tasks[0].terminate()
        threading.Event().wait(0.01)
    assert [task[2] for task in ends_of(tasks)] == [5, 0]
    assert os.listdir(shared) == []
    assert session_records.read_all() == []


def test_a_run_may_be_ended_before_it_has_begun(tmp_path):
    waiting = start_tasks(2, tmp_path, *python(""))
    other = waiting.pop()
    other.kill()
    other.communicate()
    poll_until(lambda: os.listdir(tmp_path) != [], 20, "it waits for the other")
    waiting[0].terminate()
    assert ends_of(waiting)[0][2] == 128 + signal.SIGTERM
    assert os.listdir(tmp_path) == []


def test_nothing_is_left_of_a_run_that_is_killed(tmp_path):
    source = f"""
child = subprocess.Popen([sys.executable, "-m", "rayx", "run", "--nodes", "2", *{SMALL!r}, "--",
    sys.executable, "-c", {WAITS!r}, {str(tmp_path / "ready")!r}])
while not os.path.exists({str(tmp_path / "ready")!r}):
    time.sleep(0.02)
tell(child=child.pid)
child.wait()
"""
    driver = WatchedDriver(source, tmp_path)
    try:
        run_pid = driver.fact("child")
        for record in session_records.read_all():
            driver.traces.record_directory(record.session_dir)
        os.kill(run_pid, signal.SIGKILL)
        driver.wait()
        # The program itself is the user's, and goes on: its session has ended.
        left = driver.traces.marked()
        poll_until(lambda: session_records.read_all() == [], 5, "no session is left")
        poll_until(lambda: len(driver.traces.marked()) <= 1, 5, f"no process is left of {left}")
    finally:
        driver.end()


# ---- as a task of srun ---------------------------------------------------------------------------


def slurm(number, count, shared, step=0):
    """The variables of a task."""
    return {
        "SLURM_JOB_ID": "77",
        "SLURM_STEP_ID": str(step),
        "SLURM_PROCID": str(number),
        "SLURM_STEP_NUM_TASKS": str(count),
        "SLURM_SUBMIT_DIR": str(shared),
        "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1",
        "SLURM_CPUS_PER_TASK": "2",
    }


def start_tasks(count, shared, *arguments):
    """Backwards, so that the first comes last."""
    tasks = [
        subprocess.Popen(
            [*RUN, SMALL[0], "--node-ip-address=127.0.0.1", *arguments],
            env=os.environ | slurm(number, count, shared),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in reversed(range(count))
    ]
    return tasks[::-1]


def ends_of(tasks):
    """The exit code, stdout and stderr of each."""
    return [(*task.communicate(timeout=50), task.returncode) for task in tasks]


def test_tasks_of_a_step_meet_and_the_first_has_the_program(tmp_path):
    (first, *others) = ends_of(start_tasks(3, tmp_path, *python(TELLS + "exit(6)")))
    assert json.loads(first[0]) == [6.0, [True] * 3]
    assert first[2] == 6, first
    assert others == [("", "", 0)] * 2
    assert os.listdir(tmp_path) == []
    assert session_records.read_all() == []


def test_a_task_that_does_not_come_is_missed(tmp_path):
    out, err = run(
        "--wait=2", SMALL[0], *python("print('runs')"), exit_code=1, **slurm(0, 2, tmp_path)
    )
    assert "runs" not in out
    assert "nodes have not become members of the cluster: 1 of 2; there are " in err
    _, err = run("--wait=1", SMALL[0], *python(""), exit_code=1, **slurm(1, 2, tmp_path))
    assert "there is no cluster to join after 1: the task with rank 0 has told nothing in" in err


def test_who_comes_too_late_does_not_stay(tmp_path):
    """The first has given up, and said no goodbye to who was no member yet."""
    late = start_tasks(3, tmp_path, "--wait=4", *python(""))
    killed = late.pop(1)
    killed.kill()
    killed.communicate()
    (first, last) = ends_of(late)
    assert "1 of 3" in first[1] and first[2] == 1
    assert last[2] in (0, 1), last


def test_a_batch_script_has_one_node(tmp_path):
    given = slurm(0, 4, tmp_path)
    del given["SLURM_STEP_ID"]
    out, _ = run(*SMALL, *python(TELLS), **given)
    assert json.loads(out) == [1.0, [True]]
