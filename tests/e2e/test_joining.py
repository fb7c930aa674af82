"""Two drivers of one session: one that started it, mostly the test itself, and one that joins."""

import os
import shutil
import signal

import pytest
from session_watch import GONE_SECONDS, descendants, poll_until, read

import rayx
from rayx import questions

JOIN = """
import os, subprocess, sys, threading, time
import rayx

info = rayx.init(redis_address=sys.argv[1])
"""


def test_runs_its_own_tasks_and_actors_there(rayx_session, run_program):
    @rayx.remote
    class Counter:
        def __init__(self):
            self.count = 0

        def add(self):
            self.count += 1
            return self.count

    ours = Counter.options(name="counter").remote()
    assert rayx.get(ours.add.remote()) == 1
    program = (
        JOIN
        + """
print(info["node_id"], info["driver_id"], info["session_dir"], info["supervisor_pid"])
print(info["redis_address"], info["redis_sockets"], info["node_ip_address"])

@rayx.remote
def square(x):
    return x * x

@rayx.remote
class Counter:
    def __init__(self, count):
        self.count = count
    def add(self):
        self.count += 1
        return self.count

print(rayx.get([square.remote(i) for i in range(20)]))
try:
    rayx.get_actor("counter")
except ValueError as error:
    print(error)
counter = Counter.options(name="counter").remote(100)
print(rayx.get([counter.add.remote() for _ in range(3)]))
print(rayx.get(rayx.get_actor("counter").add.remote()))
print(rayx.cluster_resources())
"""
    )
    out, err = run_program(program, rayx_session["redis_address"])
    lines = out.splitlines()
    node, driver, directory, supervisor = lines[0].split()
    assert (node, directory) == (rayx_session["node_id"], rayx_session["session_dir"])
    assert driver != rayx_session["driver_id"]
    assert int(supervisor) == rayx_session["supervisor_pid"]
    address, sockets = rayx_session["redis_address"], rayx_session["redis_sockets"]
    assert lines[1] == f"{address} {sockets} 127.0.0.1"
    assert lines[2] == str([i * i for i in range(20)])
    assert "counter" in lines[3]
    assert lines[4:] == ["[101, 102, 103]", "104", "{'CPU': 2.0}"]
    assert err == ""
    assert rayx.get(ours.add.remote()) == 2
    assert rayx.get(rayx.get_actor("counter").add.remote()) == 3


def test_both_work_at_once(rayx_session, start_program):
    @rayx.remote
    def work(x):
        return os.getpid(), ("ours", x)

    program = (
        JOIN
        + """
@rayx.remote
def work(x):
    return os.getpid(), ("theirs", x)

print("ready", flush=True)
pids = set()
for i in range(0, 200, 10):
    for pid, answer in rayx.get([work.remote(j) for j in range(i, i + 10)]):
        pids.add(pid)
        assert answer[0] == "theirs", answer
print(*pids)
"""
    )
    joined = start_program(program, rayx_session["redis_address"])
    assert joined.line() == "ready"
    pids = set()
    for i in range(0, 200, 10):
        for j, (pid, answer) in enumerate(rayx.get([work.remote(i + j) for j in range(10)])):
            pids.add(pid)
            assert answer == ("ours", i + j)
    out, _ = joined.finish()
    assert not pids & set(map(int, out.split()))  # a worker serves one driver


def test_a_worker_has_the_state_of_its_own_driver(rayx_session, run_program, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "only_theirs.py").write_text("value = 5")
    rayx.run_on_all_workers(lambda: os.environ.update(WHOSE="ours"))

    @rayx.remote
    def whose():
        return os.environ.get("WHOSE"), os.getcwd()

    here = os.getcwd()
    assert rayx.get([whose.remote() for _ in range(4)]) == [("ours", here)] * 4
    program = (
        JOIN.replace(
            "import rayx",
            """import rayx
os.chdir(os.path.dirname(__file__))
sys.path.append(os.path.dirname(__file__) + "/lib")
import only_theirs
""",
        )
        + """
rayx.run_on_all_workers(lambda: os.environ.update(THEIRS="theirs"))

@rayx.remote
def whose():
    import only_theirs
    return os.environ.get("WHOSE"), os.environ["THEIRS"], os.getcwd(), only_theirs.value

print(rayx.get([whose.remote() for _ in range(4)]) == [(None, "theirs", os.getcwd(), 5)] * 4)
"""
    )
    assert run_program(program, rayx_session["redis_address"])[0] == "True\n"
    assert rayx.get([whose.remote() for _ in range(4)]) == [("ours", here)] * 4


def test_errors_and_output_go_to_the_driver_whose_they_are(rayx_session, run_program, capfd):
    @rayx.remote
    def fail_here():
        print("said here")
        raise ValueError("of ours")

    program = (
        JOIN
        + """
@rayx.remote
def fail_there():
    print("said there")
    raise KeyError("of theirs")

rayx.wait([fail_there.remote()])
print([(error.function, error.kind) for error in rayx.error_info()])
"""
    )
    rayx.wait([fail_here.remote()])
    out, err = run_program(program, rayx_session["redis_address"])
    assert "[('fail_there', 'TaskError')]" in out
    assert "(fail_there pid=" in out and "said there" in out
    assert "of theirs" in err
    assert "fail_here" not in out + err and "said here" not in out and "of ours" not in err
    assert [error.function for error in rayx.error_info()] == ["fail_here"]
    rayx.shutdown()  # prints what is left
    ours = capfd.readouterr()
    assert "said here" in ours.out and "of ours" in ours.err
    assert "said there" not in ours.out and "of theirs" not in ours.err


BUSY = (
    JOIN
    + """
@rayx.remote
def hold(path):
    # A child, one that leaves its group, and one that leaves the worker's descent.
    command = (
        "import os, time; open(os.path.join({!r}, str(os.getpid())), 'w').close();"
        "time.sleep(60)"
    )
    run = [sys.executable, "-c", command.format(path)]
    subprocess.Popen(run)
    subprocess.Popen(run, start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open(os.path.join(path, str(os.getpid())), "w").close()
            time.sleep(60)  # task work
        os._exit(0)
    os.wait()
    start = f"import subprocess; subprocess.Popen({run!r}, start_new_session=True)"
    detach = [sys.executable, "-c", start]
    subprocess.run(detach)
    while len(os.listdir(path)) < 4:
        time.sleep(0.01)  # task work
    open(os.path.join(path, "all"), "w").close()
    time.sleep(60)  # task work

@rayx.remote
class Holder:
    def pid(self):
        return os.getpid()

holder = Holder.options(name="holder").remote()
large = rayx.put(bytes(20 << 20))
held = hold.remote(sys.argv[2])
queued = [hold.remote(sys.argv[2]) for _ in range(5)]
print(rayx.get(holder.pid.remote()), flush=True)
"""
)

ENDS = {
    "normally": ("sys.stdin.readline()", 0),
    "by shutdown": (
        "sys.stdin.readline(); rayx.shutdown(); print('left'); sys.stdin.readline()",
        0,
    ),
    "by an exception": ("sys.stdin.readline(); raise RuntimeError('own')", 1),
    "by SIGKILL": ("threading.Event().wait()", -signal.SIGKILL),
}


@pytest.mark.parametrize("way", ENDS)
def test_when_it_ends_what_it_had_goes(parts, rayx_session, start_program, tmp_path, way):
    last, exit_code = ENDS[way]
    pids = tmp_path / "pids"
    pids.mkdir()

    @rayx.remote
    def our_daemon():
        import subprocess
        import sys

        run = [sys.executable, "-c", "import time; time.sleep(60)"]
        return subprocess.Popen(run, start_new_session=True).pid

    kept = rayx.get(our_daemon.remote())
    joined = start_program(BUSY + last, rayx_session["redis_address"], str(pids))
    actor = int(joined.line())
    poll_until(lambda: (pids / "all").exists(), 20, "all its processes run")

    def theirs():
        return {actor, *(int(name) for name in os.listdir(pids) if name != "all")}

    assert len(theirs()) >= 5 and all(read(f"/proc/{pid}/stat") for pid in theirs())
    node = rayx_session["supervisor_pid"]
    if exit_code == -signal.SIGKILL:
        joined.process.kill()
    else:
        joined.process.stdin.write("go\n")
        joined.process.stdin.flush()
    if way == "by shutdown":
        assert joined.line() == "left"
    else:
        joined.process.wait(20)
    poll_until(
        lambda: not theirs() & set(descendants(node)), GONE_SECONDS, "its processes are gone"
    )
    assert not any(read(f"/proc/{pid}/stat") for pid in theirs())
    poll_until(has_nothing_left, GONE_SECONDS, "its objects, tasks and actors are gone")
    with pytest.raises(ValueError, match="holder"):
        rayx.get_actor("holder")
    assert read(f"/proc/{kept}/stat"), "what the other driver has started goes on"
    if way == "by shutdown":
        joined.process.stdin.write("go\n")
    joined.finish(exit_code)


def has_nothing_left():
    dump = questions.dump(rayx.session.current().client, 5000).partition("last events")[0]
    told = ("object store: 0 objects", "0 waiting for objects, 0 ready, 0 assigned")
    return all(text in dump for text in told) and "Holder" not in dump


WAITING = (
    JOIN
    + """
@rayx.remote
def wait():
    time.sleep(60)  # task work

failures = []
def get():
    try:
        rayx.get(wait.remote())
    except rayx.NodeDiedError as error:
        failures.append(str(error))

threads = [threading.Thread(target=get) for _ in range(2)]
for thread in threads:
    thread.start()
print("waiting", flush=True)
for thread in threads:
    thread.join()
print(*failures, sep="\\n")
try:
    rayx.put(1)
except rayx.NodeDiedError as error:
    print(error)
rayx.shutdown()
try:
    rayx.init(redis_address=sys.argv[1])
except rayx.StartError as error:
    print(error)
with rayx.init(num_cpus=1):
    print(rayx.cluster_resources())
"""
)

OWNER = """
import os, sys
import rayx
info = rayx.init(num_cpus=2)
print(info["redis_address"], info["supervisor_pid"], flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("way", ["by shutdown", "by SIGKILL", "its supervisor"])
def test_when_the_owner_ends_the_joined_driver_learns_why(start_program, way):
    owner = start_program(OWNER)
    address, supervisor = owner.line().split()
    joined = start_program(WAITING, address)
    assert joined.line() == "waiting"
    if way == "by shutdown":
        owner.process.stdin.write("\n")
        owner.process.stdin.flush()
        why = f"the driver that started it (pid {owner.process.pid}) has left it"
    elif way == "by SIGKILL":
        owner.process.kill()
        why = f"the driver that started it (pid {owner.process.pid}) has left it"
    else:
        os.kill(int(supervisor), signal.SIGKILL)
        why = f"its supervisor (pid {supervisor}) is gone"
    out, _ = joined.finish()
    lines = out.splitlines()
    assert len(lines) == 5
    for line in lines[:3]:
        assert line.endswith(f"the session that this driver had joined has ended: {why}"), line
    assert lines[3].endswith("there is no session, or it has ended")
    assert lines[4] == "{'CPU': 1.0}"


def test_when_the_node_dies_the_joined_driver_learns_of_it(start_program):
    owner = start_program(OWNER)
    address, supervisor = owner.line().split()
    joined = start_program(WAITING, address)
    assert joined.line() == "waiting"
    (node,) = (p for p in descendants(int(supervisor)) if "rayx-node" in read(f"/proc/{p}/comm"))
    os.kill(node, signal.SIGKILL)
    out, _ = joined.finish()
    assert f"the node daemon (pid {node}) was killed by signal 9" in out.splitlines()[0]


def test_it_leaves_the_session_in_a_fork(rayx_session, run_program):
    program = (
        JOIN
        + """
child = os.fork()
if child == 0:
    try:
        rayx.put(1)
    except rayx.ForkedProcessError:
        os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), rayx.get(rayx.put(2)))
"""
    )
    assert run_program(program, rayx_session["redis_address"])[0] == "7 2\n"


def test_output_in_files_is_told(run_program):
    with rayx.init(num_cpus=1, redirect_output=True) as info:
        _, err = run_program(JOIN, info["redis_address"])
        assert (
            err
            == f"rayx: the output of the session's processes goes to {info['session_dir']}/logs\n"
        )
    shutil.rmtree(info["session_dir"])


def test_from_a_task(rayx_session):
    @rayx.remote
    def join(address):
        rayx.init(redis_address=address)

    with pytest.raises(rayx.AlreadyInitializedError, match="by the task"):
        rayx.get(join.remote(rayx_session["redis_address"]))


def test_a_task_may_start_a_program_that_joins(rayx_session):
    program = JOIN + "print(rayx.get(rayx.remote(lambda: 6).remote()))"

    @rayx.remote
    def start(address):
        import subprocess
        import sys

        run = [sys.executable, "-c", program, address]
        return subprocess.run(run, capture_output=True, text=True).stdout

    assert rayx.get(start.remote(rayx_session["redis_address"])) == "6\n"


def test_one_after_the_other(parts, rayx_session, run_program):
    program = JOIN + "print(rayx.get(rayx.remote(lambda: 6).remote()))"
    for _ in range(3):
        assert run_program(program, rayx_session["redis_address"])[0] == "6\n"
