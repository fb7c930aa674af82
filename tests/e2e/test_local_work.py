"""Work that stays on its node costs the control server nothing but a count."""

import os
import socket
import threading

import pytest
from session_watch import poll_until, read

import rayx


class ControlServer:
    """What one server of the session says, asked in its own protocol (RESP2)."""

    def __init__(self, path, password):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._answers = self._socket.makefile("rb")
        assert self.ask("AUTH", "rayx", password) == b"OK"

    def ask(self, *words):
        parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
        self._socket.sendall(f"*{len(words)}\r\n{''.join(parts)}".encode())
        return self._read()

    def _read(self):
        line = self._answers.readline()[:-2]
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return self._answers.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._read() for _ in range(int(rest))]
        assert kind != b"-", line
        return rest

    def keys(self):
        found, cursor = set(), "0"
        while True:
            cursor, some = self.ask("SCAN", cursor, "COUNT", "1000")
            found.update(key.decode() for key in some)
            cursor = cursor.decode()
            if cursor == "0":
                return found

    def counted(self, name):
        fields = self.ask("HGETALL", "rayx:counters")
        pairs = zip(fields[::2], fields[1::2], strict=True)
        return sum(int(value) for key, value in pairs if key.endswith(b":" + name.encode()))

    def close(self):
        self._answers.close()
        self._socket.close()


@pytest.fixture
def control_servers(rayx_session):
    password = read(f"{rayx_session['session_dir']}/control.password").strip()
    paths = rayx_session["redis_sockets"]
    # Nobody waits for the servers when a session begins.
    poll_until(lambda: all(map(os.path.exists, paths)), 10, "the sockets of the control servers")
    servers = [ControlServer(path, password) for path in paths]
    yield servers
    for server in servers:
        server.close()


@rayx.remote
def one_more(x):
    return x + 1


@rayx.remote
def waits_for(path):
    while not os.path.exists(path):
        threading.Event().wait(0.01)


def test_tasks_and_objects_that_stay_have_no_records(control_servers, tmp_path):
    gate = tmp_path / "gate"
    kept = [rayx.put(i) for i in range(1000)]
    waiting = waits_for.remote(str(gate))
    assert rayx.get([one_more.remote(x) for x in kept]) == list(range(1, 1001))
    primary = control_servers[0]
    # Whatever was to be written with these counts has been written.
    poll_until(lambda: primary.counted("tasks_done") >= 1000, 10, "the count of the tasks")
    kinds = {key.split(":")[1] for server in control_servers for key in server.keys()}
    assert "node" in kinds and "driver" in kinds and "function" in kinds
    assert not kinds & {"task", "object"}
    # The node answers for them.
    assert [task.name for task in rayx.state.tasks()] == ["waits_for"]
    gate.touch()
    rayx.get(waiting)
