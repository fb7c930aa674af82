"""The files of a directory, packed for machines that have not got it: `rayx.init(working_dir=…)`.

    packed = pack("project")
    packed.digest                          # the same for the same files

What `.rayxignore` names, or `.gitignore` if there is none, is left out, and so is what no program
needs (`.git`, `__pycache__`, `.venv`).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

#: Of all files together, before and after they are packed. The latter goes in one message.
FILES_BYTES_MAX = 256 << 20
PACKED_BYTES_MAX = 30 << 20

_IGNORE_FILES = (".rayxignore", ".gitignore")
_NEVER_NEEDED = (".git/", "__pycache__/", ".venv/", ".rayx-*/")
_LARGEST_SHOWN = 3
# Of each file, since a time of its own would make other bytes of the same files.
_DATE = (1980, 1, 1, 0, 0, 0)


class Packed(NamedTuple):
    """All that another machine needs of the directory."""

    #: Where it is, absolute and without links.
    path: str
    #: Of the names, modes and contents of its files.
    digest: str
    #: A zip file.
    archive: bytes


class _File(NamedTuple):
    name: str
    path: Path
    size: int
    mode: int


def pack(path: str | os.PathLike[str]) -> Packed:
    """ValueError if it is no directory, cannot be read, or has too much."""
    root = Path(path).resolve()
    if not root.is_dir():
        raise ValueError(f"working_dir={os.fspath(path)!r} is not a directory")
    files = sorted(_files(root))
    if sum(file.size for file in files) > FILES_BYTES_MAX:
        raise _too_large(root, files, "have", sum(file.size for file in files), FILES_BYTES_MAX)
    packed = io.BytesIO()
    try:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                entry = zipfile.ZipInfo(file.name, _DATE)
                entry.external_attr = file.mode << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                with contextlib.suppress(FileNotFoundError):  # it has gone meanwhile
                    archive.writestr(entry, file.path.read_bytes())
    except OSError as error:
        raise ValueError(f"working_dir={str(root)!r} cannot be read: {error}") from None
    content = packed.getvalue()
    if len(content) > PACKED_BYTES_MAX:
        raise _too_large(root, files, "packed, have", len(content), PACKED_BYTES_MAX)
    return Packed(str(root), hashlib.sha256(content).hexdigest(), content)


def _files(root: Path) -> Iterator[_File]:
    """Regular files, and what links to such lead to; sockets and pipes are none."""
    ignored = _ignored(root)
    for place, directories, names in os.walk(root):
        inside = Path(place).relative_to(root)
        directories[:] = [
            name for name in directories if not ignored.match_file(f"{inside / name}/")
        ]
        for name in names:
            if ignored.match_file(str(inside / name)):
                continue
            with contextlib.suppress(OSError):  # a link that leads nowhere
                status = os.stat(Path(place, name))
                if stat.S_ISREG(status.st_mode):
                    mode = stat.S_IMODE(status.st_mode) | stat.S_IFREG
                    yield _File(str(inside / name), Path(place, name), status.st_size, mode)


def _ignored(root: Path) -> Any:
    """What says so of a path, as git does."""
    import pathspec

    lines = list(_NEVER_NEEDED)
    name = next((one for one in _IGNORE_FILES if os.path.lexists(root / one)), None)
    try:
        if name is not None:
            lines += (root / name).read_text().splitlines()
        return pathspec.GitIgnoreSpec.from_lines(lines)
    except (OSError, ValueError) as error:  # of an encoding or a pattern, too
        raise ValueError(f"working_dir={str(root)!r}: {name} cannot be read: {error}") from None


def _too_large(root: Path, files: list[_File], what: str, size: int, most: int) -> ValueError:
    largest = sorted(files, key=lambda file: file.size, reverse=True)[:_LARGEST_SHOWN]
    named = ", ".join(f"{file.name} ({file.size:,} bytes)" for file in largest)
    return ValueError(
        f"working_dir={str(root)!r}: its {len(files):,} files {what} {size:,} bytes, and {most:,} "
        f"go to other machines at most. The largest are {named}. Name what tasks do not need in "
        "a file .rayxignore there, as in a .gitignore, and give them large data by rayx.put"
    )
