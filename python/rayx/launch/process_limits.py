"""What the limits of this process (`ulimit`) leave for an object store.

The store is one file in memory, which every process of a session maps twice: for reading, and for
writing. A limit on the size of files or on the address space, which all of them inherit, is one
on the store.
"""

from __future__ import annotations

import resource
from pathlib import Path

from rayx import errors

# Behind the store's bytes lies a page of the node's.
_PAGE_BYTES = 4096
_MAPPINGS = 2
# Of the address space: for threads, and for what programs and workers import later.
_OTHER_BYTES_MIN = 64 << 20
# By default the store takes one part in so many of the address space.
_SPACE_SHARE = 2


def default_store_bytes(wanted: int, proc: Path = Path("/proc")) -> int:
    """As many of the wanted bytes as leave room for all else. May be as little as nothing."""
    file_bytes, space_bytes = _file_bytes_max(), _space_bytes_left(proc)
    if file_bytes is not None:
        wanted = min(wanted, file_bytes - _PAGE_BYTES)
    if space_bytes is not None:
        wanted = min(wanted, space_bytes // _SPACE_SHARE // _MAPPINGS)
    return max(0, wanted)


def check_store(store_bytes: int, proc: Path = Path("/proc")) -> None:
    """StartError, which says what to do, if such a store cannot be."""
    file_bytes, space_bytes = _file_bytes_max(), _space_bytes_left(proc)
    if file_bytes is not None and store_bytes + _PAGE_BYTES > file_bytes:
        raise errors.StartError(
            f"the object store of {store_bytes:,} bytes is a file in memory, but files may have "
            f"{file_bytes:,} bytes here. Raise the limit (`ulimit -f unlimited`), or give "
            "rayx.init a smaller object_store_memory."
        )
    needed = _MAPPINGS * store_bytes + _OTHER_BYTES_MIN
    if space_bytes is not None and needed > space_bytes:
        raise errors.StartError(
            f"the object store of {store_bytes:,} bytes needs {needed:,} bytes of address space in "
            f"each process, but {space_bytes:,} are left here. Raise the limit (`ulimit -v "
            "unlimited`), or give rayx.init a smaller object_store_memory."
        )


def _file_bytes_max() -> int | None:
    """What one file may have; None: no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if soft == resource.RLIM_INFINITY else soft


def _space_bytes_left(proc: Path) -> int | None:
    """What may still be mapped; None: no limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft == resource.RLIM_INFINITY:
        return None
    pages = int((proc / "self" / "statm").read_text().split()[0])
    return max(0, soft - pages * resource.getpagesize())
