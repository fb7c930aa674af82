import os
import signal
import subprocess

import pytest

from rayx.records.process_identity import ProcessIdentity


@pytest.fixture
def process():
    process = subprocess.Popen(["sleep", "100"])
    yield process
    process.kill()
    process.wait()


def test_of_this_process():
    identity = ProcessIdentity.of(os.getpid())
    assert identity.is_alive() and not identity.wait(0)


def test_its_end_is_seen_before_it_is_reaped(process):
    identity = ProcessIdentity.of(process.pid)
    identity.send(signal.SIGTERM)
    assert identity.wait(10)
    assert not identity.is_alive()
    process.wait()
    assert not identity.is_alive() and identity.wait(0)
    identity.send(signal.SIGKILL)
    with pytest.raises(ProcessLookupError):
        ProcessIdentity.of(process.pid)


def test_another_process_with_its_number_is_never_meant(process):
    stale = ProcessIdentity.of(process.pid)._replace(started=1)
    assert not stale.is_alive() and stale.wait(0)
    stale.send(signal.SIGKILL)
    assert process.poll() is None
