"""A driver's working directory, in its workers: itself where the driver is, elsewhere a copy.

    WorkingCopy(packed, node_id)()         # in a worker, before its first task

A node unpacks the same files once, whoever needs them, in its session's directory, with which they
go.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from rayx import session
from rayx.process import driver_config, session_place
from rayx.process.working_dir import Packed


class WorkingCopy:
    """What each worker of a driver runs. `node_id`: of the driver."""

    def __init__(self, packed: Packed, node_id: bytes) -> None:
        self._packed = packed
        self._node_id = node_id

    def __call__(self) -> None:
        path, digest, archive = self._packed
        is_here = session.current().client.node_id == self._node_id
        place = (
            path if is_here else unpack(session_place.directory() / "working-dirs", digest, archive)
        )
        driver_config.relocate(path, str(place))


def unpack(place: Path, digest: str, archive: bytes) -> Path:
    """Where it is below `place`. Several processes may do so at once; one is the first."""
    target = place / digest
    if target.exists():
        return target
    place.mkdir(mode=0o700, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=place))
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            for entry in files.infolist():
                path = files.extract(entry, made)
                os.chmod(path, (entry.external_attr >> 16) & 0o777)
        with contextlib.suppress(OSError):  # another was the first
            made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target
