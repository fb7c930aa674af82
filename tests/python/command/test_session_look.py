import os

import pytest

from rayx.command import session_look
from rayx.records import session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord


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
