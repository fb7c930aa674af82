"""The standing sessions that this user has started on this machine: a file for each.

    records = session_records.read_all()
    records[0].cluster, records[0].supervisor.is_alive()

They lie in one private directory, `/tmp/rayx-UID`, or where RAYX_RUNTIME_DIR says. It is not in
XDG_RUNTIME_DIR, and a standing session's own directory is not there either: that place goes when
the user logs out, and a session that was started by ssh does not.

`rayx start` writes a record when the session serves. The supervisor removes it at the end, but for
a session that it had to give up: then it stays, and a file beside it tells why, until `rayx stop`.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

from rayx import errors
from rayx.records import host_port
from rayx.records.process_identity import ProcessIdentity

VARIABLE = "RAYX_RUNTIME_DIR"
_SUFFIX = ".json"
#: Beside the record: why its session was given up (cpp/daemon/supervision/supervisor.cc).
_ENDED_SUFFIX = ".ended"
_BYTES_MAX = 1 << 16


class SessionRecord(NamedTuple):
    """What others must know to find a standing session."""

    #: "HOST:PORT" of this machine's node. It is the cluster's, unless `head` says another.
    address: str
    session_dir: str
    #: The process that ends all others of the session.
    supervisor: ProcessIdentity
    #: Seconds since the epoch.
    started_at: float
    rayx_version: str
    python_version: str
    #: The absolute path of its cluster's key; empty if it has none.
    key_file: str = ""
    #: "HOST:PORT" of the cluster's head, if the session's node has joined that cluster.
    head: str = ""
    #: Its node talks to others in the clear, and asks them for no key.
    insecure: bool = False

    @property
    def cluster(self) -> str:
        """The "HOST:PORT" that is given to `rayx.init`: of the head."""
        return self.head or self.address

    @property
    def takes_nodes(self) -> bool:
        """Whether nodes can join the cluster there."""
        return not self.head and (self.insecure or bool(self.key_file))

    @property
    def path(self) -> Path:
        """Where the record lies; the session's directory has a name of its own."""
        return path_of(Path(self.session_dir))

    def write(self) -> None:
        """Whole or not at all: its readers do not wait."""
        unfinished = self.path.with_suffix(".new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(unfinished, flags, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask
            json.dump(self._asdict(), file)
        unfinished.rename(self.path)

    def remove(self) -> None:
        """Does nothing if it is gone already."""
        for path in (self.path, _reason_path(self.path)):
            path.unlink(missing_ok=True)

    def why_it_ended(self) -> str:
        """For a session whose supervisor is gone, in words."""
        with contextlib.suppress(OSError):
            words = _read(_reason_path(self.path)).strip()
            if words:
                return words
        return f"its supervisor (pid {self.supervisor.pid}) is gone"


def path_of(session_dir: Path) -> Path:
    """Where the record of the session with that directory lies."""
    return directory() / (session_dir.name + _SUFFIX)


def directory() -> Path:
    """Where the records of this user are, whether it exists or not."""
    told = os.environ.get(VARIABLE)
    return Path(told).absolute() if told else Path(f"/tmp/rayx-{os.geteuid()}")


def make_directory() -> Path:
    """The same, made if it is not there. StartError if it is not ours, or open to others."""
    place = directory()
    try:
        with contextlib.suppress(FileExistsError):
            place.mkdir(0o700)
            place.chmod(0o700)  # whatever the umask
    except OSError as error:
        raise errors.StartError(
            f"the directory for records of sessions cannot be made: {error}. Set {VARIABLE} to a "
            "directory of your own."
        ) from None
    _check(place)
    return place


def read_all() -> list[SessionRecord]:
    """Those of this user, oldest first; what is no record is passed over.

    StartError if the directory is another user's, or open to others.
    """
    place = directory()
    try:
        _check(place)
        paths = [path for path in place.iterdir() if path.suffix == _SUFFIX]
    except FileNotFoundError:
        return []
    found = [record for path in paths if (record := _parse(path)) is not None]
    return sorted(found, key=lambda record: record.started_at)


def named(address: str) -> list[SessionRecord]:
    """Those at "HOST:PORT"; if there are none, those that have joined the cluster there."""
    records = read_all()
    own = [record for record in records if record.address == address]
    return own or [record for record in records if record.cluster == address]


def find(address: str, node_ip_address: str = "") -> SessionRecord | None:
    """The record of the session at "HOST:PORT", or of one that has joined the cluster there.

    Of several, the oldest that lives, that of the address itself first; or else the newest.
    `node_ip_address`, if it is not empty: only with a node of this address.
    """
    found = [
        record
        for record in read_all()
        if address in (record.address, record.cluster)
        and node_ip_address in ("", host_of(record.address))
    ]
    living = [record for record in found if record.supervisor.is_alive()]
    if living:
        return min(living, key=lambda record: record.address != address)
    return found[-1] if found else None


def host_of(address: str) -> str:
    """The host in "HOST:PORT", without brackets."""
    parsed = host_port.parse(address)
    return "" if parsed is None else parsed.host


def _check(place: Path) -> None:
    status = os.lstat(place)
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not is_ours or stat.S_IMODE(status.st_mode) != 0o700:
        raise errors.StartError(
            f"{place}, where the sessions of this user are recorded, is not a private directory of "
            f"this user. Remove it, or set {VARIABLE} to a directory of your own with mode 0700."
        )


def _reason_path(path: Path) -> Path:
    return path.with_name(path.name + _ENDED_SUFFIX)


def _read(path: Path) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(fd, errors="replace") as file:
        return file.read(_BYTES_MAX)


def _parse(path: Path) -> SessionRecord | None:
    try:
        told: dict[str, Any] = json.loads(_read(path))
        told["supervisor"] = ProcessIdentity(*told["supervisor"])
        record = SessionRecord(**told)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    kinds = (str, str, ProcessIdentity, float, str, str, str, str, bool)
    is_record = all(type(value) is kind for value, kind in zip(record, kinds, strict=True))
    is_record = is_record and all(type(value) is int for value in record.supervisor)
    # A record speaks of the session whose name it bears.
    return record if is_record and record.path == path else None
