import socket

import pytest

from rayx.runs import host_file
from rayx.runs.host_file import Machine, is_here


def read(tmp_path, text):
    path = tmp_path / "hosts"
    path.write_text(text)
    return host_file.read(path)


def test_a_machine_is_a_line(tmp_path):
    text = "# all of them\n192.0.2.8\n\n  me@big slots=16  # with disks\n[2001:db8::7]\n"
    assert read(tmp_path, text) == [
        Machine("192.0.2.8"),
        Machine("me@big", 16),
        Machine("[2001:db8::7]"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no machine"),
        ("# none\n", "names no machine"),
        ("a\nb\na\n", "line 3: a is named before"),
        ("a cpus=3\n", "line 1: 'cpus=3' is not understood"),
        ("a slots=0\n", "line 1: 'slots=0'"),
        ("a\n-oProxyCommand=x\n", "line 2: '-oProxyCommand=x' is no host"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path, text, told):
    with pytest.raises(ValueError, match=told):
        read(tmp_path, text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        host_file.read(tmp_path / "missing")


def test_the_host_of_a_machine():
    assert Machine("me@192.0.2.8").host == "192.0.2.8"
    assert Machine("big").host == "big"


def test_which_machine_is_this_one():
    own = ["127.0.0.1", "192.0.2.7"]
    assert is_here(Machine("me@192.0.2.7"), own)
    assert is_here(Machine("localhost"), own)
    assert is_here(Machine(socket.gethostname()), own)
    assert not is_here(Machine("192.0.2.8"), own)
    assert not is_here(Machine("no-such-host.invalid"), own)
