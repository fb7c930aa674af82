"""The directory of a session: private, with a name nobody can guess, and short enough for sockets.

>>> choose().name
'rayx-...'

The supervisor makes it, and removes it.
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


def choose(outlives_login: bool = False) -> Path:
    """A path that is free, in a place where a directory can be made.

    `outlives_login`: not in XDG_RUNTIME_DIR, which goes when the user logs out.
    """
    refusals = []
    for parent in _parents(outlives_login):
        reason = _refusal(parent)
        if reason is None:
            return parent / (PREFIX + os.urandom(8).hex())
        refusals.append(f"{parent} ({reason})")
    raise errors.StartError(
        "there is no place for the session's sockets; tried "
        + ", ".join(refusals)
        + ". Set TMPDIR to a directory with a short path that you can write to."
    )


def _parents(outlives_login: bool) -> Iterator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not outlives_login and runtime and _is_private(runtime):
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
    if not parent.is_dir():
        return "not a directory" if parent.exists() else "it does not exist"
    if not os.access(parent, os.W_OK | os.X_OK):
        return "not writable"
    return None


def remove(directory: Path, keep_logs: bool = False) -> None:
    """Removes the directory and what is in it, if it is there."""
    if not directory.name.startswith(PREFIX) or not _is_private(str(directory)):
        return
    import shutil

    if not keep_logs:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for entry in directory.iterdir():
        if entry.is_dir() and entry.name != "logs":
            shutil.rmtree(entry, ignore_errors=True)
        elif not entry.is_dir():
            entry.unlink(missing_ok=True)


def log_tail(directory: Path, first: tuple[str, str], lines_max: int = 15) -> str:
    """The last lines of the session's logs, for an error message. `first`: name and text of one."""
    texts = [first]
    for log in sorted((directory / "logs").glob("*")):
        try:
            texts.append((log.name, log.read_text(errors="replace")))
        except OSError:
            continue
    parts = []
    for name, text in texts:
        lines = text.splitlines()[-lines_max:]
        if lines:
            parts.append(f"{name}:\n" + "\n".join(f"  {line}" for line in lines))
    return "\n".join(parts)
