import os
import sys
import time
from pathlib import Path

import pytest

import rayx
from rayx.launch import machine
from rayx.launch.processes import Processes, Standing, StartOptions, template_command

# A supervisor of a few lines: notes how it was started, says its word, waits for the end.
SUPERVISOR = """#!{python}
import json, os, socket, sys
options = dict(word[2:].split("=", 1) for word in sys.argv[1 : sys.argv.index("--")] if "=" in word)
os.mkdir(options["session-dir"], 0o700)
lifeline = socket.socket(fileno=int(options["lifeline-fd"]))
told = dict(arguments=sys.argv[1:], path=os.environ["PYTHONPATH"],
            group=os.getsid(0) == os.getpid(), driver_path=os.environ["RAYX_DRIVER_PYTHONPATH"],
            fds=os.listdir("/proc/self/fd"))
with open(os.environ["TOLD"], "w") as file:
    json.dump(told, file)
print("a line for the log", flush=True)
{action}
"""
READY = "lifeline.sendall(b'ready\\n'); lifeline.recv(1)"


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    started = []

    def start(action, **changes):
        program = tmp_path / "supervisor"
        program.write_text(SUPERVISOR.format(python=sys.executable, action=action))
        program.chmod(0o755)
        options = StartOptions(
            supervisor=program,
            control_server=Path("/server"),
            redis_shards=1,
            num_cpus=2.5,
            num_gpus=0.0,
            resources={"disk": 0.25},
            object_store_bytes=1 << 20,
            num_workers=3,
            redirect_output=False,
            host="127.0.0.1",
            search_path=["/a", "/b"],
        )
        started.append(Processes.launch(options._replace(**changes)))
        return started[-1]

    yield start
    for processes in started:
        processes.stop()


def told(tmp_path):
    import json

    return json.loads((tmp_path / "told").read_text())


def test_start_and_stop(start, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/mine")
    processes = start(READY)
    processes.wait_until_ready()
    facts = told(tmp_path)
    arguments = facts["arguments"]
    split = arguments.index("--")
    assert arguments[:split] == [
        f"--session-dir={processes.directory}",
        arguments[1],
        f"--driver-pid={os.getpid()}",
        "--redis-server=/server",
        "--redis-shards=1",
    ]
    node = arguments[split + 1 :]
    assert node[:7] == [
        "--host=127.0.0.1",
        "--num-cpus=2.5",
        "--num-gpus=0",
        f"--busy-cpus={machine.busy_cpu_count()}",
        "--resource=disk=0.25",
        "--object-store-memory=1048576",
        "--num-workers=3",
    ]
    assert node[7:] == [f"--template-arg={word}" for word in template_command()]
    assert facts["path"] == "/a:/b"
    assert facts["driver_path"] == "/mine"
    assert facts["group"]
    assert len(facts["fds"]) == 5  # 0, 1, 2, the lifeline, and the listing itself
    assert processes.node_socket == processes.directory / "node.sock"
    processes.stop()
    assert not processes.directory.exists()
    assert not os.path.exists(f"/proc/{processes.supervisor_pid}")
    processes.stop()


def test_redirected_output_is_asked_for_and_kept(start, tmp_path):
    processes = start(READY, redirect_output=True)
    processes.wait_until_ready()
    arguments = told(tmp_path)["arguments"]
    assert "--redirect-output" in arguments[: arguments.index("--")]
    (processes.directory / "logs").mkdir()
    processes.stop()
    assert [path.name for path in processes.directory.iterdir()] == ["logs"]
    processes.directory.joinpath("logs").rmdir()
    processes.directory.rmdir()


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("lifeline.sendall(b'error no memory\\n')", "could not start: no memory"),
        ("sys.exit(4)", "rayx-supervisor ended: exit code 4"),
        ("os.kill(os.getpid(), 9)", "rayx-supervisor ended: signal 9"),
        ("lifeline.sendall(b'nonsense\\n')", "ended: exit code 0"),
    ],
)
def test_failures_are_told_with_the_log(start, action, text):
    processes = start(action)
    with pytest.raises(rayx.StartError, match=text) as caught:
        processes.wait_until_ready()
    assert "a line for the log" in str(caught.value)
    assert not processes.directory.exists()


def test_a_start_that_takes_too_long(start):
    processes = start("lifeline.recv(1)")
    with pytest.raises(rayx.StartError, match=r"not ready within 0\.3 seconds"):
        processes.wait_until_ready(0.3)
    assert not os.path.exists(f"/proc/{processes.supervisor_pid}")


def test_a_supervisor_that_does_not_end_is_killed(start):
    processes = start("lifeline.sendall(b'ready\\n'); import signal; signal.pause()")
    processes.wait_until_ready()
    began = time.monotonic()
    processes.stop(0.2)
    assert time.monotonic() - began < 3
    assert not os.path.exists(f"/proc/{processes.supervisor_pid}")
    assert not processes.directory.exists()


def test_the_end_is_seen_when_it_comes(start, monkeypatch):
    processes = start(READY)
    processes.wait_until_ready()
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    processes.stop()
    assert naps == []
    assert not os.path.exists(f"/proc/{processes.supervisor_pid}")


def test_a_kernel_that_does_not_tell_of_an_end(start, monkeypatch):
    def pidfd_open(pid):
        raise OSError(38, "Function not implemented")

    processes = start(READY)
    processes.wait_until_ready()
    monkeypatch.setattr(os, "pidfd_open", pidfd_open)
    processes.stop()
    assert not os.path.exists(f"/proc/{processes.supervisor_pid}")


def test_a_program_that_cannot_be_run(start, tmp_path):
    with pytest.raises(rayx.StartError, match="cannot be run"):
        start(READY, supervisor=tmp_path / "missing")


def test_a_fork_that_ends_does_not_end_the_session(start):
    processes = start(READY)
    processes.wait_until_ready()
    pid = os.fork()
    if pid == 0:
        processes.abandon()
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.path.exists(f"/proc/{processes.supervisor_pid}")


def test_the_template_s_command():
    command = template_command()
    assert command[0] == sys.executable
    assert "-P" in command
    assert command[-2:] == ["-m", "rayx.worker.template"]


def test_the_template_gets_its_own_arguments(start, tmp_path):
    processes = start(READY, template_arguments=["--preload", "json"])
    processes.wait_until_ready()
    assert told(tmp_path)["arguments"][-2:] == ["--template-arg=--preload", "--template-arg=json"]


# ---- standing sessions ---------------------------------------------------------------------------

STANDS = """
lifeline.sendall(b'ready 5000\\n')
assert lifeline.recv(16) == b'keep\\n'
lifeline.sendall(b'kept\\n')
lifeline.close()
import signal; signal.pause()
"""


def test_a_standing_session_is_kept(start, tmp_path):
    processes = start(STANDS, standing=Standing("127.0.0.1", 0))
    processes.wait_until_ready()
    assert processes.port == 5000
    processes.keep()
    arguments = told(tmp_path)["arguments"]
    record = f"{os.environ['RAYX_RUNTIME_DIR']}/{processes.directory.name}.json"
    assert arguments[2:6] == [
        "--standing",
        "--address=127.0.0.1",
        "--port=0",
        f"--record={record}",
    ]
    pid = processes.supervisor_pid
    assert os.path.exists(f"/proc/{pid}")
    os.kill(pid, 15)
    assert os.waitpid(pid, 0)[0] == pid
    processes.directory.rmdir()


VERSION = "--python-version={}.{}".format(*sys.version_info)


@pytest.mark.parametrize(
    ("standing", "more"),
    [
        (Standing("192.0.2.7", 6379, "/keys/k"), ["--key-file=/keys/k", VERSION]),
        (
            Standing("192.0.2.7", 0, "/keys/k", "[2001:db8::1]:6379"),
            ["--key-file=/keys/k", "--join=[2001:db8::1]:6379", VERSION],
        ),
        (
            Standing("127.0.0.1", 0, head="127.0.0.1:6379", insecure=True),
            ["--insecure", "--join=127.0.0.1:6379", VERSION],
        ),
    ],
)
def test_a_node_that_others_can_reach(start, tmp_path, standing, more):
    processes = start("lifeline.sendall(b'ready 5000\\n'); lifeline.recv(1)", standing=standing)
    processes.wait_until_ready()
    arguments = told(tmp_path)["arguments"]
    assert arguments[2:5] == ["--standing", f"--address={standing.address}", arguments[4]]
    assert arguments[6 : arguments.index("--")] == [
        *more,
        "--redis-server=/server",
        "--redis-shards=1",
    ]


def test_a_standing_session_does_not_lie_where_a_logout_removes_it(start, tmp_path, monkeypatch):
    (tmp_path / "run").mkdir(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    processes = start(READY, standing=Standing("127.0.0.1", 0))
    assert processes.directory.parent != tmp_path / "run"


@pytest.mark.parametrize("action", ["sys.exit(3)", "lifeline.sendall(b'error it failed\\n')"])
def test_one_that_ends_before_it_is_kept(start, action):
    processes = start(f"lifeline.sendall(b'ready 1\\n'); {action}", standing=Standing("::1", 1))
    processes.wait_until_ready()
    with pytest.raises(
        rayx.StartError, match="could not start: it(s supervisor has ended| failed)"
    ):
        processes.keep()
    assert not os.path.exists(f"/proc/{processes.supervisor_pid}")


def test_what_is_refused_is_said_without_logs(start):
    processes = start("lifeline.sendall(b'refused port 7 is in use\\n')")
    with pytest.raises(rayx.StartError, match="^port 7 is in use$"):
        processes.wait_until_ready()
