"""Finds a running session of this machine by its address, for a driver that joins it.

    joined = JoinedSession.find("unix:/tmp/rayx-1f…/control-0/redis.sock")
    joined.node_socket

The address is the socket of the session's primary control server. The session's directory, two
levels above, is what is looked at: a user who may not enter it may not join.
"""

from __future__ import annotations

import os
import platform
import pwd
import select
import stat
from pathlib import Path

from rayx import errors
from rayx.launch import session_directory
from rayx.launch.session_facts import SessionFacts

#: Where control servers listen in a session's directory, the primary first
#: (cpp/daemon/supervision/supervisor.cc).
CONTROL_SOCKET = "control-{}/redis.sock"
#: Where the supervisor writes why the session ends, before it ends it.
ENDING = "ending"
SCHEME = "unix:"

# The supervisor has written it when the connection to the node breaks, unless the node itself died.
_LAST_WORDS_MS = 1000
_LAST_WORDS_BYTES_MAX = 1 << 16


class JoinedSession:
    """A session that another driver has started, and ends."""

    def __init__(self, directory: Path, facts: SessionFacts, ending_fd: int) -> None:
        self.directory = directory
        self.facts = facts
        self._ending_fd = ending_fd
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
    def redis_shards(self) -> int:
        """Control servers beside the primary one."""
        return self.facts.redis_shards

    @classmethod
    def find(cls, redis_address: str) -> JoinedSession:
        """StartError that says why there is no such session, or why it cannot be joined."""
        directory = _directory(redis_address)
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
        return cls(directory, facts, ending_fd)

    def refusal(self, reason: str) -> errors.StartError:
        """What to raise if the node cannot be connected to."""
        address = SCHEME + str(self.directory / CONTROL_SOCKET.format(0))
        why = self.why_it_ended()
        return _refusal(address, f"{reason}: {why}" if why else reason)

    def why_it_ended(self) -> str:
        """What the supervisor says of the end of the session; "" if it has not ended.

        Asked for when the connection to the node is lost.
        """
        if self._why is None:
            self._why = self._read_ending()
        return self._why

    def _read_ending(self) -> str:
        if self._ending_fd < 0:
            return ""
        has_ended = False
        if self._supervisor_fd >= 0:
            poll = select.poll()
            poll.register(self._supervisor_fd, select.POLLIN)
            has_ended = bool(poll.poll(_LAST_WORDS_MS))
        words = os.pread(self._ending_fd, _LAST_WORDS_BYTES_MAX, 0).decode(errors="replace").strip()
        if not words and has_ended:
            words = f"its supervisor (pid {self.supervisor_pid}) is gone"
        return f"the session that this driver had joined has ended: {words}" if words else ""

    def stop(self) -> None:
        """Lets go of the session, which goes on. A second call does nothing."""
        for fd in (self._ending_fd, self._supervisor_fd):
            if fd >= 0:
                os.close(fd)
        self._ending_fd = self._supervisor_fd = -1

    def abandon(self) -> None:
        """In a fork: the same."""
        self.stop()


def _directory(redis_address: str) -> Path:
    """The session's directory, which is this user's, and closed to others."""
    socket = Path(redis_address.removeprefix(SCHEME))
    directory = socket.parent.parent
    if not directory.name.startswith(session_directory.PREFIX) or str(
        socket.relative_to(directory)
    ) != CONTROL_SOCKET.format(0):
        raise _refusal(redis_address, "it is not the address of the control server of a session")
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
