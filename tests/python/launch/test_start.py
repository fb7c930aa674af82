import sys

import pytest

import rayx
from rayx import questions, session
from rayx.launch import start
from rayx.launch.init_options import InitOptions


class FakeProcesses:
    supervisor_pid = 42
    keeps_logs = False

    def __init__(self, directory):
        self.directory = directory
        self.node_socket = directory / "node.sock"
        self.events = []

    def wait_until_ready(self):
        self.events.append("ready")

    def stop(self):
        self.events.append("stop")


class FakeChannel:
    def __init__(self):
        self.closed = False

    def next(self, timeout_ms=-1):
        from fake_node import failure

        raise failure("Disconnected")

    def drain(self):
        pass

    def close(self):
        self.closed = True


@pytest.fixture
def world(monkeypatch, tmp_path):
    """What `start_session` reaches for, in place of processes and sockets."""
    from fake_node import FakeClient

    class World:
        processes = FakeProcesses(tmp_path)
        client = FakeClient()
        failure = None
        calls = []

    world = World()
    world.client.seeds = []
    world.client.seed_ids = world.client.seeds.append

    def launch(options):
        world.options = options
        return world.processes

    def connect_driver(*arguments):
        world.calls = arguments
        if world.failure == "driver":
            from fake_node import failure

            raise failure("ProtocolError", "versions differ")
        return world.client

    def connect_output(*arguments):
        if world.failure == "output":
            from fake_node import failure

            raise failure("Disconnected", "gone")
        return FakeChannel()

    monkeypatch.setattr(start.Processes, "launch", launch)
    monkeypatch.setattr(start.programs, "find_daemon", lambda name, module: tmp_path / name)
    monkeypatch.setattr(start.programs, "find_control_server", lambda: tmp_path / "server")
    monkeypatch.setattr(start, "Client", type("C", (), {"connect_driver": connect_driver}))
    monkeypatch.setattr(start, "OutputChannel", type("O", (), {"connect": connect_output}))
    return world


def test_starts_and_connects(world, tmp_path):
    made, addresses = start.start_session(InitOptions.checked(num_cpus=2, object_id_seed=5))
    assert world.processes.events == ["ready"]
    assert world.options.num_cpus == 2
    assert world.options.search_path
    assert world.client.seeds == [5]
    assert addresses == {
        "session_dir": str(tmp_path),
        "node_socket": str(tmp_path / "node.sock"),
        "node_id": world.client.node_id.hex(),
        "node_ip_address": "127.0.0.1",
        "redis_address": f"unix:{tmp_path}/control-0/redis.sock",
        "redis_sockets": [str(tmp_path / f"control-{n}" / "redis.sock") for n in range(2)],
        "supervisor_pid": 42,
        "driver_id": world.calls[1].hex(),
    }
    assert world.calls[0] == addresses["node_socket"]
    assert world.calls[2] == ".".join(map(str, sys.version_info[:3]))
    assert made.mode == session.SCRIPT_MODE
    made.close()
    assert world.processes.events == ["ready", "stop"]


def test_what_will_be_needed_is_imported_while_the_others_start(world, monkeypatch):
    monkeypatch.setattr(
        start, "_import_meanwhile", lambda: world.processes.events.append("imported")
    )
    made, _ = start.start_session(InitOptions.checked(num_cpus=2))
    assert world.processes.events == ["imported", "ready"]
    made.close()


@pytest.mark.parametrize("failing", ["driver", "output"])
def test_what_cannot_be_connected_is_taken_down(world, failing):
    world.failure = failing
    with pytest.raises(rayx.StartError, match="cannot connect to the node"):
        start.start_session(InitOptions.checked(num_cpus=2))
    assert world.processes.events == ["ready", "stop"]
    assert world.client.closed == (failing == "output")


def test_ctrl_c_while_waiting_takes_all_down(world):
    def interrupted():
        raise KeyboardInterrupt

    world.processes.wait_until_ready = interrupted
    with pytest.raises(KeyboardInterrupt):
        start.start_session(InitOptions.checked(num_cpus=2))
    assert world.processes.events == ["stop"]


class FakePreload:
    def __init__(self, modules):
        self.modules = modules
        self.events = []
        self.failure = None
        type(self).last = self

    def template_arguments(self):
        return ["--preload", ",".join(self.modules)]

    def wait(self):
        self.events.append("wait")
        if "bad" in self.modules:
            raise rayx.StartError("preload: bad cannot be imported")

    def close(self):
        self.events.append("close")


def test_preloads_are_waited_for(world, monkeypatch):
    monkeypatch.setattr(start, "Preload", FakePreload)
    made, _ = start.start_session(InitOptions.checked(num_cpus=2, preload=["json", "ast"]))
    assert world.options.template_arguments == ["--preload", "json,ast"]
    assert FakePreload.last.events == ["wait", "close"]
    made.close()
    with pytest.raises(rayx.StartError, match="bad"):
        start.start_session(InitOptions.checked(num_cpus=2, preload=["bad"]))
    assert FakePreload.last.events == ["wait", "close"]
    assert world.processes.events[-1] == "stop"


def test_python_mode_starts_nothing(world):
    options = InitOptions.checked(
        num_cpus=1.5, num_gpus=1, resources={"disk": 2}, driver_mode=rayx.PYTHON_MODE
    )
    made, addresses = start.start_session(options)
    assert world.processes.events == []
    assert made.mode == rayx.PYTHON_MODE
    assert questions.resources(made.client, 0)[0] == {"CPU": 1.5, "GPU": 1.0, "disk": 2.0}
    assert addresses["supervisor_pid"] == 0
    assert addresses["driver_id"] == made.client.driver_id.hex()
    made.close()
    assert made.client.closed
