import os
import subprocess
import sys

import pytest

import rayx
from rayx.launch import joining
from rayx.launch.joining import JoinedSession
from rayx.launch.session_facts import SessionFacts

VERSION = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def directory(tmp_path):
    """A session's, as far as one who joins looks at it."""
    directory = tmp_path / "rayx-1"
    directory.mkdir(0o700)
    (directory / joining.ENDING).touch()
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
        assert (joined.supervisor_pid, joined.redis_shards, joined.keeps_logs) == (1, 1, False)
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
    (directory / joining.ENDING).unlink()
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
    (directory / joining.ENDING).write_text("somebody wanted it")
    (directory / joining.ENDING).rename(directory / "removed")
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
