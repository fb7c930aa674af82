import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rayx
from rayx.records import cluster_key, session_records

VECTORS = Path(__file__).parents[2] / "golden" / "cluster_keys.txt"
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", "\\0": "\0"}


def vectors():
    for line in VECTORS.read_text().splitlines():
        if not line.startswith("#"):
            text, expected = line.split("\t")
            for written, meant in ESCAPES.items():
                text = text.replace(written, meant)
            yield text, expected


@pytest.mark.parametrize(("text", "expected"), list(vectors()))
def test_the_text_is_what_the_daemons_read(text, expected):
    if set(expected) <= set("0123456789abcdef"):
        key = cluster_key.parse(text)
        assert key.hex() == expected
        assert cluster_key.text_of(key) == text.strip()
    else:
        with pytest.raises(ValueError, match="^its? ") as refused:
            cluster_key.parse(text)
        assert expected in str(refused.value)
        assert text.strip() in ("", "short") or text.strip() not in str(refused.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "private" / "cluster.key"


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.mark.parametrize("umask", [0, 0o777])
def test_is_made_once_and_private_whatever_the_umask(path, umask):
    before = os.umask(umask)
    try:
        assert cluster_key.make(path)
    finally:
        os.umask(before)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert os.listdir(path.parent) == [path.name]
    key = cluster_key.read(path)
    assert len(key) == cluster_key.BYTES
    assert not cluster_key.make(path)
    assert cluster_key.read(path) == key


def test_keys_differ(path, tmp_path):
    cluster_key.make(path)
    key = cluster_key.read(path)
    cluster_key.make(path.with_name("other"))
    assert cluster_key.read(path.with_name("other")) != key
    cluster_key.replace(path)
    assert cluster_key.read(path) != key
    assert sorted(os.listdir(path.parent)) == [path.name, "other"]
    assert mode(path) == 0o600


def test_of_many_that_make_it_at_once_one_does(path):
    path.parent.mkdir(0o700)
    program = (
        "import sys; from pathlib import Path; from rayx.records import cluster_key as keys\n"
        "sys.stdin.readline(); path = Path(sys.argv[1])\n"
        "print(keys.make(path), keys.text_of(keys.read(path)))"
    )
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for maker in makers:
        maker.stdin.write("\n")
        maker.stdin.flush()
    told = [maker.communicate(timeout=60)[0].split() for maker in makers]
    assert sorted(made for made, _ in told) == ["False"] * 5 + ["True"]
    assert {key for _, key in told} == {path.read_text().strip()}
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("call", ["os.link", "os.fsync", "os.fchmod"])
def test_who_dies_while_it_makes_one_leaves_none(path, call, monkeypatch):
    module, name = call.split(".")
    program = (
        "import os, sys; from pathlib import Path; from rayx.records import cluster_key\n"
        f"{module}.{name} = lambda *_: os._exit(7)\n"
        "cluster_key.make(Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == 7
    assert not path.exists()
    (left,) = os.listdir(path.parent)
    assert mode(path.parent / left) == 0o600
    assert cluster_key.make(path)
    # It could be that of a process that is about to finish.
    assert sorted(os.listdir(path.parent)) == [left, path.name]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 100)
    cluster_key.replace(path)
    assert os.listdir(path.parent) == [path.name]


def test_a_full_disk_leaves_none(path):
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(rayx.StartError, match="a key cannot be made at .*: .*File too large"):
            cluster_key.make(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert os.listdir(path.parent) == []


def test_there_is_none(path):
    with pytest.raises(rayx.StartError, match="its directory cannot be looked at"):
        cluster_key.read(path)
    path.parent.mkdir(0o700)
    with pytest.raises(rayx.StartError) as refused:
        cluster_key.read(path)
    assert f"`rayx start --head --key-file={path}` makes one" in str(refused.value)


def spoil(path, how):
    if how == "0644":
        path.chmod(0o644)
    elif how == "group":
        path.chmod(0o620)
    elif how == "link":
        path.rename(path.with_name("real"))
        path.symlink_to("real")
    elif how == "directory":
        path.unlink()
        path.mkdir()
    elif how == "pipe":
        path.unlink()
        os.mkfifo(path, 0o600)
    elif how == "empty":
        path.write_text("")
    elif how == "short":
        path.write_text("12345")
    elif how == "cut":
        path.write_text(path.read_text()[:40])
    elif how == "huge":
        with open(path, "a") as file:
            file.truncate(1 << 40)
    elif how == "0777":
        path.parent.chmod(0o777)
    elif how == "owner":
        os.chown(path, 65534, -1)
    elif how == "owner of the directory":
        os.chown(path.parent, 65534, -1)


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("0644", "open to others (mode 0644). Type `chmod 600 {path}`"),
        ("group", "open to others (mode 0620). Type `chmod 600 {path}`"),
        ("link", "it is a symbolic link. Name the file itself"),
        ("directory", "it is not a file"),
        ("pipe", "it is not a file"),
        ("empty", "it is empty. Copy the head's file again"),
        ("short", "it does not begin with rayx-key-1-"),
        ("cut", "it has 40 characters, and a key has 84: a part is missing"),
        ("huge", "it has 4097 characters, and a key has 84"),
        ("0777", "others can write its directory (mode 0777)"),
        pytest.param("owner", "it belongs to user 65534", marks=ROOT_ONLY),
        pytest.param(
            "owner of the directory", "its directory belongs to user 65534", marks=ROOT_ONLY
        ),
    ],
)
def test_what_is_wrong_is_refused_and_left_as_it_is(path, how, words):
    cluster_key.make(path)
    secret = path.read_text().strip()
    spoil(path, how)
    before = os.lstat(path)
    for call in (cluster_key.read, cluster_key.make):
        with pytest.raises(rayx.StartError) as refused:
            call(path)
        assert words.format(path=path) in str(refused.value)
        assert secret[11:30] not in str(refused.value)
    after = os.lstat(path)
    assert (before.st_ino, before.st_mtime) == (after.st_ino, after.st_mtime)


def test_a_directory_that_cannot_be_made(tmp_path):
    with pytest.raises(rayx.StartError, match="a key cannot be made at"):
        cluster_key.make(tmp_path / "no" / "such" / "cluster.key")


@pytest.fixture
def place(monkeypatch, tmp_path):
    """Where the records are."""
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    return tmp_path / "run"


def test_the_key_is_there_for_as_long_as_nodes_start(place):
    old_mask = os.umask(0o777)
    try:
        with cluster_key.lent(bytes(range(32))) as path:
            assert cluster_key.read(path) == bytes(range(32))
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(old_mask)
    assert list(path.parent.iterdir()) == []
    with pytest.raises(ZeroDivisionError), cluster_key.lent(bytes(range(32))) as path:
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []


def test_keys_that_were_left_go_when_they_are_old(place):
    session_records.make_directory()
    old, new = place / "cluster-0.key", place / "cluster-1.key"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    with cluster_key.lent(bytes(range(32))):
        assert not old.exists()
        assert new.exists()
