import json
import time

import pytest

from rayx.command import main as command
from rayx.command import status
from rayx.records import session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord
from rayx.standing import session_look

NODE = {
    "node_id": "ab" * 16,
    "host": "127.0.0.1",
    "pid": 12,
    "resources": {"CPU": {"total": 4.0, "available": 1.5}},
    "workers_busy": 1,
    "workers_blocked": 2,
    "workers_idle": 3,
    "workers_starting": 4,
    "tasks_assigned": 5,
    "tasks_ready": 6,
    "tasks_waiting": 7,
    "tasks_finished": 8,
    "actors": 9,
    "drivers": 10,
    "pool_bytes": 1 << 31,
    "pool_used_bytes": 1536,
    "objects": 11,
    "has_tables": 1,
    "alive": True,
}
OTHER = {
    "node_id": "cd" * 16,
    "host": "192.0.2.8",
    "port": 4711,
    "pid": 13,
    "alive": True,
    "resources": {"CPU": {"total": 2.0}, "disk": {"total": 0.5}},
    "pool_bytes": 1 << 30,
}


def session(state=session_look.SERVING, **changes):
    told = {
        "address": "127.0.0.1:1",
        "state": state,
        "why": "",
        "supervisor_pid": 3,
        "started_at": time.time() - 61,
        "rayx_version": "0.1.0",
        "python_version": "3.11.7",
        "key_file": "",
        "insecure": False,
    }
    if state == session_look.SERVING:
        told["nodes"] = [NODE | {"started_at": time.time() - 7200}]
    return told | {"cluster": changes.get("address", told["address"])} | changes


@pytest.fixture
def sessions(tmp_path, monkeypatch):
    """What is looked at: one record a session."""
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    session_records.make_directory()
    found = []

    def look(record):
        return found[int(record.started_at)]

    monkeypatch.setattr(session_look, "look", look)

    def add(told):
        place = f"/tmp/rayx-{len(found)}"
        supervisor = ProcessIdentity(1, 1)
        SessionRecord(told["address"], place, supervisor, float(len(found)), "0", "3").write()
        found.append(told)

    return add


def test_a_session_on_a_screen(sessions, capsys):
    sessions(session(key_file="/home/me/.rayx/cluster.key"))
    assert command.main(["status"]) == 0
    assert (
        capsys.readouterr().out
        == """\
Session 127.0.0.1:1: serving
  started    1 min 1 s ago by rayx 0.1.0, Python 3.11.7 (supervisor pid 3)
  key        /home/me/.rayx/cluster.key
  node       abababab at 127.0.0.1 (pid 12), up 2 h 0 min
  CPU        1.5 of 4 free
  workers    1 busy, 2 waiting in get, 3 idle, 4 starting
  queue      5 tasks and actors with workers, 6 ready, 7 waiting for objects; 8 done
  actors     9
  drivers    10
  store      1.5 KiB of 2 GiB used, 11 objects
"""
    )


def test_the_nodes_of_a_cluster(sessions):
    now = time.time()
    nodes = [NODE | {"started_at": now - 7200}]
    away = OTHER | {"started_at": now - 60, "why": "it is away"}
    nodes += [away | {"alive": alive} for alive in (True, False)]
    told = session(address="192.0.2.7:9", cluster="192.0.2.1:6379", insecure=True, nodes=nodes)
    text = status.screen(told)
    assert text.startswith("Node 192.0.2.7:9 of the cluster 192.0.2.1:6379: serving\n")
    assert "\n  key        none (--insecure): whoever reaches" in text
    other = "  and        cdcdcdcd at 192.0.2.8:4711 (pid 13), up 1 min 0 s: 2 CPU, 0.5 disk, "
    other += "store 1 GiB\n             it is away"
    assert text.endswith(f"\n{other}\n  ended      1 nodes, which rayx.nodes() tells of")
    nodes[1] = NODE | away | {"resources": NODE["resources"]}
    first, has, does = status.screen(told).splitlines()[-4:-1]
    assert first == "  and        cdcdcdcd at 192.0.2.8:4711 (pid 13), up 1 min 0 s"
    assert has.startswith("             CPU ") and " free; store " in has
    assert does.endswith("queue: 6 ready, 7 waiting for objects")
    del nodes[1:]
    assert "and  " not in status.screen(told)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (session_look.RESTARTING, "its node is being started again"),
        (session_look.UNKNOWN, "its node does not answer"),
        (session_look.ENDED, "ended"),
    ],
)
def test_one_that_does_not_serve(sessions, capsys, state, said):
    sessions(session())
    sessions(session(state, why="it was killed\nits log", address="127.0.0.1:2"))
    assert command.main(["status"]) == 3
    out = capsys.readouterr().out
    assert f"\n\nSession 127.0.0.1:2: {said}\n" in out
    assert "  why        it was killed\n             its log" in out
    assert ("`rayx stop` removes its record" in out) == (state == session_look.ENDED)
    assert command.main(["status", "--address=127.0.0.1:1"]) == 0


def test_tables_that_cannot_be_reached_are_told():
    text = status.screen(session(nodes=[NODE | {"started_at": 0.0, "has_tables": 0}]))
    assert "the control server cannot be reached" in text


def test_the_same_as_data(sessions, capsys):
    told = session()
    sessions(told)
    assert command.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sessions": [told]}


def test_none(sessions, capsys):
    assert command.main(["status"]) == 1
    assert "`rayx start --head` starts one" in capsys.readouterr().out
    assert command.main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"sessions": []}


def test_spans():
    assert [status.span(seconds) for seconds in (-1, 0, 59.9, 60, 3600, 86400)] == [
        "0 s",
        "0 s",
        "59 s",
        "1 min 0 s",
        "1 h 0 min",
        "1 d 0 h",
    ]
