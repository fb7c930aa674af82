from argparse import Namespace

import pytest

import rayx
from rayx.command import reach
from rayx.launch.processes import Standing
from rayx.records import cluster_key, host_port, session_records
from rayx.records.host_port import HostPort
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord

HEAD = HostPort("192.0.2.1", 6379)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    session_records.make_directory()
    return tmp_path


def typed(**given):
    names = ["head", "redis_address", "redis_port", "num_redis_shards", "key_file"]
    options = dict.fromkeys(names) | {"insecure": False, "insecure_network": False}
    options |= {"grace": None, "lifetime": None}
    return Namespace(**options | given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "say --head, to begin"),
        ({"head": True, "redis_address": "h:1"}, "--head and --redis-address contradict"),
        ({"redis_address": "h:1", "redis_port": "1"}, "--redis-port is the head's to say"),
        ({"redis_address": "h:1", "num_redis_shards": "1"}, "--num-redis-shards is the head's"),
        ({"head": True, "insecure": True, "key_file": "k"}, "--insecure and --key-file"),
        ({"head": True, "insecure_network": True}, "means nothing without --insecure"),
        ({"head": True, "grace": "30"}, "--grace is of a node that joins a cluster"),
        ({"head": True, "lifetime": "4h"}, "--lifetime is of a node that joins a cluster"),
    ],
)
def test_contradictions(given, said):
    with pytest.raises(ValueError, match=said):
        reach.refuse_contradictions(typed(**given))


def test_a_head_is_found_by_its_name(monkeypatch):
    def own(address):
        if address == "2001:db8::1":
            raise OSError(101, "Network is unreachable")
        return "192.0.2.7"

    monkeypatch.setattr(host_port, "own_address_towards", own)
    found = ["2001:db8::1", "192.0.2.1"]
    monkeypatch.setattr(host_port, "addresses_of", lambda host: found)
    assert reach.head_to_join("head:6379") == (HEAD, "192.0.2.7")
    found.pop()
    with pytest.raises(rayx.StartError, match="no way from this machine to 2001:db8::1: .*unreach"):
        reach.head_to_join("head:6379")


def test_a_head_that_cannot_be_one(monkeypatch):
    with pytest.raises(ValueError, match="--redis-address='2001:db8::1:6379' is no address of a"):
        reach.head_to_join("2001:db8::1:6379")

    def fail(host):
        raise OSError("Name or service not known")

    monkeypatch.setattr(host_port, "addresses_of", fail)
    with pytest.raises(rayx.StartError, match="--redis-address=head:1: the name 'head' is not kn"):
        reach.head_to_join("head:1")


def test_a_node_that_others_could_not_reach():
    with pytest.raises(ValueError, match="--node-ip-address=127.0.0.1 cannot be reached by"):
        reach.of(typed(redis_address="x"), "127.0.0.1", 0, HEAD)


@pytest.mark.parametrize("kind", ["alone", "with a key", "gone"])
def test_a_session_of_this_machine_that_takes_no_nodes(kind, place):
    head = HostPort("127.0.0.1", 6379)
    path = place / "keys" / "key"
    cluster_key.make(path)
    import os

    supervisor = ProcessIdentity(1, 1) if kind == "gone" else ProcessIdentity.of(os.getpid())
    key = str(path) if kind == "with a key" else ""
    SessionRecord(str(head), "/tmp/rayx-1", supervisor, 1.0, "0", "3", key).write()
    options = typed(redis_address="x", key_file=str(path))
    if kind == "alone":
        with pytest.raises(rayx.StartError, match="127.0.0.1:6379 serves programs of this machine"):
            reach.of(options, "127.0.0.1", 0, head)
    else:
        expected = Standing("127.0.0.1", 0, str(path), "127.0.0.1:6379")
        assert reach.of(options, "127.0.0.1", 0, head) == expected


def test_a_key_that_is_not_safe_joins_nothing(place):
    path = cluster_key.default_path()
    cluster_key.make(path)
    path.chmod(0o644)
    with pytest.raises(rayx.StartError, match="`chmod 600"):
        reach.of(typed(redis_address="x"), "192.0.2.7", 0, HEAD)


def test_where_a_key_comes_from(place):
    lines = reach.copying(cluster_key.default_path(), "2001:db8::1", place / "k")
    assert lines == [
        "mkdir -p -m 700 ~/.rayx",
        f"scp -p {reach.user()}@[2001:db8::1]:{place}/k ~/.rayx/cluster.key",
    ]
    lines = reach.copying(place / "own" / "k", "head", place / "k")
    assert lines[0] == f"mkdir -p -m 700 {place}/own"
    assert lines[1].endswith(f"@head:{place}/k {place}/own/k")
