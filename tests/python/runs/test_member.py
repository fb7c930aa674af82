"""With a node that is a process which only waits."""

import os
import signal
import subprocess
import sys
import threading

import pytest

import rayx
from rayx.records.process_identity import ProcessIdentity
from rayx.runs import member


class FakeNode:
    address = "192.0.2.8:5000"

    def __init__(self, why=""):
        self._process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.record = type("Record", (), {})()
        self.record.supervisor = ProcessIdentity.of(self._process.pid)
        self.why = why
        self.said = []
        self.may_drain = True

    def why_it_ended(self):
        return self.why

    def drain(self):
        self.said.append("drain")
        if not self.may_drain:
            raise rayx.StartError("it is alone")
        threading.Timer(0.1, self.end).start()

    def end(self):
        self._process.communicate(b"\n")

    def stop(self):
        self.said.append("stop")
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()


def terminate():
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()


def test_it_ends_with_its_cluster():
    node = FakeNode("the head has ended the cluster")
    threading.Timer(0.1, node.end).start()
    assert member.serve(node) == 0
    assert node.said == ["stop"]


def test_another_end_is_a_failure(capsys):
    node = FakeNode("its daemon has died")
    threading.Timer(0.1, node.end).start()
    assert member.serve(node) == 1
    assert "192.0.2.8:5000 has ended: its daemon has died" in capsys.readouterr().err


def test_it_ends_with_its_lifeline():
    ours, theirs = os.pipe()
    os.write(theirs, b"rest of the line")
    threading.Timer(0.1, os.close, (theirs,)).start()
    node = FakeNode()
    assert member.serve(node, ours) == 0
    assert node.said == ["stop"]
    os.close(ours)


def test_it_ends_with_the_run(monkeypatch):
    monkeypatch.setattr(member, "_ASK_MS", 10)
    asked = []
    node = FakeNode()
    assert member.serve(node, is_over=lambda: asked.append(1) or len(asked) > 3) == 0
    assert node.said == ["stop"]


@pytest.mark.parametrize("may_drain", [True, False])
def test_sigterm_has_it_drained(may_drain):
    before = signal.getsignal(signal.SIGTERM)
    node = FakeNode()
    node.may_drain = may_drain
    terminate()
    assert member.serve(node) == 0
    assert node.said == ["drain", "stop"]
    assert signal.getsignal(signal.SIGTERM) == before
