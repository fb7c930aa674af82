"""What workers need to know of a driver to find what it finds: where to import from, where it is.

>>> apply(capture())
"""

from __future__ import annotations

import os
import pickle
import sys

from rayx import importable


def search_path() -> list[str]:
    """`sys.path`, each entry in full."""
    here = _here()
    return [os.path.join(here, entry) if here else entry for entry in sys.path if entry or here]


def capture() -> bytes:
    """Of this process."""
    return pickle.dumps({"path": search_path(), "cwd": _here()}, protocol=5)


def apply(captured: bytes) -> None:
    """Makes this process as the driver was. A directory that is gone is not an error."""
    config = pickle.loads(captured)
    path = config["path"]
    if sys.path != path:
        sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
        importable.forget()
    if config["cwd"]:
        try:
            os.chdir(config["cwd"])
        except OSError as error:
            print(f"rayx: the driver's directory cannot be entered: {error}", file=sys.stderr)


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""
