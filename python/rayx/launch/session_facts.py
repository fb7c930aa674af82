"""What a driver must know of a session to join it: a file in the session's private directory.

>>> SessionFacts.read(Path("/nowhere")) is None
True

The driver that starts a session writes it, once, before `rayx.init` returns to it; of a standing
session, `rayx start` does.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from rayx.records.host_port import LOOPBACK

FILE_NAME = "session.json"
#: Where control servers listen in a session's directory, the primary first
#: (cpp/daemon/supervision/supervisor.cc).
CONTROL_SOCKET = "control-{}/redis.sock"
#: Where the supervisor writes why the session ends, before it ends it.
ENDING = "ending"
#: The same of the node that a standing session has now. Each node has a new file.
NODE_ENDING = "node-ending"
_BYTES_MAX = 1 << 16


class SessionFacts(NamedTuple):
    """Everything that does not change while the session lives."""

    #: The driver that started the session, and whose end is the end of all; 0 if it is a standing
    #: session, which belongs to none.
    owner_pid: int
    #: The process that ends all others.
    supervisor_pid: int
    #: The workers' version: what one version pickles, another may not be able to run.
    python_version: str
    #: Control servers beside the primary one.
    redis_shards: int
    #: What workers print goes to files.
    redirect_output: bool
    #: The address by which the session knows this machine.
    host: str = LOOPBACK
    #: The control servers are here; of a machine that has joined a cluster, they are the head's.
    has_control_servers: bool = True

    @property
    def is_standing(self) -> bool:
        """Whether the session outlives its drivers, and its nodes."""
        return self.owner_pid == 0

    def write(self, directory: Path) -> None:
        """Writes the file whole or not at all: its readers do not wait."""
        unfinished = directory / f".{FILE_NAME}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(unfinished, flags, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask
            json.dump(self._asdict(), file)
        unfinished.rename(directory / FILE_NAME)

    @classmethod
    def read(cls, directory: Path) -> SessionFacts | None:
        """None if there are none, or if they are not what `write` writes."""
        try:
            fd = os.open(directory / FILE_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(fd) as file:
                told: dict[str, Any] = json.loads(file.read(_BYTES_MAX))
            facts = cls(**told)
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return facts if facts._is_well_typed() else None

    def _is_well_typed(self) -> bool:
        types = (int, int, str, int, bool, str, bool)
        return all(type(value) is kind for value, kind in zip(self, types, strict=True))
