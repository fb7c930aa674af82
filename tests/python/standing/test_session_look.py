import os

import pytest

from rayx._raylet import RESOURCE_UNITS_PER_ONE, RayletError
from rayx.records import session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord
from rayx.standing import session_look


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    session_records.make_directory()
    directory = tmp_path / "rayx-1"
    directory.mkdir(0o700)
    (directory / "node-ending").touch()
    supervisor = ProcessIdentity.of(os.getpid())
    return SessionRecord("127.0.0.1:1", str(directory), supervisor, 1.0, "0.1.0", "3.11.7")


def test_one_that_has_ended(record):
    record = record._replace(supervisor=ProcessIdentity(os.getpid(), 1))
    seen = session_look.look(record)
    assert seen["state"] == session_look.ENDED
    assert seen["why"] == f"its supervisor (pid {os.getpid()}) is gone"
    assert seen["address"] == "127.0.0.1:1"
    assert "nodes" not in seen


def test_one_whose_node_is_being_started_again(record):
    seen = session_look.look(record)
    assert seen["state"] == session_look.RESTARTING
    assert "No such file" in seen["why"]
    with open(f"{record.session_dir}/node-ending", "w") as file:
        file.write("the node daemon (pid 3) was killed\n")
    assert session_look.look(record)["why"] == "the node daemon (pid 3) was killed"


def test_one_whose_node_does_not_answer(record):
    open(f"{record.session_dir}/node.sock", "w").close()
    seen = session_look.look(record)
    assert seen["state"] == session_look.UNKNOWN
    assert "refused" in seen["why"]


class Observer:
    """The client of somebody who looks, and what its node answers."""

    def __init__(self):
        self.tables = True
        self.other_answers = False
        self.closed = False

    def ask(self, question, fields, timeout_ms):
        if "node" in fields and not self.other_answers:
            raise RayletError("Unavailable", "it cannot be asked")
        if question == "Node" and "node" in fields:
            return {"node_id": fields["node"], "host": "192.0.2.8", "has_tables": 1}
        if question == "Node":
            return {"node_id": b"a" * 16, "host": "192.0.2.7", "has_tables": 1}
        cpus = [{"name": "CPU", "units": RESOURCE_UNITS_PER_ONE}]
        if question == "Resources":
            return {"total": cpus, "available": []}
        assert question == "Nodes"
        if not self.tables:
            raise RayletError("TimedOut", "no answer")
        other = {
            "host": "192.0.2.8",
            "port": 7,
            "pid": 3,
            "alive": 1,
            "total": cpus,
            "pool_bytes": 4,
        }
        other |= {"started_at": 1.0, "heartbeat_at": 2.0}
        return {"nodes": [other | {"node_id": id * 16} for id in (b"a", b"b")]}

    def close(self):
        self.closed = True


@pytest.fixture
def observer(monkeypatch):
    observer = Observer()

    class Clients:
        connect_observer = staticmethod(lambda *arguments: observer)

    monkeypatch.setattr(session_look, "Client", Clients)
    return observer


def test_one_that_serves(record, observer):
    seen = session_look.look(record)
    assert seen["state"] == session_look.SERVING and seen["cluster"] == "127.0.0.1:1"
    (node,) = seen["nodes"]
    assert node["node_id"] == "61" * 16 and node["alive"] and node["has_tables"]
    assert node["resources"] == {"CPU": {"total": 1.0, "available": 0.0}}
    assert observer.closed


def test_all_nodes_of_a_cluster(record, observer):
    member = record._replace(head="192.0.2.1:6379")
    seen = session_look.look(member)
    assert seen["cluster"] == "192.0.2.1:6379" and not seen["insecure"]
    own, other = seen["nodes"]
    assert own["node_id"] == "61" * 16
    assert other == {
        "node_id": "62" * 16,
        "host": "192.0.2.8",
        "port": 7,
        "pid": 3,
        "alive": True,
        "started_at": 1.0,
        "heartbeat_at": 2.0,
        "pool_bytes": 4,
        "resources": {"CPU": {"total": 1.0}},
        "why": "it cannot be asked",
    }
    observer.other_answers = True
    assert session_look.look(member)["nodes"][1] == {
        "node_id": "62" * 16,
        "host": "192.0.2.8",
        "port": 7,
        "has_tables": True,
        "alive": True,
        "resources": {"CPU": {"total": 1.0, "available": 0.0}},
    }
    observer.tables = False
    seen = session_look.look(record._replace(insecure=True))
    assert seen["state"] == session_look.SERVING and len(seen["nodes"]) == 1
