import os
import socket
import subprocess
import sys
import time

import pytest

import rayx
from rayx.launch import joining, machine, session_facts
from rayx.launch.joining import JoinedSession
from rayx.launch.session_facts import SessionFacts
from rayx.records import session_records
from rayx.records.process_identity import ProcessIdentity

VERSION = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def directory(tmp_path):
    """A session's, as far as one who joins looks at it."""
    directory = tmp_path / "rayx-1"
    directory.mkdir(0o700)
    (directory / session_facts.ENDING).touch()
    return directory


def tell(directory, pid=1, version=VERSION):
    SessionFacts(os.getpid(), pid, version, 1, False).write(directory)
    return f"unix:{directory}/control-0/redis.sock"


@pytest.fixture
def supervisor():
    process = subprocess.Popen(["sleep", "100"])
    yield process
    process.kill()
    process.wait()


def test_is_found_by_its_address(directory):
    address = tell(directory)
    for given in (address, address.removeprefix("unix:")):
        joined = JoinedSession.find(given)
        assert joined.directory == directory
        assert joined.node_socket == directory / "node.sock"
        assert (joined.supervisor_pid, joined.control_servers, joined.keeps_logs) == (1, 2, False)
        assert joined.host == "127.0.0.1"
        joined.stop()
        joined.stop()
        assert joined.why_it_ended() == ""


@pytest.mark.parametrize(
    "path", ["/redis.sock", "/tmp/redis.sock", "/tmp/rayx-1/control-1/redis.sock"]
)
def test_other_sockets_are_no_address(path):
    with pytest.raises(rayx.StartError, match="not the address of the control server"):
        JoinedSession.find(path)


def test_no_session(directory):
    with pytest.raises(rayx.StartError, match="there is no session, or it has ended"):
        JoinedSession.find(f"{directory}2/control-0/redis.sock")
    with pytest.raises(rayx.StartError, match="or it has just ended"):
        JoinedSession.find(f"{directory}/control-0/redis.sock")
    address = tell(directory)
    (directory / session_facts.ENDING).unlink()
    with pytest.raises(rayx.StartError, match="or it has just ended"):
        JoinedSession.find(address)


def test_a_directory_that_others_may_enter(directory):
    address = tell(directory)
    directory.chmod(0o755)
    with pytest.raises(rayx.StartError, match="is not a private directory"):
        JoinedSession.find(address)


def test_a_link_is_not_a_directory(directory, tmp_path):
    tell(directory)
    link = tmp_path / "rayx-2"
    link.symlink_to(directory)
    with pytest.raises(rayx.StartError, match="is not a private directory"):
        JoinedSession.find(f"{link}/control-0/redis.sock")


def test_of_another_user(directory, monkeypatch):
    address = tell(directory)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 12345)
    with pytest.raises(rayx.StartError, match="belongs to another user"):
        JoinedSession.find(address)


def test_another_python(directory):
    with pytest.raises(rayx.StartError, match=r"run Python 3\.1\.4, this process Python 3\.\d+"):
        JoinedSession.find(tell(directory, version="3.1.4"))


def test_why_it_ended(directory, supervisor):
    joined = JoinedSession.find(tell(directory, supervisor.pid))
    (directory / session_facts.ENDING).write_text("somebody wanted it")
    (directory / session_facts.ENDING).rename(directory / "removed")
    supervisor.kill()
    assert joined.why_it_ended().endswith("has ended: somebody wanted it")
    assert "gone: the session that this driver" in str(joined.refusal("gone"))
    joined.stop()
    assert "somebody wanted it" in joined.why_it_ended()


def test_a_supervisor_that_was_killed_says_nothing(directory, supervisor):
    joined = JoinedSession.find(tell(directory, supervisor.pid))
    supervisor.kill()
    assert joined.why_it_ended().endswith(f"its supervisor (pid {supervisor.pid}) is gone")
    joined.stop()


def test_a_session_that_lives_has_not_ended(directory, supervisor, monkeypatch):
    monkeypatch.setattr(joining, "_LAST_WORDS_MS", 1)
    joined = JoinedSession.find(tell(directory, supervisor.pid))
    assert joined.why_it_ended() == ""
    joined.abandon()


# ---- standing sessions ---------------------------------------------------------------------------

ADDRESS = "127.0.0.1:7"


@pytest.fixture
def standing(directory, supervisor, tmp_path, monkeypatch):
    """One without a node as yet, recorded; what a joiner makes of it."""
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    session_records.make_directory()
    SessionFacts(0, supervisor.pid, VERSION, 1, False).write(directory)
    (directory / session_facts.NODE_ENDING).touch()
    identity = ProcessIdentity.of(supervisor.pid)
    session_records.SessionRecord(ADDRESS, str(directory), identity, 1.0, "0", VERSION).write()
    joined = JoinedSession.find(ADDRESS)
    yield joined
    joined.stop()


def test_a_standing_session_is_found_by_its_record(standing, directory):
    assert standing.directory == directory
    assert standing.address == ADDRESS
    by_socket = JoinedSession.find(f"{directory}/control-0/redis.sock")
    assert by_socket.address == f"unix:{directory}/control-0/redis.sock"
    by_socket.stop()


@pytest.mark.parametrize(
    ("address", "command"),
    [
        ("127.0.0.1:8", "rayx start --head --port=8"),
        ("192.0.2.7:8", "rayx start --head --node-ip-address=192.0.2.7 --port=8"),
        ("192.0.2.8:8", "rayx start --redis-address=192.0.2.8:8"),
        ("[2001:db8::8]:8", r"rayx start --redis-address=\[2001:db8::8\]:8"),
    ],
)
def test_without_a_record_the_command_is_named(standing, monkeypatch, address, command):
    monkeypatch.setattr(machine, "addresses", lambda: ["127.0.0.1", "192.0.2.7"])
    with pytest.raises(rayx.StartError, match=f"by this user on this machine; `{command}` starts"):
        JoinedSession.find(address)


def test_a_name_that_is_not_known(standing, monkeypatch):
    def fail(*arguments, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(rayx.StartError, match="the name of its machine is not known: .*Name or"):
        JoinedSession.find("head:7")


# ---- clusters ------------------------------------------------------------------------------------

HEAD = "192.0.2.7:7"


@pytest.fixture
def joined_cluster(standing, directory, supervisor, tmp_path):
    """Two nodes of this machine in one cluster."""
    first = session_records.read_all()[0]._replace(address="192.0.2.8:1", head=HEAD)
    first.write()
    other = tmp_path / "rayx-2"
    other.mkdir(0o700)
    for name in (session_facts.ENDING, session_facts.NODE_ENDING):
        (other / name).touch()
    facts = SessionFacts(0, supervisor.pid, VERSION, 1, False, "192.0.2.9", False)
    facts.write(other)
    second = first._replace(address="192.0.2.9:1", session_dir=str(other), started_at=2.0)
    second.write()
    return directory, other


def test_a_cluster_is_found_by_the_address_of_its_head(joined_cluster, monkeypatch):
    first, second = joined_cluster
    for address, node, place in (
        (HEAD, "", first),
        (HEAD, "192.0.2.8", first),
        (HEAD, "192.0.2.9", second),
        ("192.0.2.9:1", "", second),
    ):
        joined = JoinedSession.find(address, node)
        assert (joined.directory, joined.address) == (place, address)
        joined.stop()
    assert (joined.host, joined.control_servers) == ("192.0.2.9", 0)
    with pytest.raises(rayx.StartError, match="node of it is at 192.0.2.8:1, and none is at node_"):
        JoinedSession.find(HEAD, "192.0.2.10")
    found = [(2, 1, 6, "", (address, 0)) for address in ("192.0.2.6", "192.0.2.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    joined = JoinedSession.find("head:7")
    assert joined.directory == first
    joined.stop()


def test_a_node_that_has_ended_names_the_command_that_starts_another(joined_cluster, supervisor):
    supervisor.kill()
    supervisor.wait()
    with pytest.raises(rayx.StartError, match=f"`rayx start --redis-address={HEAD}` starts"):
        JoinedSession.find(HEAD)


# ---- their ends ----------------------------------------------------------------------------------


def test_one_that_has_ended_tells_why(standing, supervisor):
    supervisor.kill()
    supervisor.wait()
    gone = rf"has ended: its supervisor \(pid {supervisor.pid}\) is gone"
    with pytest.raises(rayx.StartError, match=gone):
        JoinedSession.find(ADDRESS)


def test_a_node_that_is_away_comes_back(standing, directory):
    assert not standing.note_node()
    (directory / "node.sock").touch()
    assert standing.note_node()
    began = time.monotonic()
    standing.pause()
    assert time.monotonic() - began >= 0.005
    (directory / session_facts.NODE_ENDING).write_text("the node daemon (pid 3) was killed")
    assert standing.is_node_away() and not standing.note_node()
    (directory / session_facts.NODE_ENDING).unlink()
    assert not standing.note_node()
    (directory / session_facts.NODE_ENDING).touch()
    assert standing.note_node() and not standing.is_node_away()


def test_a_node_that_will_not_come_back_is_not_waited_for(standing, directory, supervisor):
    (directory / session_facts.ENDING).write_text("it was told to stop")
    assert standing.note_node()
    supervisor.kill()
    supervisor.wait()
    assert not standing.is_node_away()


def test_why_the_node_ended_is_told_once_it_is_known(standing, directory, monkeypatch):
    (directory / "node.sock").touch()
    assert standing.note_node()
    (directory / session_facts.NODE_ENDING).write_text("the node daemon (pid 3) was killed")
    why = standing.why_it_ended()
    assert "goes on and starts another node" in why and why.endswith("(pid 3) was killed")
    assert f"rayx.init(redis_address={ADDRESS!r})" in why
    monkeypatch.setattr(joining, "_LAST_WORDS_MS", 1)
    # Another node, of which nothing bad is known.
    (directory / session_facts.NODE_ENDING).unlink()
    (directory / session_facts.NODE_ENDING).touch()
    assert standing.note_node()
    assert standing.why_it_ended() == ""


def test_the_end_of_the_session_is_told_before_that_of_its_node(standing, directory, supervisor):
    standing.note_node()
    (directory / session_facts.NODE_ENDING).write_text("the node daemon (pid 3) was killed")
    (directory / session_facts.ENDING).write_text("it was told to stop")
    supervisor.kill()
    assert standing.why_it_ended().endswith("has ended: it was told to stop")
