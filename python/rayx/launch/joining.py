"""Finds a running session of this machine by its address, for a driver that joins it.

    joined = JoinedSession.find("unix:/tmp/rayx-1f…/control-0/redis.sock")
    joined.node_socket

The address is the socket of the session's primary control server; of a standing session, also the
"HOST:PORT" that `rayx start` has printed: by the session's record, this machine's node of the
cluster is found that has its head there. The session's directory is what is looked at: a user who
may not enter it may not join.
"""

from __future__ import annotations

import contextlib
import os
import platform
import pwd
import select
import stat
import time
from pathlib import Path

from rayx import errors
from rayx.launch import machine, session_directory
from rayx.launch.session_facts import CONTROL_SOCKET, ENDING, NODE_ENDING, SessionFacts
from rayx.records import host_port

SCHEME = "unix:"

# The supervisor has written it when the connection to the node breaks, unless the node itself died.
_LAST_WORDS_MS = 1000
_LAST_WORDS_BYTES_MAX = 1 << 16
# While a node is being started again, it is looked for as often.
_LOOK_MS = 10


class JoinedSession:
    """A session that another driver has started, and ends; or a standing one."""

    def __init__(
        self, directory: Path, facts: SessionFacts, ending_fd: int, address: str = ""
    ) -> None:
        self.directory = directory
        self.facts = facts
        #: By which others join it, too.
        self.address = address or SCHEME + str(directory / CONTROL_SOCKET.format(0))
        self._ending_fd = ending_fd
        self._node_ending_fd = -1
        self._supervisor_fd = _open_process(facts.supervisor_pid)
        self._why: str | None = None

    @property
    def node_socket(self) -> Path:
        """Where the node listens."""
        return self.directory / "node.sock"

    @property
    def supervisor_pid(self) -> int:
        """The process that ends with the session."""
        return self.facts.supervisor_pid

    @property
    def keeps_logs(self) -> bool:
        """Whether the output of the processes goes to files."""
        return self.facts.redirect_output

    @property
    def control_servers(self) -> int:
        """How many control servers this machine has of the session."""
        return self.facts.redis_shards + 1 if self.facts.has_control_servers else 0

    @property
    def host(self) -> str:
        """The address by which the session knows this machine."""
        return self.facts.host

    @classmethod
    def find(cls, redis_address: str, node_ip_address: str = "") -> JoinedSession:
        """StartError that says why there is no such session, or why it cannot be joined.

        `node_ip_address`: of the node, if this machine has several of that cluster; empty: any.
        """
        is_socket = redis_address.removeprefix(SCHEME).startswith("/")
        if is_socket:
            place = _place_of_socket(redis_address)
        else:
            place = _place_of_record(redis_address, node_ip_address)
        directory = _checked(redis_address, place)
        facts = SessionFacts.read(directory)
        if facts is None:
            raise _refusal(redis_address, "there is no session, or it has just ended")
        if _feature_version(facts.python_version) != _feature_version(platform.python_version()):
            raise _refusal(
                redis_address,
                f"its workers run Python {facts.python_version}, this process Python "
                f"{platform.python_version()}; start this program with Python "
                f"{_feature_version(facts.python_version)}",
            )
        try:
            ending_fd = os.open(directory / ENDING, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            raise _refusal(redis_address, "there is no session, or it has just ended") from None
        return cls(directory, facts, ending_fd, "" if is_socket else redis_address)

    # ---- the node of a standing session, in whose place another one may come ---------------------

    def note_node(self) -> bool:
        """The node that there is now is the one whose end matters: it is about to be connected to.

        False if there is none now, but will be.
        """
        if not self.facts.is_standing:
            return True
        if self._node_ending_fd >= 0:
            os.close(self._node_ending_fd)
        self._why = None
        self._node_ending_fd = -1
        with contextlib.suppress(OSError):  # in the midst of a start
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._node_ending_fd = os.open(self.directory / NODE_ENDING, flags)
        return not self.is_node_away()

    def is_node_away(self) -> bool:
        """Whether the node of a standing session has died, and will be there again."""
        if not self.facts.is_standing or self._has_supervisor_ended(0) or _words(self._ending_fd):
            return False
        has_died = self._node_ending_fd < 0 or bool(_words(self._node_ending_fd))
        return has_died or not self.node_socket.exists()

    def pause(self) -> None:
        """Lets a hundredth of a second pass, while the node is away."""
        self._has_supervisor_ended(_LOOK_MS)

    # ---- why something has ended -----------------------------------------------------------------

    def refusal(self, reason: str) -> errors.StartError:
        """What to raise if the node cannot be connected to."""
        why = self.why_it_ended()
        return _refusal(self.address, f"{reason}: {why}" if why else reason)

    def why_it_ended(self) -> str:
        """What the supervisor says of the end of the session or of its node; "" if it says nothing.

        Asked for when the connection to the node is lost.
        """
        if self._why is None:
            self._why = self._read_ending()
        return self._why

    def _read_ending(self) -> str:
        if self._ending_fd < 0:
            return ""
        deadline = time.monotonic() + _LAST_WORDS_MS / 1000
        while True:
            has_ended = self._has_supervisor_ended(_LOOK_MS)
            is_late = time.monotonic() >= deadline
            words = _words(self._ending_fd)
            if not words and has_ended:
                words = f"its supervisor (pid {self.supervisor_pid}) is gone"
            # The files of a session are gone when its supervisor is.
            if words and (has_ended or is_late):
                return f"the session that this driver had joined has ended: {words}"
            node_words = "" if words else _words(self._node_ending_fd)
            if node_words:
                return (
                    "the session goes on and starts another node, which rayx.shutdown() and "
                    f"another rayx.init(redis_address={self.address!r}) join: {node_words}"
                )
            if is_late:
                return ""

    def _has_supervisor_ended(self, timeout_ms: int) -> bool:
        if self._supervisor_fd < 0:
            # An old kernel, or it was gone before: all that can be done is to wait for its words.
            select.poll().poll(timeout_ms)
            return False
        poll = select.poll()
        poll.register(self._supervisor_fd, select.POLLIN)
        return bool(poll.poll(timeout_ms))

    def stop(self) -> None:
        """Lets go of the session, which goes on. A second call does nothing."""
        for fd in (self._ending_fd, self._node_ending_fd, self._supervisor_fd):
            if fd >= 0:
                os.close(fd)
        self._ending_fd = self._node_ending_fd = self._supervisor_fd = -1

    def abandon(self) -> None:
        """In a fork: the same."""
        self.stop()


def _place_of_socket(redis_address: str) -> Path:
    """The directory of the session whose control server listens there."""
    socket = Path(redis_address.removeprefix(SCHEME))
    directory = socket.parent.parent
    if not directory.name.startswith(session_directory.PREFIX) or str(
        socket.relative_to(directory)
    ) != CONTROL_SOCKET.format(0):
        raise _refusal(redis_address, "it is not the address of the control server of a session")
    return directory


def _place_of_record(redis_address: str, node_ip_address: str) -> Path:
    """The directory of this user's standing session at "HOST:PORT", or in the cluster there."""
    from rayx.records import session_records  # which most sessions do not need

    addresses = _addresses(redis_address)
    found = [session_records.find(address, node_ip_address) for address in addresses]
    records = [record for record in found if record is not None]
    living = [record for record in records if record.supervisor.is_alive()]
    if living:
        return Path(living[0].session_dir)
    if records:
        raise _refusal(
            redis_address,
            f"that session has ended: {records[0].why_it_ended()}. "
            f"`{_starting(records[0].cluster)}` starts another",
        )
    others = [other for address in addresses if (other := session_records.find(address))]
    if others:
        raise _refusal(
            redis_address,
            f"this machine's node of it is at {others[0].address}, and none is at node_ip_address="
            f"{node_ip_address!r}",
        )
    raise _refusal(
        redis_address,
        f"no node of it was started by this user on this machine; `{_starting(addresses[0])}` "
        "starts one, and `rayx status` lists those that there are",
    )


def _addresses(redis_address: str) -> list[str]:
    """The same with an address in place of a name; of a name that has several, each."""
    try:
        return host_port.resolved(redis_address)
    except OSError as error:
        raise _refusal(redis_address, f"the name of its machine is not known: {error}") from None


def _starting(address: str) -> str:
    """The command by which this machine has a node of the session or cluster at that address."""
    host, port = host_port.parse(address) or ("", 0)
    if host_port.is_loopback(host):
        return f"rayx start --head --port={port}"
    if host in machine.addresses():
        return f"rayx start --head --node-ip-address={host} --port={port}"
    return f"rayx start --redis-address={address}"


def _checked(redis_address: str, directory: Path) -> Path:
    """The session's directory, which is this user's, and closed to others."""
    try:
        status = os.lstat(directory)
        if stat.S_ISDIR(status.st_mode) and status.st_uid != os.geteuid():
            raise _refusal(redis_address, f"the session belongs to {_user(status.st_uid)}")
        if not stat.S_ISDIR(status.st_mode) or stat.S_IMODE(status.st_mode) != 0o700:
            raise _refusal(redis_address, f"{directory} is not a private directory")
    except PermissionError:
        raise _refusal(redis_address, "it is in a place that is closed to this user") from None
    except (FileNotFoundError, NotADirectoryError):
        raise _refusal(redis_address, "there is no session, or it has ended") from None
    return directory


def _words(fd: int) -> str:
    if fd < 0:
        return ""
    return os.pread(fd, _LAST_WORDS_BYTES_MAX, 0).decode(errors="replace").strip()


def _refusal(redis_address: str, reason: str) -> errors.StartError:
    return errors.StartError(
        f"cannot join the session at redis_address={redis_address!r}: {reason}"
    )


def _user(uid: int) -> str:
    try:
        return f"another user, {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"another user (uid {uid})"


def _feature_version(version: str) -> str:
    """What code must share to be run: "3.11" of "3.11.7"."""
    return ".".join(version.split(".")[:2])


def _open_process(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:  # gone, or an old kernel
        return -1
