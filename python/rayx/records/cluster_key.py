"""The key by which the machines of a cluster know each other, in a file that its owner alone reads.

    path = cluster_key.default_path()      # ~/.rayx/cluster.key
    cluster_key.make(path)                 # True if there was none
    cluster_key.read(path)                 # 32 bytes; StartError tells what is wrong with the file

The file has one line, "rayx-key-1-", 64 hexadecimal digits of the key, "-", and 8 digits of a
checksum: the beginning of the SHA-256 of all that stands before its hyphen. The daemons read the
same (cpp/common/tls/key_text.h, key_file.h); tests/golden/cluster_keys.txt has what both must take
and refuse.

>>> parse(text_of(bytes(32))) == bytes(32)
True
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from rayx import errors
from rayx.records import session_records

BYTES = 32
_FAMILY = "rayx-key-"
_BEGINNING = _FAMILY + "1-"
_DIGITS = frozenset("0123456789abcdef")
_CHECKSUM_DIGITS = 8
_TEXT_CHARACTERS = len(_BEGINNING) + 2 * BYTES + 1 + _CHECKSUM_DIGITS
#: Of the file. More is no key, whatever it is.
_FILE_BYTES_MAX = 4096
_UNFINISHED = ".new"
# What has not become a key by then was left by a process that died.
_UNFINISHED_SECONDS_MAX = 60.0
# The same of one that was lent to nodes which start.
_LENT_SECONDS_MAX = 60.0


def default_path() -> Path:
    """Where the key of this user is, whether it exists or not."""
    return Path("~/.rayx/cluster.key").expanduser()


def text_of(key: bytes) -> str:
    """The line that the file has, without the end of the line."""
    told = _BEGINNING + key.hex()
    return f"{told}-{_checksum(told)}"


def parse(text: str) -> bytes:
    """The key of such a line. ValueError says what is wrong, and nothing of what is in the text."""
    text = text.strip(" \t\r\n")
    if not text:
        raise ValueError("it is empty")
    if not text.startswith(_BEGINNING):
        if text.startswith(_FAMILY):
            raise ValueError("it is a key of another version of rayx")
        raise ValueError(f"it does not begin with {_BEGINNING}, as keys of rayx do")
    if len(text) != _TEXT_CHARACTERS:
        raise ValueError(
            f"it has {len(text)} characters, and a key has {_TEXT_CHARACTERS}: a part is missing, "
            "or there is more than a key"
        )
    told, hyphen, checksum = text.rpartition("-")
    digits = told[len(_BEGINNING) :]
    if not hyphen or len(checksum) != _CHECKSUM_DIGITS or not _DIGITS.issuperset(digits):
        raise ValueError("it has other characters than the digits 0-9 and a-f")
    if checksum != _checksum(told):
        raise ValueError("its checksum is another one, so that characters of it were changed")
    return bytes.fromhex(digits)


def read(path: Path) -> bytes:
    """The key in that file. StartError, with what to do, if it is none, or others may have it."""
    _check_directory(path)
    try:
        content = _content(path)
    except FileNotFoundError:
        raise errors.StartError(
            f"there is no key at {path}. `rayx start --head --key-file={path}` makes one; on other "
            "machines it must be a copy of the head's, with mode 0600"
        ) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused(path, "it is a symbolic link. Name the file itself") from None
        raise errors.StartError(f"the key at {path} cannot be read: {error}") from None
    try:
        return parse(content.decode("ascii", errors="replace"))
    except ValueError as error:
        raise _refused(
            path, f"{error}. Copy the head's file again; if this is the head's, remove it"
        ) from None


def make(path: Path) -> bool:
    """Sees to it that there is a key. True if it was made; one that was there is checked.

    Of several processes that do so at once, one makes it. StartError if it cannot be made, or what
    is there is no good key.
    """
    _make_directory(path)
    if os.path.lexists(path):
        read(path)
        return False
    unfinished = _write_new(path)
    try:
        # Unlike a rename, this never replaces a key that somebody has made meanwhile.
        os.link(unfinished, path)
        made = True
    except FileExistsError:
        made = False
    except OSError as error:
        raise _not_made(path, error) from None
    finally:
        unfinished.unlink()
    _sync(path.parent)
    read(path)
    return made


def replace(path: Path) -> None:
    """Puts a new key there, whether there was one or not. StartError as from `make`."""
    _make_directory(path)
    unfinished = _write_new(path)
    try:
        unfinished.rename(path)
    except OSError as error:
        unfinished.unlink()
        raise _not_made(path, error) from None
    _sync(path.parent)


@contextlib.contextmanager
def lent(key: bytes) -> Iterator[Path]:
    """A file with the key. Nodes read it when they start, and only then: so long it is there.

    It lies where the records are, which is closed to other users.
    """
    place = session_records.make_directory()
    for left in place.glob("cluster-*.key"):
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > _LENT_SECONDS_MAX:
                left.unlink()
    path = place / f"cluster-{secrets.token_hex(8)}.key"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(path, flags, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask
            file.write(text_of(key) + "\n")
        yield path
    finally:
        path.unlink(missing_ok=True)


def _checksum(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()[:_CHECKSUM_DIGITS]


def _refused(path: Path, why: str) -> errors.StartError:
    return errors.StartError(f"the key at {path} is not taken: {why}.")


def _not_made(path: Path, error: OSError) -> errors.StartError:
    return errors.StartError(f"a key cannot be made at {path}: {error}")


def _content(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check_file(path, os.fstat(fd))
        return os.read(fd, _FILE_BYTES_MAX + 1)
    finally:
        os.close(fd)


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, "it is not a file")
    if status.st_uid != os.geteuid():
        raise _refused(
            path,
            f"it belongs to user {status.st_uid}, and this process is user {os.geteuid()}'s. Copy "
            "it to a file of your own, with mode 0600",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise _refused(
            path,
            f"it is open to others (mode {mode:04o}). Type `chmod 600 {path}`; if others may have "
            "read it, make a new one with `rayx key rotate`",
        )


def _check_directory(path: Path) -> None:
    """Who may write the directory may put another key there."""
    place = path.parent
    try:
        status = os.stat(place)
    except OSError as error:
        raise errors.StartError(
            f"there is no key at {path}, as its directory cannot be looked at: {error}"
        ) from None
    if status.st_uid not in (0, os.geteuid()):
        raise _refused(
            path,
            f"its directory belongs to user {status.st_uid}, who could put another key there. Move "
            "it to a directory of your own",
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o022:
        raise _refused(
            path,
            f"others can write its directory (mode {mode:04o}), and so put another key there. Type "
            f"`chmod 700 {place}`, or name a file in another directory",
        )


def _make_directory(path: Path) -> None:
    try:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(0o700)
            path.parent.chmod(0o700)  # whatever the umask
    except OSError as error:
        raise _not_made(path, error) from None
    _check_directory(path)


def _write_new(path: Path) -> Path:
    """A new key, safe on the disk, in a file beside that one."""
    _remove_unfinished(path)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_UNFINISHED}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(unfinished, flags, 0o600), "w") as file:
            os.fchmod(file.fileno(), 0o600)  # whatever the umask
            file.write(text_of(secrets.token_bytes(BYTES)) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise _not_made(path, error) from None
    return unfinished


def _remove_unfinished(path: Path) -> None:
    """What processes have left that died while they made a key."""
    for left in path.parent.glob(f".{path.name}.*{_UNFINISHED}"):
        with contextlib.suppress(OSError):
            if time.time() - left.lstat().st_mtime > _UNFINISHED_SECONDS_MAX:
                left.unlink()


def _sync(directory: Path) -> None:
    """What has been renamed or linked in it is there after a failure of the machine, too."""
    with contextlib.suppress(OSError):  # not all file systems can
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
