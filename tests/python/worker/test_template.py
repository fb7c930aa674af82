import errno
import os
import random
import signal
import subprocess
import sys
import types

import pytest

from rayx.process import thread_limits
from rayx.worker import template as worker_template


class Channel:
    """A node that asks for forks from a list, and goes away when all children have ended."""

    def __init__(self, requests):
        self.requests = requests
        self.read, self.write = os.pipe()
        os.write(self.write, b"x")
        self.ready, self.forked, self.exited = [], [], []
        self.expected = len(requests)

    def fileno(self):
        return self.read

    def report_ready(self, pid):
        self.ready.append(pid)

    def next_request(self):
        if self.requests:
            return self.requests.pop(0)
        if len(self.exited) + sum(pid < 0 for _, pid, _ in self.forked) >= self.expected:
            from fake_node import failure

            raise failure("Disconnected")
        return None

    def report_forked(self, number, pid, error_number):
        self.forked.append((number, pid, error_number))

    def report_exited(self, pid, status):
        self.exited.append((pid, status))

    def abandon(self):
        os.close(self.read)
        os.close(self.write)


@pytest.fixture(autouse=True)
def handlers():
    kinds = (signal.SIGINT, signal.SIGCHLD)
    before = [signal.getsignal(kind) for kind in kinds]
    yield
    signal.set_wakeup_fd(-1)
    for kind, handler in zip(kinds, before, strict=True):
        signal.signal(kind, handler)


def serve(run_worker, count=1):
    """Forks `count` workers; returns (channel, what each printed)."""
    pipes = [os.pipe() for _ in range(count)]
    requests = []
    for number, (_, write) in enumerate(pipes):
        fds = [os.open(os.devnull, os.O_RDONLY) for _ in range(2)]
        requests.append((number, fds[0], write, os.dup(write), fds[1]))
    channel = Channel(requests)
    template = worker_template.Template(channel, run_worker)
    try:
        template.serve()
    finally:
        os.close(template._wake_read)
        os.close(template._wake_write)
        channel.abandon()
    printed = []
    for read, _ in pipes:
        with open(read, "rb") as pipe:
            printed.append(pipe.read().decode())
    return channel, printed


def test_forks_and_reaps():
    def work(socket_fd, claim_fd, number):
        os.write(1, f"{number} {os.getpid()} {os.getsid(0)} {os.getppid()}".encode())
        os._exit(number)

    channel, printed = serve(work, count=3)
    assert channel.ready == [os.getpid()]
    assert [number for number, _, _ in channel.forked] == [0, 1, 2]
    pids = [pid for _, pid, _ in channel.forked]
    assert printed == [f"{n} {pid} {pid} {os.getpid()}" for n, pid in enumerate(pids)]
    assert sorted(channel.exited) == sorted((pid, n << 8) for n, pid in enumerate(pids))


def test_a_worker_has_what_it_was_given_and_nothing_of_the_template():
    def work(socket_fd, claim_fd, number):
        open_fds = {int(name) for name in os.listdir("/proc/self/fd")}
        os.fstat(socket_fd), os.fstat(claim_fd)
        stdin = os.readlink("/proc/self/fd/0")
        chld = signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL
        interrupt = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        wakeup = signal.set_wakeup_fd(-1)
        os.write(1, f"{stdin} {chld} {interrupt} {wakeup} {len(open_fds)}".encode())

    _, (told,) = serve(work)
    assert told.startswith("/dev/null True True -1 ")


def test_workers_draw_different_numbers():
    random.seed(5)

    def work(socket_fd, claim_fd, number):
        os.write(1, str(random.random()).encode())

    _, printed = serve(work, count=2)
    assert printed[0] != printed[1]


def test_a_worker_dies_with_its_template():
    import ctypes

    def work(socket_fd, claim_fd, number):
        told = ctypes.c_int()
        ctypes.CDLL(None).prctl(2, ctypes.byref(told))  # PR_GET_PDEATHSIG
        os.write(1, str(told.value).encode())

    _, (told,) = serve(work)
    assert told == str(int(signal.SIGKILL))


def test_a_start_that_fails_is_told_on_stderr():
    def work(socket_fd, claim_fd, number):
        raise RuntimeError("cannot begin")

    channel, (told,) = serve(work)
    assert "RuntimeError: cannot begin" in told
    assert channel.exited[0][1] == 1 << 8


def test_a_fork_that_fails_is_reported(monkeypatch):
    def fork():
        raise OSError(errno.EAGAIN, "no more")

    monkeypatch.setattr(os, "fork", fork)
    channel, printed = serve(lambda *arguments: None)
    assert channel.forked == [(0, -1, errno.EAGAIN)]
    assert printed == [""]


def test_a_signal_that_kills_a_worker_is_reported():
    def work(socket_fd, claim_fd, number):
        os.kill(os.getpid(), signal.SIGKILL)

    channel, _ = serve(work)
    assert os.WTERMSIG(channel.exited[0][1]) == signal.SIGKILL


@pytest.mark.parametrize(
    ("original", "expected"), [("", None), ("/mine", "/mine"), (None, "/ours")]
)
def test_the_driver_s_environment_is_restored(monkeypatch, original, expected):
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.delenv("RAYX_DRIVER_PYTHONPATH", raising=False)
    if original is not None:
        monkeypatch.setenv("RAYX_DRIVER_PYTHONPATH", original)
    worker_template.restore_environment()
    assert os.environ.get("PYTHONPATH") == expected
    assert "RAYX_DRIVER_PYTHONPATH" not in os.environ


@pytest.mark.parametrize("arguments", [[], ["--fd"], ["--fd", "x"], ["3"]])
def test_is_not_for_people(arguments, capsys):
    assert worker_template.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("succeeds", [True, False])
def test_imports_what_it_is_told_to_before_it_serves(monkeypatch, succeeds):
    events = []

    class FakeTemplate:
        def __init__(self, channel):
            events.append(channel)

        def serve(self):
            events.append("serve")

    def template_end(modules, report):
        events.append((modules, report))
        return succeeds

    monkeypatch.setattr(worker_template, "Template", FakeTemplate)
    monkeypatch.setattr(worker_template, "TemplateChannel", lambda fd: fd)
    monkeypatch.setattr("rayx.process.preload.template_end", template_end)
    arguments = ["--preload", "json,ast", "--report", "name", "--fd", "7"]
    assert worker_template.main(arguments) == (0 if succeeds else 1)
    assert events == [(["json", "ast"], "name"), *([7, "serve"] if succeeds else [])]


def test_a_template_has_imported_what_programs_import_late_and_values_refer_to(monkeypatch):
    imported = []
    monkeypatch.setattr(worker_template.importlib, "import_module", imported.append)
    monkeypatch.setattr(worker_template, "TemplateChannel", lambda fd: fd)
    served = types.SimpleNamespace(serve=lambda: imported.append("serve"))
    monkeypatch.setattr(worker_template, "Template", lambda channel: served)
    assert worker_template.main(["--fd", "7"]) == 0
    assert imported == ["rayx.calls.actor", "rayx.waiting.object_stream", "serve"]


def test_a_worker_does_not_import_what_it_seldom_needs():
    seldom = (
        "asyncio array datetime difflib html numpy rayx.calls.batch rayx.calls.worker_setup "
        "rayx.launch.api rayx.launch.start rayx.process.driver_logging rayx.process.preload "
        "rayx.queries rayx.results.batching "
        "rayx.results.cancellation rayx.results.completion rayx.results.mapping "
        "rayx.results.progress_bar rayx.running.stream_run rayx.text.words rayx.values.by_value "
        "rayx.values.pickle_path rayx.values.redefinitions rayx.waiting.patience "
        "rayx.worker.actor_coroutines rayx.worker.actor_threads"
    ).split()
    code = (
        "import sys; before = set(sys.modules); import rayx.worker.template; "
        f"print([m for m in {seldom} if m in sys.modules and m not in before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_when_all_is_quiet_the_template_imports_what_later_workers_need(monkeypatch):
    class Quiet(Channel):
        def __init__(self):
            super().__init__([])
            os.read(self.read, 1)

    channel = Quiet()
    imported = []
    looked = []

    def import_module(name):
        imported.append(name)
        monkeypatch.setitem(sys.modules, name + "_of_this_test", sys)
        os.write(channel.write, b"x")
        raise ImportError(name)  # is of no consequence here

    monkeypatch.setattr(worker_template, "_QUIET_MS", 1)
    monkeypatch.setattr(worker_template.importlib, "import_module", import_module)
    monkeypatch.setattr(thread_limits, "_modules_then", 0)
    monkeypatch.setattr(thread_limits, "_shared_libraries", lambda: looked.append(1) or [])
    template = worker_template.Template(channel, lambda *unused: None)
    try:
        template.serve()
    finally:
        os.close(template._wake_read)
        os.close(template._wake_write)
        channel.abandon()
    assert imported == [*worker_template._FOR_LATER]
    assert looked == [1]
    thread_limits.apply(2, set())
    assert looked == [1], "a worker need not look for libraries: the template has, afterwards"
