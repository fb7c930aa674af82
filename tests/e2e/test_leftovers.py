"""Nothing of a session stays, whatever way it ends.

All sessions here run tasks that are hard to end: children that detach themselves (double fork,
setsid), ignore signals, drop their environment and close their descriptors, and native code that
never gives Python a turn.
"""

import glob
import os
import pathlib
import shutil
import signal
import tempfile
import threading
import time

import pytest
from session_watch import GONE_SECONDS, descendants, poll_until, start_time

import rayx

# Defines the tasks, and `occupy()`, which returns when all of them run.
STUBBORN = """
@rayx.remote(num_cpus=0)
def detach(path):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            with open(path, "w") as file:
                file.write("x")
            os.closerange(0, 1024)
            while True:
                time.sleep(1000)
        os._exit(0)
    os.wait()

@rayx.remote(num_cpus=0)
def run_shell(path):
    # Nothing of the environment, another session, deaf to SIGTERM, and with a child of its own.
    subprocess.Popen(["/bin/sh", "-c", f"trap '' TERM INT HUP; (sleep 1000; :) & : > {path}; wait"],
                     env={"PATH": os.environ["PATH"]}, start_new_session=True).wait()

@rayx.remote(num_cpus=0)
def sleep_natively(path):
    with open(path, "w") as file:
        file.write("x")
    ctypes.PyDLL(None).sleep(1000)  # holds the GIL

@rayx.remote
def one():
    return 1

def occupy(place):
    paths = [f"{place}/{number}" for number in range(3)]
    ids = [rayx.get(detach.remote(paths[0])), run_shell.remote(paths[1]),
           sleep_natively.remote(paths[2])]
    while not all(os.path.exists(path) for path in paths):
        time.sleep(0.01)
    return ids

addresses = init()
kept = rayx.put(bytearray(10**6))
running = occupy(sys.argv[1])
"""

ENDS = {
    "normal": "",
    "exception": "raise RuntimeError('the program fails')",
    "sys_exit": "sys.exit(3)",
    "sys_exit_in_a_thread": """
thread = threading.Thread(target=sys.exit, args=(3,))
thread.start()
thread.join()
assert rayx.get(one.remote()) == 1
""",
    "exit_with_a_thread_in_get": """
threading.Thread(target=lambda: rayx.get(running[1:]), daemon=True).start()
time.sleep(0.05)
""",
    "os_exit": "os._exit(3)",
    "exec": "os.execv('/bin/true', ['true'])",
}


@pytest.mark.parametrize("way", ENDS)
def test_the_driver_ends_by_itself(start_driver, tmp_path, way):
    driver = start_driver(
        STUBBORN
        + "tell(running=True)\nwhile not os.path.exists(sys.argv[2]): time.sleep(0.01)\n"
        + ENDS[way],
        tmp_path,
        tmp_path / "go",
    )
    driver.fact("running")
    assert len(driver.record()) >= 9
    (tmp_path / "go").touch()
    expected = {"exception": 1, "sys_exit": 3, "os_exit": 3}.get(way, 0)
    assert driver.wait() == expected, driver.output()
    driver.traces.assert_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_F14_the_driver_is_killed(start_driver, tmp_path, number):
    driver = start_driver(
        STUBBORN + "tell(running=True)\nrayx.get(running[1:])", tmp_path, tmp_path / "go"
    )
    driver.fact("running")
    assert len(driver.record()) >= 9
    driver.process.send_signal(number)
    assert driver.wait(GONE_SECONDS) == -number, driver.output()
    driver.traces.assert_gone()


# Blocks a thread in each of get and wait, waits for the end of what they wait on, and starts again.
BLOCKED = (
    STUBBORN
    + """
ends = []

def block(call):
    try:
        call()
    except rayx.RayxError as error:
        ends.append((type(error).__name__, time.monotonic(), str(error)))

calls = [lambda: rayx.get(running[1]), lambda: rayx.get(running[1:]),
         lambda: rayx.wait(running[1:], num_returns=2),
         lambda: rayx.wait(running[1:], num_returns=1, timeout=60_000),
         lambda: rayx.get(running[2], timeout=60)]
threads = [threading.Thread(target=block, args=(call,)) for call in calls]
for thread in threads:
    thread.start()
tell(running=True)
block(lambda: rayx.get(running[2]))
for thread in threads:
    thread.join()
tell(ends=ends)
for call in (lambda: one.remote(), lambda: rayx.put(1), lambda: rayx.get(one.remote())):
    before = len(ends)
    block(call)
    assert len(ends) == before + 1 and ends[-1][0] == "NodeDiedError", ends
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
began = time.monotonic()
rayx.shutdown()
tell(shutdown_seconds=time.monotonic() - began)
init()
assert rayx.get(one.remote()) == 1
tell(second=True)
while not os.path.exists(sys.argv[3]):
    time.sleep(0.01)
"""
)


@pytest.mark.parametrize("victim", ["node", "control", "supervisor"])
def test_F6_a_part_is_killed(start_driver, tmp_path, victim):
    driver = start_driver(BLOCKED, tmp_path, tmp_path / "again", tmp_path / "end")
    driver.fact("running")
    assert len(driver.record()) >= 9
    killed_at = time.monotonic()
    os.kill(driver.fact(victim), signal.SIGKILL)
    ends = driver.fact("ends")
    assert [kind for kind, _, _ in ends] == ["NodeDiedError"] * 6, driver.output()
    assert max(when for _, when, _ in ends) - killed_at < GONE_SECONDS
    if victim != "supervisor":  # which has nobody to tell of it
        name = {"node": "the node daemon", "control": "the control server"}[victim]
        told = [text for _, _, text in ends if name in text and "signal 9 (SIGKILL)" in text]
        assert len(told) == len(ends), ends
    # Of the driver's own: itself, and the supervisor's remains that it has not waited for.
    spare = (driver.pid, driver.fact("supervisor"))
    driver.traces.assert_gone(spare, since=killed_at)
    (tmp_path / "again").touch()
    driver.fact("second")
    assert driver.fact("shutdown_seconds") < GONE_SECONDS
    driver.record()
    (tmp_path / "end").touch()
    assert driver.wait() == 0, driver.output()
    driver.traces.assert_gone()


def test_the_template_is_killed(start_driver, tmp_path):
    driver = start_driver(
        """
@rayx.remote
def parent():
    return os.getppid()

addresses = init()
template = rayx.get(parent.remote())
os.kill(template, signal.SIGKILL)
while template in rayx.get([parent.remote() for _ in range(4)], timeout=20):
    pass  # the signal has not arrived yet
tell(running=True)
time.sleep(1000)
"""
    )
    driver.fact("running")
    driver.record()
    driver.process.kill()
    driver.wait()
    driver.traces.assert_gone()


@pytest.mark.parametrize(
    "fork", ["os.fork()", "ctypes.CDLL(None).fork()"], ids=["fork", "fork_unseen"]
)
@pytest.mark.parametrize("end", ["killed", "exits"])
def test_a_fork_of_the_driver_holds_the_lifeline(start_driver, tmp_path, fork, end):
    driver = start_driver(
        STUBBORN
        + f"""
child = {fork}
if child == 0:
    while True:
        time.sleep(1000)
tell(child=child)
if {end == "exits"}:
    while not os.path.exists(sys.argv[2]):
        time.sleep(0.01)
    sys.exit(0)
rayx.get(running[1:])
""",
        tmp_path,
        tmp_path / "go",
    )
    child = driver.fact("child")
    driver.record()
    if end == "killed":
        driver.process.kill()
    (tmp_path / "go").touch()
    driver.wait()
    driver.traces.assert_gone(spare=[child])
    assert start_time(child) is not None, "the child, which is none of the session's, is gone"


def test_a_fork_of_the_driver_ends(start_driver):
    """It must not take the session with it."""
    driver = start_driver(
        """
@rayx.remote
def one():
    return 1

init()
for end in (lambda: os._exit(0), lambda: sys.exit(0), lambda: os.kill(os.getpid(), 9)):
    child = os.fork()
    if child == 0:
        end()
    os.waitpid(child, 0)
    assert rayx.get(one.remote(), timeout=10) == 1
tell(works=True)
"""
    )
    assert driver.fact("works")
    assert driver.wait() == 0, driver.output()


@pytest.mark.slow
@pytest.mark.time_limit(240)
def test_200_cycles(start_driver):
    driver = start_driver(
        """
import numpy

@rayx.remote
def add(x):
    return x + 1

def cycle():
    with rayx.init(num_cpus=1):
        ids = [add.remote(number) for number in range(3)]
        array = rayx.put(numpy.ones(100_000))
        assert rayx.get(ids) == [1, 2, 3]
        assert rayx.get(array).sum() == 100_000

def state():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return {"fds": len(os.listdir("/proc/self/fd")), "threads": int(status["Threads"]),
            "kilobytes": int(status["VmRSS"].split()[0])}

for _ in range(10):
    cycle()
before = state()
began = time.monotonic()
for number in range(190):
    cycle()
tell(before=before, after=state(), seconds=time.monotonic() - began)
"""
    )
    after, before = driver.fact("after", seconds=220), driver.fact("before")
    assert abs(after["fds"] - before["fds"]) <= 2
    assert after["threads"] <= before["threads"]
    assert after["kilobytes"] - before["kilobytes"] < 10_000
    assert driver.wait() == 0, driver.output()
    driver.traces.assert_gone()


# ---- a start that is cut short -------------------------------------------------------------------


def _begin_init(start_driver):
    return start_driver("tell(begins=True)\ninit(num_cpus=1)\ntell(ready=True)\ntime.sleep(1000)")


@pytest.mark.time_limit(120)
def test_killed_30_times_during_init(start_driver):
    """At times spread evenly over what an init takes."""
    drivers = [_begin_init(start_driver)]
    began = time.monotonic()
    drivers[0].fact("begins")
    begins_at = time.monotonic()
    drivers[0].fact("ready")
    init_seconds = time.monotonic() - begins_at
    assert begins_at > began
    drivers[0].process.kill()
    drivers[0].wait()
    for number in range(30):
        driver = _begin_init(start_driver)
        poll_until(lambda: driver.facts().get("begins"), 20, "the beginning of init")
        threading.Event().wait(init_seconds * number / 25)  # the moment itself is what is tested
        driver.process.kill()
        driver.wait()
        driver.traces.assert_gone()


# ---- starts that fail ----------------------------------------------------------------------------


def _daemons():
    from rayx import _raylet

    return os.path.join(os.path.dirname(_raylet.LIBRARY), "bin")


def _copy_of_daemons(place, *names):
    directory = place / "bin"
    directory.mkdir()
    for name in names:
        shutil.copy(os.path.join(_daemons(), name), directory)
    return directory


def _program(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _server_that_fails(place):
    return {"RAYX_REDIS_SERVER": _program(place / "server", "echo out of luck >&2; exit 3")}


def _server_that_is_missing(place):
    return {"RAYX_REDIS_SERVER": place / "missing"}


def _server_that_is_no_program(place):
    (place / "server").write_text("text")
    (place / "server").chmod(0o755)
    return {"RAYX_REDIS_SERVER": place / "server"}


def _no_supervisor(place):
    return {"RAYX_BIN_DIR": place}


def _no_node(place):
    return {"RAYX_BIN_DIR": _copy_of_daemons(place, "rayx-supervisor")}


def _node_that_fails(place):
    directory = _copy_of_daemons(place, "rayx-supervisor")
    _program(directory / "rayx-node", "echo no node today >&2; exit 4")
    return {"RAYX_BIN_DIR": directory}


# How it is broken, and what the error says.
BROKEN_STARTS = {
    "server_fails": (_server_that_fails, r"control server .*exited with code 3(.|\n)*out of luck"),
    "server_missing": (_server_that_is_missing, "RAYX_REDIS_SERVER is .*missing, which is not"),
    "server_no_program": (_server_that_is_no_program, "server.*exec"),
    "no_supervisor": (_no_supervisor, "rayx-supervisor is missing"),
    "no_node": (_no_node, "rayx-node.*No such file"),
    "node_fails": (_node_that_fails, r"node daemon .*exited with code 4(.|\n)*no node today"),
}


@pytest.mark.parametrize("how", BROKEN_STARTS)
def test_a_start_that_fails(tmp_path, monkeypatch, how):
    break_it, text = BROKEN_STARTS[how]
    for name, value in break_it(tmp_path).items():
        monkeypatch.setenv(name, str(value))
    below = descendants(os.getpid())
    began = time.monotonic()
    with pytest.raises(rayx.StartError, match=text) as caught:
        rayx.init(num_cpus=1)
    assert time.monotonic() - began < GONE_SECONDS
    assert str(caught.value).count("Traceback") == 0
    assert not rayx.is_initialized()
    assert descendants(os.getpid()) == below
    assert glob.glob(f"{os.environ['TMPDIR']}/rayx-*") == []
    monkeypatch.undo()
    with rayx.init(num_cpus=1):
        assert rayx.is_initialized()


@pytest.fixture
def short_place():
    """Not pytest's, whose paths are too long for sockets anyway."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="p"))
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("place", ["missing", "a file", "too long", "closed", "relative"])
def test_a_place_that_cannot_be_used(short_place, monkeypatch, place):
    """The next one is taken."""
    path = short_place / ("x" * 100 if place == "too long" else "place")
    if place == "a file":
        path.touch()
    elif place != "missing":
        path.mkdir(mode=0o500 if place == "closed" else 0o700)
    monkeypatch.setenv("TMPDIR", "place" if place == "relative" else str(path))
    with rayx.init(num_cpus=1) as addresses:
        parent = os.path.dirname(addresses["session_dir"])
        if place == "closed" and os.geteuid() == 0:
            assert parent == str(path)  # root may
        else:
            assert parent == "/tmp"
    assert not os.path.exists(addresses["session_dir"])


def test_no_place_at_all(tmp_path, monkeypatch):
    from rayx.launch import session_directory

    monkeypatch.setattr(session_directory, "_parents", lambda _: iter([tmp_path / "missing"]))
    with pytest.raises(rayx.StartError, match="there is no place for the session.*Set TMPDIR"):
        rayx.init(num_cpus=1)


def test_the_place_goes_away(tmp_path, monkeypatch):
    """Between the choice and the making of the directory."""
    from rayx.launch import session_directory

    monkeypatch.setattr(session_directory, "choose", lambda **_: tmp_path / "gone" / "rayx-1")
    with pytest.raises(rayx.StartError, match="creating .*gone/rayx-1: No such file"):
        rayx.init(num_cpus=1)
