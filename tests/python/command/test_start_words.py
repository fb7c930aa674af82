import pytest

from rayx.command import start_words
from rayx.launch import machine
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord


@pytest.fixture(autouse=True)
def addresses(monkeypatch):
    found = ["127.0.0.1", "fe80::1", "192.0.2.7"]
    monkeypatch.setattr(machine, "addresses", lambda: found)
    return found


def record(address, **more):
    return SessionRecord(address, "/tmp/rayx-1", ProcessIdentity(1, 1), 1.0, "0", "3", **more)


def test_a_session_of_one_machine_says_how_others_could_reach_it(addresses):
    words = start_words.told(record("127.0.0.1:6379"))
    assert words.startswith("The session serves.")
    assert "an address of this machine in their network, such as 192.0.2.7.\n" in words
    del addresses[1:]
    assert "in their network.\n" in start_words.told(record("127.0.0.1:6379"))


def test_a_head_gives_lines_to_paste():
    words = start_words.told(record("192.0.2.7:6379", key_file="/keys/k"))
    lines = [line.strip() for line in words.splitlines() if line.startswith("    ")]
    assert lines[0] == "mkdir -p -m 700 /keys"
    assert lines[1].startswith("scp -p ") and lines[1].endswith("@192.0.2.7:/keys/k /keys/k")
    assert lines[2:] == [
        "rayx start --redis-address=192.0.2.7:6379 --key-file=/keys/k",
        'rayx.init(redis_address="192.0.2.7:6379")',
    ]
    assert '\nredis_address="192.0.2.7:6379"\n' in words and "\nIts key is /keys/k\n" in words


def test_a_head_for_this_machine_alone_copies_nothing():
    words = start_words.told(record("127.0.0.1:6379", key_file="/keys/k"))
    assert "Other nodes on this machine join it by" in words and "scp" not in words


def test_a_member_names_its_cluster():
    told = record("192.0.2.7:9", key_file="/keys/k", head="192.0.2.1:6379")
    for is_chosen in (False, True):
        words = start_words.told(told, is_chosen)
        assert words.startswith("This machine has joined the cluster at 192.0.2.1:6379")
        assert '    rayx.init(redis_address="192.0.2.1:6379")\n' in words
        assert ("--node-ip-address" in words) == is_chosen
