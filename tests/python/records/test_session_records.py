import json
import os
import stat

import pytest

import rayx
from rayx.records import session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    return tmp_path / "run"


def make(name="rayx-1", address="127.0.0.1:1", started_at=1.0, supervisor=None):
    if supervisor is None:
        supervisor = ProcessIdentity.of(os.getpid())
    return SessionRecord(address, f"/tmp/{name}", supervisor, started_at, "0.1.0", "3.11.7")


def test_without_a_directory_there_are_none(place):
    assert session_records.read_all() == []
    assert session_records.find("127.0.0.1:1") is None
    assert not place.exists()


def test_are_read_as_they_were_written_oldest_first(place):
    umask = os.umask(0)
    try:
        session_records.make_directory()
        newer, older = make("rayx-1", started_at=2.0), make("rayx-2", "127.0.0.1:2")
        newer.write()
        older.write()
    finally:
        os.umask(umask)
    assert session_records.read_all() == [older, newer]
    assert session_records.find("127.0.0.1:2") == older
    assert session_records.find("127.0.0.1:3") is None
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    older.remove()
    older.remove()
    assert session_records.read_all() == [newer]


def test_of_two_at_an_address_the_one_that_lives_is_found():
    session_records.make_directory()
    dead = make("rayx-1", started_at=2.0, supervisor=ProcessIdentity(os.getpid(), 1))
    dead.write()
    assert session_records.find("127.0.0.1:1") == dead
    living = make("rayx-2", started_at=1.0)
    living.write()
    assert session_records.find("127.0.0.1:1") == living


def test_nodes_of_a_cluster_are_found_by_its_head():
    session_records.make_directory()
    head = make("rayx-1", "192.0.2.7:1", started_at=3.0)._replace(key_file="/key")
    first = make("rayx-2", "192.0.2.7:2", started_at=1.0)._replace(head=head.address)
    second = make("rayx-3", "[2001:db8::7]:2", started_at=2.0)._replace(head=head.address)
    for record in (first, second):
        record.write()
    assert (head.cluster, first.cluster) == (head.address, head.address)
    assert (head.takes_nodes, first.takes_nodes, make().takes_nodes) == (True, False, False)
    assert session_records.find(head.address) == first
    assert session_records.find(head.address, "2001:db8::7") == second
    assert session_records.find(second.address) == second
    assert session_records.find(head.address, "192.0.2.8") is None
    assert session_records.named(head.address) == [first, second]
    head.write()
    assert session_records.find(head.address) == head
    assert session_records.find(head.address, "2001:db8::7") == second
    assert session_records.named(head.address) == [head]
    assert session_records.named(second.address) == [second]


def test_why_it_ended(place):
    session_records.make_directory()
    record = make()
    record.write()
    assert record.why_it_ended() == f"its supervisor (pid {os.getpid()}) is gone"
    (place / "rayx-1.json.ended").write_text("it had to be given up\n")
    assert record.why_it_ended() == "it had to be given up"
    assert session_records.read_all() == [record]
    record.remove()
    assert list(place.iterdir()) == []


GOOD = {
    "address": "127.0.0.1:1",
    "session_dir": "/tmp/rayx-1",
    "supervisor": [1, 2],
    "started_at": 1.0,
    "rayx_version": "0.1.0",
    "python_version": "3.11.7",
}


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        GOOD | {"supervisor": [1]},
        GOOD | {"supervisor": 1},
        GOOD | {"supervisor": ["1", 2]},
        GOOD | {"address": 1},
        GOOD | {"more": 1},
        GOOD | {"head": 1},
        GOOD | {"insecure": 1},
        GOOD | {"session_dir": "/tmp/rayx-2"},  # whose record lies elsewhere
    ],
)
def test_what_is_no_record_is_passed_over(place, told):
    session_records.make_directory()
    (place / "rayx-1.json").write_text(json.dumps(told))
    assert session_records.read_all() == []


def test_a_good_one_is_not_passed_over_and_a_link_is(place, tmp_path):
    session_records.make_directory()
    (tmp_path / "elsewhere").write_text(json.dumps(GOOD))
    (place / "rayx-1.json").symlink_to(tmp_path / "elsewhere")
    assert session_records.read_all() == []
    (place / "rayx-1.json").unlink()
    (place / "rayx-1.json").write_text(json.dumps(GOOD))
    assert [record.address for record in session_records.read_all()] == ["127.0.0.1:1"]


@pytest.mark.parametrize("kind", ["open to others", "a file", "a link"])
def test_a_directory_that_is_not_private_is_refused(place, tmp_path, kind):
    if kind == "open to others":
        place.mkdir()
        place.chmod(0o770)
    elif kind == "a file":
        place.touch(0o700)
    else:
        (tmp_path / "real").mkdir(0o700)
        place.symlink_to(tmp_path / "real")
    for call in (session_records.make_directory, session_records.read_all):
        with pytest.raises(rayx.StartError, match="is not a private directory of this user"):
            call()


def test_of_another_user(place, monkeypatch):
    session_records.make_directory()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 12345)
    with pytest.raises(rayx.StartError, match="is not a private directory of this user"):
        session_records.read_all()


def test_a_directory_that_cannot_be_made(tmp_path, monkeypatch):
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "missing" / "run"))
    with pytest.raises(rayx.StartError, match="cannot be made.*Set RAYX_RUNTIME_DIR"):
        session_records.make_directory()


def test_where_they_are_by_default(monkeypatch):
    monkeypatch.delenv(session_records.VARIABLE)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    assert str(session_records.directory()) == f"/tmp/rayx-{os.geteuid()}"
