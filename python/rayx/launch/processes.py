"""Starts the processes of a session, and ends them.

    driver ──lifeline──▶ rayx-supervisor ──▶ control server
                                         ──▶ rayx-node ──▶ worker template ──▶ workers

The lifeline is one end of a socket pair. When it closes, however the driver ended, the supervisor
ends everything below it and removes the session's directory. It also makes the directory: a driver
that is killed at the wrong moment would leave one that it had made itself.

    processes = Processes.start(StartOptions(...))
    processes.stop()
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from rayx import errors
from rayx._raylet import PROCESS_MARK
from rayx.launch import machine, programs, session_directory
from rayx.process import process_mark, session_place

SUPERVISOR_NAME = "rayx-supervisor"
TEMPLATE_MODULE = "rayx.worker.template"

# Finds the template where PYTHONPATH says, for a Python that does not.
_RUN_TEMPLATE = (
    "import os, sys; sys.path[:0] = os.environ['PYTHONPATH'].split(os.pathsep); "
    f"from {TEMPLATE_MODULE} import main; sys.exit(main(sys.argv[1:]))"
)

_START_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 5.0
# The supervisor tells of a death when it sees it, which is at once.
_LAST_WORDS_SECONDS_MAX = 1.0


class Standing(NamedTuple):
    """What makes a session one that belongs to no driver."""

    #: Of this machine, and the port of it that the session holds; 0: one that is free.
    address: str
    port: int
    #: The absolute path of the key that other nodes must have, too; it has been checked. Empty: the
    #: session takes none, unless it is insecure.
    key_file: str = ""
    #: "HOST:PORT" of the head of the cluster to join, with an address for the host; empty: none.
    head: str = ""
    #: Other nodes are asked for no key, and nothing between them is encrypted.
    insecure: bool = False
    #: Of a head: no further nodes will join, so that tasks which none of them could run fail.
    complete: bool = False
    #: Of a node that joins: how long it is drained at most, and when it has left, by the clock of
    #: `time.monotonic`. None: as the daemon has it; and never.
    grace_ms: int | None = None
    leave_at_ms: int | None = None
    #: Of the program with which the session ends after all, as it is never kept; 0: none.
    owner_pid: int = 0


class StartOptions(NamedTuple):
    """What a session is made of."""

    supervisor: Path
    control_server: Path
    redis_shards: int
    num_cpus: float
    num_gpus: float
    resources: Mapping[str, float]
    object_store_bytes: int
    num_workers: int
    redirect_output: bool
    #: The address by which the session knows its node.
    host: str
    #: Where the worker template imports from.
    search_path: Sequence[str]
    #: What it is told beside (see preload.py).
    template_arguments: Sequence[str] = ()
    standing: Standing | None = None


class Processes:
    """The supervisor, and through it all others."""

    def __init__(
        self,
        directory: Path,
        supervisor: subprocess.Popen[bytes],
        lifeline: socket.socket,
        log: BinaryIO,
        keeps_logs: bool = False,
    ) -> None:
        self.directory = directory
        self._supervisor = supervisor
        self._lifeline = lifeline
        self._log = log
        #: Whether the output of the processes goes to files, which stay.
        self.keeps_logs = keeps_logs
        #: That a standing session holds; 0 before it is ready.
        self.port = 0
        # What the supervisor has said beyond the line that was asked for.
        self._unread = b""
        # Reentrant: a finalizer may call rayx while the thread that runs it is in here.
        self._stopping = threading.RLock()
        self._listening = threading.RLock()
        self._last_words: str | None = None

    @property
    def node_socket(self) -> Path:
        """Where the node listens."""
        return self.directory / "node.sock"

    @property
    def supervisor_pid(self) -> int:
        """The process to look at; not to be signalled: closing the lifeline ends it."""
        return self._supervisor.pid

    @classmethod
    def launch(cls, options: StartOptions) -> Processes:
        """Begins to start the processes; `wait_until_ready` must follow."""
        directory = session_directory.choose(outlives_login=options.standing is not None)
        ours, theirs = socket.socketpair()
        log = _open_log()
        try:
            with theirs:
                supervisor = subprocess.Popen(
                    _command(options, directory, theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    env=_environment(options) | {session_place.VARIABLE: str(directory)},
                )
        except BaseException as error:
            ours.close()
            log.close()
            if isinstance(error, OSError):
                raise errors.StartError(f"{options.supervisor} cannot be run: {error}") from error
            raise
        return cls(directory, supervisor, ours, log, options.redirect_output)

    def wait_until_ready(self, timeout_seconds: float = _START_SECONDS_MAX) -> None:
        """Returns when the node listens. StartError, with all ended, if it never does."""
        try:
            answer = self._read_line(time.monotonic() + timeout_seconds)
        except BaseException:
            self.stop()
            raise
        word, _, rest = (answer or "").partition(" ")
        if word == "ready":
            self._log.close()
            self.port = int(rest or 0)
            return
        tail = session_directory.log_tail(self.directory, self._own_log())
        self.stop()
        if word == "refused":
            raise errors.StartError(rest)
        if answer is None:
            reason = f"the node was not ready within {timeout_seconds:g} seconds"
        elif answer.startswith("error "):
            reason = answer.removeprefix("error ")
        else:
            reason = f"{SUPERVISOR_NAME} ended: {_ending(self._supervisor.returncode)}"
        raise errors.StartError(
            f"rayx could not start: {reason}" + (f"\nIts logs end with\n{tail}" if tail else "")
        )

    def keep(self, timeout_seconds: float = _STOP_SECONDS_MAX) -> None:
        """From now on the session stands, and this process has nothing to do with it.

        StartError if it has ended meanwhile.
        """
        answer: str | None = ""
        with contextlib.suppress(OSError):
            self._lifeline.sendall(b"keep\n")
            answer = self._read_line(time.monotonic() + timeout_seconds)
        if answer != "kept":
            self.stop()
            reason = (answer or "its supervisor has ended").removeprefix("error ")
            raise errors.StartError(f"rayx could not start: {reason}")
        self.abandon()

    def _read_line(self, deadline: float) -> str | None:
        """The supervisor's word; "" if it ended without one, None if time is up."""
        received, self._unread = self._unread, b""
        while not received.endswith(b"\n"):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            self._lifeline.settimeout(remaining)
            try:
                chunk = self._lifeline.recv(65536)
            except TimeoutError:
                return None
            except ConnectionError:
                chunk = b""
            if not chunk:
                break
            received += chunk
        if received.startswith(b"ready"):  # an error may have come right behind it
            received, _, self._unread = received.partition(b"\n")
        return received.decode(errors="replace").strip()

    def why_it_ended(self) -> str:
        """What the supervisor says of the end of a session that nobody has ended; "" if nothing.

        Asked for when the connection to the node is lost.
        """
        with self._listening:
            if self._last_words is None:
                try:
                    answer = self._read_line(time.monotonic() + _LAST_WORDS_SECONDS_MAX)
                except OSError:  # closed by `stop`
                    answer = None
                self._last_words = (answer or "").removeprefix("error ")
            return self._last_words

    def _own_log(self) -> tuple[str, str]:
        """Name and text of what the supervisor wrote."""
        self._log.seek(0)
        return f"{SUPERVISOR_NAME}.log", self._log.read().decode(errors="replace")

    def stop(self, timeout_seconds: float = _STOP_SECONDS_MAX) -> None:
        """Ends everything, and waits for it. A second call does nothing."""
        with self._stopping:
            # Closed in forks of us as well. Fails if the supervisor is gone, or the second time.
            with contextlib.suppress(OSError):
                self._lifeline.shutdown(socket.SHUT_RDWR)
            self._lifeline.close()
            self._log.close()
            if not _wait(self._supervisor, timeout_seconds):
                self._supervisor.kill()
                self._supervisor.wait()
            session_directory.remove(self.directory, self.keeps_logs)

    def abandon(self) -> None:
        """In a fork: lets go of the lifeline, without a word to the supervisor."""
        self._lifeline.close()
        self._log.close()
        # Not our child: there is nothing to wait for, and nothing to complain of.
        self._supervisor.returncode = 0


def _wait(process: subprocess.Popen[bytes], timeout_seconds: float) -> bool:
    """Whether the process has ended within that time.

    Popen.wait looks at growing distances, and so sees an end up to twice as late as it was.
    """
    if process.poll() is not None:  # and its number may be another's by now
        return True
    deadline = time.monotonic() + timeout_seconds
    with contextlib.suppress(OSError):  # an old kernel, or no more descriptors
        end = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(end, select.POLLIN)
            poll.poll(1000 * timeout_seconds)
        finally:
            os.close(end)
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _command(options: StartOptions, directory: Path, lifeline_fd: int) -> list[str]:
    command = [
        str(options.supervisor),
        f"--session-dir={directory}",
        f"--lifeline-fd={lifeline_fd}",
        *_whose(options.standing, directory),
        f"--redis-server={options.control_server}",
        f"--redis-shards={options.redis_shards}",
    ]
    if options.redirect_output:
        command.append("--redirect-output")
    command += ["--", f"--host={options.host}"]
    command += [f"--num-cpus={options.num_cpus:.10g}", f"--num-gpus={options.num_gpus:.10g}"]
    command.append(f"--busy-cpus={machine.busy_cpu_count()}")
    command += [f"--resource={name}={value:.10g}" for name, value in options.resources.items()]
    command += [
        f"--object-store-memory={options.object_store_bytes}",
        f"--num-workers={options.num_workers}",
    ]
    if options.standing is not None and options.standing.grace_ms is not None:
        command.append(f"--drain-grace-ms={options.standing.grace_ms}")
    if options.standing is not None and options.standing.leave_at_ms is not None:
        command.append(f"--leave-at-ms={options.standing.leave_at_ms}")
    # The "=" is needed, since some of these begin with a dash.
    template = [*template_command(), *options.template_arguments]
    return command + [f"--template-arg={argument}" for argument in template]


def _whose(standing: Standing | None, directory: Path) -> list[str]:
    """What the supervisor is told of the driver that it belongs to, or that there is none."""
    if standing is None:
        return [f"--driver-pid={os.getpid()}"]
    from rayx.records import session_records

    told = [
        "--standing",
        f"--address={standing.address}",
        f"--port={standing.port}",
        f"--record={session_records.path_of(directory)}",
    ]
    if standing.key_file:
        told.append(f"--key-file={standing.key_file}")
    if standing.insecure:
        told.append("--insecure")
    if standing.complete:
        told.append("--complete")
    if standing.owner_pid:
        told.append(f"--driver-pid={standing.owner_pid}")
    if standing.head:
        told.append(f"--join={standing.head}")
    if standing.key_file or standing.insecure:
        # What one version of Python pickles, another may not be able to run.
        told.append("--python-version={}.{}".format(*sys.version_info))
    return told


def template_command() -> list[str]:
    """The interpreter as we run it, without the current directory in the way of its imports."""
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    interpreter = str(programs.find_interpreter())
    command = [interpreter, *flags, *([] if "-P" in flags else ["-P"])]
    if sys.flags.ignore_environment:  # -E and -I: Python itself does not look at PYTHONPATH
        return [*command, "-c", _RUN_TEMPLATE]
    return [*command, "-m", TEMPLATE_MODULE]


def _environment(options: StartOptions) -> dict[str, str]:
    """Ours, with a PYTHONPATH that the template takes back when it has found its modules."""
    environment = dict(os.environ)
    environment["RAYX_DRIVER_PYTHONPATH"] = environment.get("PYTHONPATH", "")
    environment["PYTHONPATH"] = os.pathsep.join(options.search_path)
    # The mark may be that of our own driver, if we are a task's child.
    environment[PROCESS_MARK] = process_mark.UNMARKED
    return environment


def _open_log() -> BinaryIO:
    """A file without a name: the session's directory is not there yet."""
    return open(os.memfd_create(f"{SUPERVISOR_NAME}.log", os.MFD_CLOEXEC), "r+b")


def _ending(status: int | None) -> str:
    if status is None:
        return "for an unknown reason"
    return f"exit code {status}" if status >= 0 else f"signal {-status}"
