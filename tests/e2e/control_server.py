"""A control server, as tests speak with it that do it harm: by its own protocol."""

import contextlib
import os
import shutil
import signal
import socket

from session_watch import poll_until

#: May do everything. No server of ours has such a user.
TESTER = "user tester on nopass ~* &* +@all\n"


class ServerError(Exception):
    """The server's answer is an error."""


class Connection:
    """To the server of a standing session with that number, as the user of its node."""

    def __init__(self, session, number=0, user="rayx"):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(f"{session.directory}/control-{number}/redis.sock")
        self._replies = self._socket.makefile("rb")
        password = "x"
        if user == "rayx":
            with open(f"{session.directory}/control.password") as file:
                password = file.read()
        self.ask("AUTH", user, password)

    def ask(self, *words):
        """The answer: text, a number, None or a list."""
        command = [f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]
        self._socket.sendall("".join(command).encode())
        return self._reply()

    def watch(self):
        """Has the server tell of each command that it gets; see `told` and `end_watch`."""
        self.ask("MONITOR")
        self._socket.settimeout(None)

    def told(self):
        """The next line that it tells; empty after `end_watch`."""
        return self._replies.readline().decode(errors="replace")

    def end_watch(self):
        """From another thread than the one that waits."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def _reply(self):
        line = self._replies.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server has closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise ServerError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self._replies.read(size + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        return rest


def admit_tester(session, number=0, *lines):
    """Has the server know a user `tester` from now on; it is killed to be started so.

    `lines`: what else its configuration says from then on.
    """
    with open(f"{session.directory}/control-{number}/redis.conf", "a") as file:
        file.write("".join([TESTER, *lines]))
    kill(session, number)
    serves(session)
    return Connection(session, number, "tester")


def pid_of(session, number):
    """The process that serves; None if none does."""
    place = f"{session.directory}/control-{number}"
    for pid in session.control_servers():
        try:
            if os.readlink(f"/proc/{pid}/cwd") == place:
                return pid
        except OSError:
            continue
    return None


def kill(session, number, while_it_hangs=lambda: None):
    """Kills it, and waits until it is dead. What it was sent while it hung, it has not read."""
    pid = poll_until(lambda: pid_of(session, number), 5, "the control server is there")
    os.kill(pid, signal.SIGSTOP)
    while_it_hangs()
    os.kill(pid, signal.SIGKILL)
    poll_until(lambda: pid_of(session, number) != pid, 5, "it is dead")


@contextlib.contextmanager
def none_started(session):
    """Meanwhile no process of the session is started again."""
    os.kill(session.supervisor, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(session.supervisor, signal.SIGCONT)


def data_of(session, number):
    """Where a server has what it has written."""
    return f"{session.directory}/control-{number}/appendonlydir"


def cut_data(session, number):
    """The last 64 KiB of a dead server are gone, as after a machine's crash; how much there was."""
    place = data_of(session, number)
    (name,) = (name for name in os.listdir(place) if name.endswith(".incr.aof"))
    size = os.path.getsize(f"{place}/{name}")
    os.truncate(f"{place}/{name}", max(0, size - 65536))
    return size


def empty_data(session, number):
    """All that a dead server has written is gone."""
    shutil.rmtree(data_of(session, number))


def out_of_memory(session):
    """The primary takes no more writes. Returns what ends that."""
    tester = admit_tester(session)
    tester.ask("CONFIG", "SET", "maxmemory", "1")
    return lambda: tester.ask("CONFIG", "SET", "maxmemory", "0")


def full_disk(session):
    """The same. A copy that it cannot write is what a server takes for a disk that is full."""
    place = f"{session.directory}/control-0/blocked.rdb"
    os.makedirs(f"{place}/full")
    tester = admit_tester(session, 0, "dbfilename blocked.rdb\n", "save 3600 1000000\n")
    tester.ask("BGSAVE")
    failed = "rdb_last_bgsave_status:err"
    poll_until(lambda: failed in tester.ask("INFO", "persistence"), 5, "it has failed")
    return lambda: tester.ask("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")


def serves(session):
    """Waits until the node is connected to all control servers."""
    poll_until(lambda: session.status()["nodes"][0]["has_tables"], 10, "the node is connected")
