import pytest

import rayx
from rayx.command import chosen
from rayx.records import host_port, session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord


@pytest.fixture
def records(tmp_path, monkeypatch):
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    session_records.make_directory()
    made = []
    for number, head in enumerate(("", "192.0.2.1:6379")):
        supervisor = ProcessIdentity(1, 1)
        address, place = f"127.0.0.1:{number + 1}", f"/tmp/rayx-{number}"
        record = SessionRecord(address, place, supervisor, float(number), "0", "3", head=head)
        record.write()
        made.append(record)
    return made


def test_all_or_those_at_an_address(records, monkeypatch):
    assert chosen.records(None) == records
    assert chosen.records("localhost:1") == records[:1]
    assert chosen.records("192.0.2.1:6379") == chosen.records("127.0.0.1:2") == records[1:]
    assert chosen.records("192.0.2.2:1") == []
    assert chosen.records("unix:/tmp/rayx-0/control-0/redis.sock") == []
    monkeypatch.setattr(host_port, "addresses_of", lambda host: ["192.0.2.9", "192.0.2.1"])
    assert chosen.records("head:6379") == records[1:]


def test_what_is_no_address(records, monkeypatch):
    with pytest.raises(ValueError, match="--address='here' is no address"):
        chosen.records("here")

    def fail(host):
        raise OSError("Name or service not known")

    monkeypatch.setattr(host_port, "addresses_of", fail)
    with pytest.raises(rayx.StartError, match="--address=head:1: its name is not known: Name or"):
        chosen.records("head:1")
