"""Where the processes of a run find each other: a directory that all of their machines see.

    with Rendezvous(shared, "slurm-77.0") as place:     # the first of them
        place.tell(Meeting("192.0.2.7:6379", key))
        ...
    meeting = Rendezvous(shared, "slurm-77.0").meeting()    # the others; None: nobody is there yet

Only their user can look into it, as it has the key of the cluster. It is gone after the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from rayx import errors
from rayx.records import cluster_key

_FILE = "head"
_BYTES_MAX = 4096


class Meeting(NamedTuple):
    """What the others have to know."""

    #: "HOST:PORT" of the head.
    address: str
    key: bytes


class Rendezvous:
    """Used as a context by the first process alone, which makes the place and removes it."""

    def __init__(self, shared: Path, name: str) -> None:
        self._shared = shared
        self.path = shared / f".rayx-{name}"

    def __enter__(self) -> Rendezvous:
        """StartError if it cannot be made. What a run of that name has left there is removed."""
        try:
            if self.path.is_dir() and self.path.stat().st_uid == os.geteuid():
                shutil.rmtree(self.path)
            self.path.mkdir(0o700)
            self.path.chmod(0o700)  # whatever the umask
        except OSError as error:
            raise errors.StartError(
                f"the nodes cannot meet in {self._shared}: {error}. Name by --rendezvous a "
                "directory that all machines of the run see, and that you may write to"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def tell(self, meeting: Meeting) -> None:
        """Whole or not at all: who looks does not wait."""
        unfinished = self.path / f"{_FILE}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(unfinished, flags, 0o600), "w") as file:
            json.dump({"address": meeting.address, "key": cluster_key.text_of(meeting.key)}, file)
        unfinished.rename(self.path / _FILE)

    def meeting(self) -> Meeting | None:
        """None if there is nothing yet. StartError if others than this user may have made it."""
        # Network file systems remember what was not there; to list the directory has them look.
        with contextlib.suppress(OSError):
            os.listdir(self._shared)
        try:
            owner = self.path.lstat()
            with open(self.path / _FILE) as file:
                text = file.read(_BYTES_MAX)
        except OSError:
            return None
        mode = stat.S_IMODE(owner.st_mode)
        if not stat.S_ISDIR(owner.st_mode) or owner.st_uid != os.geteuid() or mode & 0o077:
            raise errors.StartError(
                f"{self.path} is not yours alone (uid {owner.st_uid}, mode {mode:04o}), so that "
                "others could have this machine run what they like: remove it"
            )
        try:
            told = json.loads(text)
            return Meeting(str(told["address"]), cluster_key.parse(told["key"]))
        except (ValueError, TypeError, KeyError):
            raise errors.StartError(f"{self.path / _FILE} is not what rayx has written") from None
