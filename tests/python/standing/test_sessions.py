import os
import subprocess
import sys
from pathlib import Path

import pytest

import rayx
from rayx.launch.init_options import InitOptions
from rayx.launch.processes import Standing
from rayx.launch.session_facts import SessionFacts
from rayx.records import session_records
from rayx.records.process_identity import ProcessIdentity
from rayx.records.session_records import SessionRecord
from rayx.standing import sessions


class FakeProcesses:
    port = 5000

    def __init__(self, directory):
        self.directory = directory
        self.supervisor_pid = os.getpid()
        self.events = []
        self.failing = None

    def _do(self, event):
        self.events.append(event)
        if event == self.failing:
            raise rayx.StartError(f"cannot {event}")

    def wait_until_ready(self):
        self._do("ready")

    def keep(self):
        assert len(session_records.read_all()) == 1, "it stands only when it can be found"
        self._do("keep")

    def stop(self):
        self.events.append("stop")


@pytest.fixture
def processes(tmp_path, monkeypatch):
    monkeypatch.setenv(session_records.VARIABLE, str(tmp_path / "run"))
    directory = tmp_path / "rayx-1"
    directory.mkdir(0o700)
    processes = FakeProcesses(directory)

    def launch(options):
        processes.options = options
        return processes

    monkeypatch.setattr(sessions.Processes, "launch", launch)
    return processes


OPTIONS = InitOptions.checked(num_cpus=2, object_store_memory=1 << 20)


def test_starts_and_records(processes, tmp_path):
    record = sessions.start(OPTIONS, Standing("127.0.0.1", 0))
    assert processes.events == ["ready", "keep"]
    assert processes.options.standing == Standing("127.0.0.1", 0)
    assert processes.options.num_cpus == 2
    assert record.address == "127.0.0.1:5000"
    assert record.supervisor == ProcessIdentity.of(os.getpid())
    assert session_records.read_all() == [record]
    assert (record.key_file, record.head, record.insecure) == ("", "", False)
    facts = SessionFacts.read(processes.directory)
    assert facts.is_standing and facts.supervisor_pid == os.getpid()
    assert (facts.host, facts.has_control_servers) == ("127.0.0.1", True)


def test_a_node_that_joins_is_recorded_with_its_cluster(processes):
    where = Standing("2001:db8::7", 0, "/key", "192.0.2.1:6379")
    record = sessions.start(OPTIONS, where)
    assert processes.options.standing == where
    assert (record.address, record.head) == ("[2001:db8::7]:5000", "192.0.2.1:6379")
    assert (record.key_file, record.insecure) == ("/key", False)
    facts = SessionFacts.read(processes.directory)
    assert (facts.host, facts.has_control_servers) == ("2001:db8::7", False)


@pytest.mark.parametrize("failing", ["ready", "keep"])
def test_what_fails_leaves_no_record(processes, failing):
    processes.failing = failing
    with pytest.raises(rayx.StartError, match=f"cannot {failing}"):
        sessions.start(OPTIONS, Standing("127.0.0.1", 0))
    assert processes.events[-1] == "stop"
    assert session_records.read_all() == []


def test_a_second_one_at_an_address_is_refused(processes):
    sessions.start(OPTIONS, Standing("127.0.0.1", 0))
    with pytest.raises(rayx.StartError, match="a session of yours is at 127.0.0.1:5000 already"):
        sessions.start(OPTIONS, Standing("127.0.0.1", 5000))


def test_one_that_has_ended_makes_room(processes, tmp_path):
    stale = SessionRecord("127.0.0.1:5000", "/tmp/rayx-0", ProcessIdentity(1, 1), 1.0, "0", "3")
    session_records.make_directory()
    stale.write()
    assert session_records.read_all() == [stale]
    record = sessions.start(OPTIONS, Standing("127.0.0.1", 5000))
    assert session_records.read_all() == [record]


def start_process(program):
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def record_of(process, directory):
    session_records.make_directory()
    directory.mkdir(0o700, exist_ok=True)
    record = SessionRecord(
        "127.0.0.1:1", str(directory), ProcessIdentity.of(process.pid), 1.0, "0.1.0", "3.11.7"
    )
    record.write()
    return record


def test_stops_gently(processes, tmp_path):
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(7));"
        "print('ready', flush=True); signal.pause()"
    )
    with start_process(program) as process:
        record = record_of(process, tmp_path / "rayx-1")
        assert sessions.stop(record)
        assert process.wait(10) == 7
    assert not Path(record.session_dir).exists()
    assert session_records.read_all() == []
    assert not sessions.stop(record)


def test_stops_by_force_what_does_not_end_and_all_below_it(processes, tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "_STOP_SECONDS_MAX", 0.1)
    program = (
        "import signal, subprocess, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "child = subprocess.Popen(['sleep', '100'], start_new_session=True);"
        "print('ready', flush=True); signal.pause()"
    )
    with start_process(program) as process:
        record = record_of(process, tmp_path / "rayx-1")
        (child,) = sessions._processes_below(record.supervisor)
        assert sessions.stop(record)
        assert process.wait(10) == -9
    assert not child.is_alive()


def test_a_stale_record_ends_nobody(processes, tmp_path):
    with start_process(
        "import time; print('ready', flush=True); time.sleep(100)  # task work"
    ) as process:
        record = record_of(process, tmp_path / "rayx-1")
        stale = record._replace(supervisor=ProcessIdentity(process.pid, 1))
        assert not sessions.stop(stale)
        assert process.poll() is None
        process.kill()
