import os
from pathlib import Path

import pytest

from rayx.command import key
from rayx.command import main as command
from rayx.records import cluster_key, session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    return tmp_path


def run(capsys, *arguments, exit_code=0):
    assert command.main(["key", *arguments]) == exit_code
    out, err = capsys.readouterr()
    return err if exit_code else out


def test_path(home, capsys):
    assert run(capsys, "path") == f"{home}/.rayx/cluster.key\n"
    assert not (home / ".rayx").exists()
    assert run(capsys, "path", "--key-file=~/k") == f"{home}/k\n"
    assert run(capsys, "path", "--key-file=k") == f"{os.getcwd()}/k\n"
    assert "--key-file must be the path" in run(capsys, "path", "--key-file=", exit_code=2)


def test_show_makes_none(home, capsys):
    assert "there is no key at" in run(capsys, "show", exit_code=1)
    assert not (home / ".rayx").exists()
    cluster_key.make(cluster_key.default_path())
    assert run(capsys, "show") == (home / ".rayx/cluster.key").read_text()


def test_rotate(home, capsys):
    told = run(capsys, "rotate")
    assert told.startswith(f"There is a new key at {home}/.rayx/cluster.key.")
    first = run(capsys, "show")
    assert first.strip() not in told
    run(capsys, "rotate")
    assert run(capsys, "show") != first
    # What is wrong with the old one does not matter.
    cluster_key.default_path().write_text("cut")
    run(capsys, "rotate")
    cluster_key.read(cluster_key.default_path())


def test_rotate_is_refused_while_a_session_uses_the_key(home, capsys):
    path = cluster_key.default_path()
    cluster_key.make(path)
    session_records.make_directory()
    supervisor = ProcessIdentity.of(os.getpid())
    record = SessionRecord(
        "127.0.0.1:1", "/tmp/rayx-1", supervisor, 1.0, "0.1.0", "3.11.7", str(path)
    )
    record.write()
    before = path.read_text()
    (home / "link").symlink_to(".rayx")
    for name in (path, home / "link/cluster.key"):
        told = run(capsys, "rotate", f"--key-file={name}", exit_code=1)
        assert "the session at 127.0.0.1:1 uses the key" in told
        assert "`rayx stop --address=127.0.0.1:1`" in told
    assert path.read_text() == before
    run(capsys, "rotate", f"--key-file={home}/.rayx/other")
    record._replace(supervisor=ProcessIdentity(os.getpid(), 1)).write()
    run(capsys, "rotate")
    assert path.read_text() != before


def test_an_action_must_be_said(capsys):
    with pytest.raises(SystemExit):
        command.main(["key"])
    assert "ACTION" in capsys.readouterr().err


def test_the_path_that_start_records_is_absolute(home):
    assert key.key_path(None) == Path(f"{home}/.rayx/cluster.key")
    assert key.key_path("a/../b") == Path(f"{os.getcwd()}/b")
    with pytest.raises(ValueError, match="must be the path of a file"):
        key.key_path("")
