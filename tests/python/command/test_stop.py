import pytest

from rayx.command import main as command
from rayx.records import session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord
from rayx.standing import sessions


@pytest.fixture
def stopped(monkeypatch):
    """Sessions that would have been stopped; those of even ports live."""
    calls = []

    def fake(record):
        calls.append(record.address)
        return record.address.endswith("2")

    monkeypatch.setattr(sessions, "stop", fake)
    return calls


def write(*ports):
    for port in ports:
        write_record(port)


def write_record(port, **more):
    SessionRecord(
        f"127.0.0.1:{port}",
        f"/tmp/rayx-{port}",
        ProcessIdentity(port, 1),
        float(port),
        "0",
        "3",
        **more,
    ).write()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    session_records.make_directory()


def test_all_are_stopped_and_named(stopped, capsys):
    write(1, 2)
    assert command.main(["stop"]) == 0
    assert stopped == ["127.0.0.1:1", "127.0.0.1:2"]
    assert capsys.readouterr().out == (
        "The session at 127.0.0.1:1 had ended: its supervisor (pid 1) is gone. Its record is "
        "removed.\nStopped the session at 127.0.0.1:2 (pid 2).\n"
    )


def test_one_is_stopped(stopped):
    write(1, 2)
    assert command.main(["stop", "--address=localhost:2"]) == 0
    assert stopped == ["127.0.0.1:2"]


def test_of_a_cluster_this_machine_s_part_is_stopped(stopped, capsys):
    write(1)
    write_record(2, head="192.0.2.1:6379")
    assert command.main(["stop", "--address=192.0.2.1:6379"]) == 0
    assert stopped == ["127.0.0.1:2"]
    out = capsys.readouterr().out
    assert out == "Stopped the node of the cluster 192.0.2.1:6379 at 127.0.0.1:2 (pid 2).\n"


def test_nothing_to_do_is_fine_unless_it_was_named(stopped, capsys):
    assert command.main(["stop"]) == 0
    assert command.main(["stop", "--address=127.0.0.1:3"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "There is no session of yours on this machine.",
        "There is no session of yours at 127.0.0.1:3 on this machine.",
    ]
    assert stopped == []


def test_an_address_that_is_none(stopped, capsys):
    assert command.main(["stop", "--address=here"]) == 2
    assert capsys.readouterr().err.startswith("rayx stop: --address='here' is no address")
