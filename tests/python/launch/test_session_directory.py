import os

import pytest

import rayx
from rayx.launch import session_directory


@pytest.fixture(autouse=True)
def places(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def short(monkeypatch):
    """A directory with a path short enough, which pytest's need not be."""
    import shutil
    import tempfile

    path = tempfile.mkdtemp(dir="/tmp", prefix="t")
    yield path
    shutil.rmtree(path)


def make(directory):
    """As the supervisor does."""
    os.mkdir(directory, 0o700)
    return directory


def test_what_was_made_can_be_removed(short, monkeypatch):
    monkeypatch.setenv("TMPDIR", short)
    directory = make(session_directory.choose())
    assert str(directory).startswith(f"{short}/rayx-")
    session_directory.remove(directory)
    assert not directory.exists()


def test_names_differ(short, monkeypatch):
    monkeypatch.setenv("TMPDIR", short)
    directories = {session_directory.choose() for _ in range(10)}
    assert len(directories) == 10


def test_the_runtime_directory_comes_first(short, monkeypatch):
    os.mkdir(f"{short}/run", 0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"{short}/run")
    assert session_directory.choose().parent.name == "run"
    assert session_directory.choose(outlives_login=True).parent.name != "run"


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o750])
def test_a_runtime_directory_open_to_others_is_not_used(short, monkeypatch, mode):
    os.mkdir(f"{short}/run")
    os.chmod(f"{short}/run", mode)
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"{short}/run")
    monkeypatch.setenv("TMPDIR", short)
    directory = session_directory.choose()
    assert directory.parent.name != "run"
    session_directory.remove(directory)


def test_a_link_is_not_followed(short, monkeypatch):
    os.mkdir(f"{short}/real", 0o700)
    os.symlink(f"{short}/real", f"{short}/run")
    monkeypatch.setenv("XDG_RUNTIME_DIR", f"{short}/run")
    monkeypatch.setenv("TMPDIR", short)
    assert session_directory.choose().parent.name != "run"


def test_a_path_too_long_for_sockets_is_not_used(monkeypatch, tmp_path):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    directory = session_directory.choose()
    assert directory.parent in map(type(directory), ("/tmp", "/var/tmp"))
    session_directory.remove(directory)


def test_without_any_place_the_error_lists_all(monkeypatch, short):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("TMPDIR", "relative")
    with pytest.raises(rayx.StartError, match=r"relative \(not an absolute path\), /tmp \(not wr"):
        session_directory.choose()


@pytest.mark.parametrize("place", ["missing", "file"])
def test_a_place_that_is_no_directory_is_not_used(short, monkeypatch, place):
    open(f"{short}/file", "w").close()
    monkeypatch.setenv("TMPDIR", f"{short}/{place}")
    assert str(session_directory.choose().parent) == "/tmp"


def test_removes_nothing_else(tmp_path):
    (tmp_path / "mine").mkdir(0o700)
    session_directory.remove(tmp_path / "mine")
    assert (tmp_path / "mine").exists()
    session_directory.remove(tmp_path / "rayx-gone")


def test_logs_can_be_kept(short, monkeypatch):
    monkeypatch.setenv("TMPDIR", short)
    directory = make(session_directory.choose())
    for name in ("logs", "control-0"):
        (directory / name).mkdir()
        (directory / name / "file").touch()
    (directory / "node.sock").touch()
    session_directory.remove(directory, keep_logs=True)
    assert [path.name for path in directory.iterdir()] == ["logs"]
    assert (directory / "logs" / "file").exists()


def test_the_tail_of_the_logs(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "node.log").write_text("".join(f"line {i}\n" for i in range(100)))
    (tmp_path / "logs" / "empty.log").write_text("")
    tail = session_directory.log_tail(tmp_path, ("first.log", "a\nb\n"), 2)
    assert tail == "first.log:\n  a\n  b\nnode.log:\n  line 98\n  line 99"
