"""The directory of a session: private, with a name nobody can guess, and short enough for sockets.

>>> directory = create()
>>> remove(directory)
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from rayx import errors

PREFIX = "rayx-"

# A Unix socket's path has at most 107 bytes; the longest name in the directory must fit after it.
_SOCKET_PATH_BYTES_MAX = 107
_NAME_BYTES_MAX = len(PREFIX) + 16
_SOCKET_NAME_BYTES_MAX = 32


def create() -> Path:
    """Makes the directory: mode 0700, ours, not there before."""
    refusals = []
    for parent in _parents():
        reason = _refusal(parent)
        if reason is None:
            try:
                return _create_in(parent)
            except OSError as error:
                reason = error.strerror or str(error)
        refusals.append(f"{parent} ({reason})")
    raise errors.StartError(
        "there is no place for the session's sockets; tried "
        + ", ".join(refusals)
        + ". Set TMPDIR to a directory with a short path that you can write to."
    )


def _parents() -> Iterator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and _is_private(runtime):
        yield Path(runtime)
    for temporary in dict.fromkeys([os.environ.get("TMPDIR") or "/tmp", "/tmp", "/var/tmp"]):
        yield Path(temporary)


def _is_private(path: str) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return is_ours and stat.S_IMODE(status.st_mode) == 0o700


def _refusal(parent: Path) -> str | None:
    if not parent.is_absolute():
        return "not an absolute path"
    length = len(os.fsencode(parent)) + 1 + _NAME_BYTES_MAX + 1 + _SOCKET_NAME_BYTES_MAX
    if length > _SOCKET_PATH_BYTES_MAX:
        return f"its path is {length - _SOCKET_PATH_BYTES_MAX} bytes too long for a socket"
    return None


def _create_in(parent: Path) -> Path:
    while True:
        directory = parent / (PREFIX + os.urandom(8).hex())
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            continue
        break
    os.chmod(directory, 0o700)  # whatever the umask took away
    if not _is_private(str(directory)):
        raise OSError(f"{directory} was made, but is not private")
    return directory


def remove(directory: Path, keep_logs: bool = False) -> None:
    """Removes the directory and what is in it, if it is there."""
    import shutil

    if not directory.name.startswith(PREFIX) or not _is_private(str(directory)):
        return
    if not keep_logs:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for entry in directory.iterdir():
        if entry.is_dir() and entry.name != "logs":
            shutil.rmtree(entry, ignore_errors=True)
        elif not entry.is_dir():
            entry.unlink(missing_ok=True)


def log_tail(directory: Path, lines_max: int = 15) -> str:
    """The last lines of the session's logs, for an error message."""
    parts = []
    for log in [*sorted(directory.glob("*.log")), *sorted((directory / "logs").glob("*"))]:
        try:
            lines = log.read_text(errors="replace").splitlines()[-lines_max:]
        except OSError:
            continue
        if lines:
            parts.append(f"{log.name}:\n" + "\n".join(f"  {line}" for line in lines))
    return "\n".join(parts)
