"""What workers need to know of a driver: where it imports from, where it is, what its ids follow.

>>> apply(capture(object_id_seed=3))
3
"""

from __future__ import annotations

import os
import pickle
import sys

from rayx import hints, importable


def search_path() -> list[str]:
    """`sys.path`, each entry in full. What is no text is left out, as imports pass it over."""
    here = _here()
    entries = [entry for entry in sys.path if isinstance(entry, str)]
    return [os.path.join(here, entry) if here else entry for entry in entries if entry or here]


def capture(object_id_seed: int | None, gives_hints: bool = True) -> bytes:
    """Of this process. The arguments are those of `rayx.init`."""
    config = {
        "path": search_path(),
        "cwd": _here(),
        "object_id_seed": object_id_seed,
        "hints": gives_hints,
        # Programs and libraries parse them, also in what they run as tasks.
        "argv": [one for one in getattr(sys, "argv", ()) if type(one) is str],
        "recursion_limit": sys.getrecursionlimit(),
    }
    return pickle.dumps(config, protocol=5)


def apply(captured: bytes) -> int | None:
    """Makes this process as the driver was. A directory that is gone is not an error.

    Returns the seed of the driver's ids.
    """
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
    if not config["hints"]:
        os.environ[hints.VARIABLE] = "0"
    sys.argv[:] = config["argv"]
    # Who needs more than is usual, for deep data, needs it in tasks too.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), config["recursion_limit"]))
    seed: int | None = config["object_id_seed"]
    return seed


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""
