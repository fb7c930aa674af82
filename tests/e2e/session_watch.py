"""What a session leaves in the machine, and programs that have one, for tests that end it by force.

A session is looked for by more than names: by a mark in the environment that all its processes
inherit, by descent, by the inode of its pool, and by its directory in command lines, working
directories, open files and sockets.
"""

import collections
import contextlib
import glob
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid

# Within this time nothing may be left of a session.
GONE_SECONDS = 2.0

MARK = "RAYX_TEST_MARK"

# Comes before each watched program.
PRELUDE = """
import ctypes, json, os, signal, subprocess, sys, threading, time
import rayx

def tell(**facts):
    # One write: print makes two of it where the stream is unbuffered, and what a worker
    # printed may come between them.
    sys.stdout.write(json.dumps(facts) + "\\n")
    sys.stdout.flush()

def init(**options):
    addresses = rayx.init(**({"num_cpus": 2} | options))
    tell(session_dir=addresses["session_dir"], node_socket=addresses["node_socket"],
         supervisor=addresses["supervisor_pid"], node=child(addresses, "rayx-node"),
         control=child(addresses, "valkey-server", "redis-server"))
    return addresses

def child(addresses, *names):
    pid = addresses["supervisor_pid"]
    for number in open(f"/proc/{pid}/task/{pid}/children").read().split():
        if open(f"/proc/{number}/comm").read().strip() in names:
            return int(number)
"""


def poll_until(condition, seconds, what):
    """The first true value of `condition()`; fails the test if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} seconds: {what}")
        threading.Event().wait(0.02)


def note(path, what):
    """Appends a word to a log that several processes write."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, f"{what}\n".encode())
    os.close(fd)


def notes(path):
    """How often each word is in the log."""
    return collections.Counter(read(path).split())


# ---- processes -----------------------------------------------------------------------------------


def read(path):
    """What is in a file of /proc; nothing if the process is gone, or is another's."""
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def link(path):
    """Where a link of /proc leads; nothing if the process is gone."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name: state, parent, group, …"""
    return read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def start_time(pid):
    fields = stat_fields(pid)
    return int(fields[19]) if len(fields) > 19 else None


def descendants(root):
    """All processes below one."""
    children = {}
    for pid in all_pids():
        fields = stat_fields(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(pid)
    found, parents = [], [root]
    while parents:
        below = children.get(parents.pop(), [])
        found += below
        parents += below
    return found


def open_files(pid):
    """Descriptor → what it is open on."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return {}
    return {number: link(f"/proc/{pid}/fd/{number}") for number in numbers}


def session_pids(addresses):
    """The processes of a session, this one included, which is its driver."""
    supervisor = addresses["supervisor_pid"]
    return [supervisor, *descendants(supervisor), os.getpid()]


def pool_inodes(pid):
    """Of the object pools that a process has mapped."""
    maps = read(f"/proc/{pid}/maps")
    return {line.split()[4] for line in maps.splitlines() if "memfd:rayx-pool" in line}


class Traces:
    """All that can be found of the sessions of programs with one mark."""

    def __init__(self, mark):
        self._mark = f"{MARK}={mark}"
        self._processes = {}  # pid → start time
        self._pools = set()
        self._directories = set()
        self._shared_memory = _shared_memory()
        self._place = os.environ.get("TMPDIR", "/tmp")

    def record(self, driver_pid, session_dir):
        """Notes what a live session consists of. Returns its processes."""
        self._directories.add(session_dir)
        self._pools |= pool_inodes(driver_pid)
        assert self._pools, "the driver has no pool"
        pids = descendants(driver_pid)
        for pid in {*pids, *self.marked()} - {driver_pid}:
            begun = start_time(pid)
            if begun is not None:
                self._processes[pid] = begun
        return sorted(self._processes)

    def marked(self):
        """The processes that have the mark in their environment."""
        return [pid for pid in all_pids() if self._mark in read(f"/proc/{pid}/environ")]

    def record_directory(self, session_dir):
        """For a session that is gone already."""
        self._directories.add(session_dir)

    def remaining(self, spare=()):
        """What is there now, as lines for people; `spare` are processes that may stay."""
        found = []
        for pid in all_pids():
            if pid in spare or pid == os.getpid():
                continue
            reason = self._belongs(pid)
            if reason:
                name = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
                state = (stat_fields(pid) or "?")[0]
                found.append(f"process {pid} ({state}, {name[:100]!r}): {reason}")
        for line in read("/proc/net/unix").splitlines():
            if any(directory in line for directory in self._directories):
                found.append(f"socket {line}")
        found += [f"directory {path}" for path in self._directories if os.path.lexists(path)]
        found += [f"file {path}" for path in glob.glob(f"{self._place}/rayx-*")]
        found += [f"shared memory {name}" for name in _shared_memory() - self._shared_memory]
        return found

    def assert_gone(self, spare=(), seconds=GONE_SECONDS, since=None):
        """Fails if something is left after that time (counted from `since`, if given)."""
        deadline = (time.monotonic() if since is None else since) + seconds
        while remaining := self.remaining(spare):
            assert time.monotonic() < deadline, "left behind:\n" + "\n".join(remaining)
            threading.Event().wait(0.02)

    def _belongs(self, pid):
        fields = stat_fields(pid)
        if not fields or (fields[0] == "Z" and fields[1] == "1"):
            return None  # dead, and the system's to be forgotten
        begun = self._processes.get(pid)
        if begun is not None and begun == start_time(pid):
            return "was there before"
        if self._mark in read(f"/proc/{pid}/environ"):
            return "has the mark in its environment"
        if self._pools & pool_inodes(pid):
            return "has the pool mapped"
        named = [read(f"/proc/{pid}/cmdline"), link(f"/proc/{pid}/cwd"), *open_files(pid).values()]
        for directory in self._directories:
            if any(directory in text for text in named):
                return "has to do with the session's directory"
        return None


def _shared_memory():
    if not os.path.isdir("/dev/shm"):
        return set()
    # Semaphores are not ours; multiprocessing makes them, in whatever program runs beside us.
    return {name for name in os.listdir("/dev/shm") if not name.startswith("sem.")}


class Parts:
    """The processes of a live session."""

    def __init__(self, addresses):
        self.supervisor = addresses["supervisor_pid"]
        self.directory = addresses["session_dir"]
        children = {pid: read(f"/proc/{pid}/comm").strip() for pid in self._below(self.supervisor)}
        (self.node,) = (pid for pid, name in children.items() if name == "rayx-node")
        self.control = [pid for pid, name in children.items() if name != "rayx-node"]

    @staticmethod
    def _below(pid):
        return [int(number) for number in read(f"/proc/{pid}/task/{pid}/children").split()]

    def template(self):
        (template,) = (
            p for p in self._below(self.node) if "template" in read(f"/proc/{p}/cmdline")
        )
        return template

    def workers(self):
        return self._below(self.template())

    def zombies(self):
        below = [*descendants(self.supervisor), self.supervisor]
        return [pid for pid in below if (stat_fields(pid) or "?")[0] == "Z"]

    def node_kilobytes(self):
        return int(re.search(r"VmRSS:\s+(\d+)", read(f"/proc/{self.node}/status")).group(1))


# ---- programs ------------------------------------------------------------------------------------


class WatchedDriver:
    """A program with a session, in a process of its own. It tells facts as lines of JSON."""

    def __init__(self, source, directory, *arguments, environment=None, before=(), **options):
        name = uuid.uuid4().hex
        self.traces = Traces(name)
        self._output = os.path.join(directory, f"{name}.out")
        program = os.path.join(directory, f"{name}.py")
        with open(program, "w") as file:
            file.write(PRELUDE + source)
        os.chmod(program, 0o644)
        with open(self._output, "wb") as output:
            self.process = subprocess.Popen(
                [*before, sys.executable, program, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {MARK: name, "PYTHONUNBUFFERED": "1"} | (environment or {}),
                start_new_session=True,
                **options,
            )

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        """All that it has printed."""
        return read(self._output)

    def facts(self):
        """What it has told so far, later facts over earlier ones."""
        told = {}
        for line in self.output().split("\n")[:-1]:
            if line.startswith("{"):
                with contextlib.suppress(ValueError):
                    told |= json.loads(line)
        return told

    def fact(self, name, seconds=20):
        """Waits for it to be told."""

        def told():
            facts = self.facts()
            if name in facts:
                return [facts[name]]
            if self.process.poll() is not None and name not in self.facts():
                raise AssertionError(f"it ended before it told {name}:\n{self.output()}")
            return None

        try:
            return poll_until(told, seconds, name)[0]
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output()}") from None

    def record(self):
        """Notes the session that it has now."""
        return self.traces.record(self.pid, self.fact("session_dir"))

    def wait(self, seconds=10):
        """Its exit code, negative for a signal."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.output()}") from None

    def end(self):
        """Kills it, gives its session the time to go, and then kills what still bears its mark."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        deadline = time.monotonic() + GONE_SECONDS
        while (left := self.traces.marked()) and time.monotonic() < deadline:
            threading.Event().wait(0.02)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def private_memory(pid):
    """What only this process has in memory: whether a core dump has it, and the bytes."""
    mappings = []
    for line in read(f"/proc/{pid}/smaps").splitlines():
        if mapping := re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.p ", line):
            mappings.append((int(mapping[1], 16), int(mapping[2], 16), ""))
        elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            mappings.append((0, 0, ""))  # not of interest
        elif line.startswith("VmFlags:"):
            mappings[-1] = (*mappings[-1][:2], line)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, flags in mappings:
            if begin != end:
                memory.seek(begin)
                yield " dd" not in flags, memory.read(end - begin)
