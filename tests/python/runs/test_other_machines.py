"""With a program in the place of ssh, which does what the machine's name says."""

import os
import time

import pytest

import rayx
from rayx.records import cluster_key
from rayx.runs import other_machines
from rayx.runs.host_file import Machine
from rayx.runs.other_machines import OtherMachines

KEY = bytes(range(32))

SSH = """#!/bin/sh
while [ "$1" != -- ]; do shift; done
case $2 in
serves) read key; echo "key $key" >> $0.log; echo "a banner"; echo "ready 192.0.2.8:5000"
        cat > /dev/null; echo "over $3" >> $0.log;;
fails) echo "no such host" >&2; exit 255;;
hangs) echo "still asks"; cat > /dev/null;;
stays) echo "ready 192.0.2.9:5000"; exec tail -f /dev/null
esac
"""


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """Where it logs."""
    path = tmp_path / "ssh"
    path.write_text(SSH)
    path.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "ssh.log"


def others(*names):
    return OtherMachines([Machine(name) for name in names], lambda one: f"for {one.destination}")


def test_a_machine_serves_until_its_input_ends(ssh):
    with others("serves") as started:
        assert started.wait_until_ready(KEY, time.monotonic() + 10) == ["192.0.2.8:5000"]
        assert ssh.read_text() == f"key {cluster_key.text_of(KEY)}\n"
    assert ssh.read_text().endswith("over for serves\n")


def test_what_ssh_has_said_is_told(ssh):
    with others("serves", "fails") as started:
        with pytest.raises(rayx.StartError, match=r"at fails ended with 255(.|\n)*no such host"):
            started.wait_until_ready(KEY, time.monotonic() + 10)
    assert ssh.read_text().endswith("over for serves\n"), "the others end"


def test_who_is_late_is_named(ssh):
    with others("hangs") as started:
        with pytest.raises(rayx.StartError, match=r"at hangs does not serve yet(.|\n)*still asks"):
            started.wait_until_ready(KEY, time.monotonic() + 0.5)


def test_who_does_not_end_is_cut_off(ssh, monkeypatch):
    monkeypatch.setattr(other_machines, "_END_SECONDS_MAX", 0.2)
    with others("stays") as started:
        started.wait_until_ready(KEY, time.monotonic() + 10)
        began = time.monotonic()
    assert time.monotonic() - began < 10


def test_no_ssh(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with others("any") as started, pytest.raises(rayx.StartError, match="ssh cannot be run"):
        started.wait_until_ready(KEY, time.monotonic() + 10)


def test_a_shell_reads_words_as_they_are():
    assert other_machines.shell_line(["a b", "--x={}"]) == "exec 'a b' '--x={}'"
