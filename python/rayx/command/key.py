"""`rayx key`: the key by which the machines of a cluster know each other.

rayx key path       where it is
rayx key show       prints it, to be copied to another machine
rayx key rotate     puts a new one in its place
"""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from rayx import errors
from rayx.records import cluster_key, session_records


def run(options: Namespace) -> int:
    """Does one of the three."""
    path = key_path(options.key_file)
    if options.action == "path":
        print(path)
    elif options.action == "show":
        print(cluster_key.text_of(cluster_key.read(path)))
    else:
        _rotate(path)
    return 0


def key_path(given: str | None) -> Path:
    """The file that was named, or this user's, as an absolute path."""
    if given is None:
        return cluster_key.default_path()
    if not given:
        raise ValueError("--key-file must be the path of a file, not ''")
    return Path(os.path.abspath(Path(given).expanduser()))


def _rotate(path: Path) -> None:
    for record in session_records.read_all():
        is_this = record.key_file and os.path.realpath(record.key_file) == os.path.realpath(path)
        if is_this and record.supervisor.is_alive():
            raise errors.StartError(
                f"the session at {record.address} uses the key at {path}; a new one would keep "
                f"others from joining it. Stop it first: `rayx stop --address={record.address}`"
            )
    cluster_key.replace(path)
    print(
        f"There is a new key at {path}. Copies of the one before are of no use any more: copy the "
        "file to the other machines again."
    )
