"""What workers need to know of a driver: where it imports from, where it is, how it logs, what its
ids follow.

>>> pickle.loads(capture(object_id_seed=3))["object_id_seed"]
3
"""

from __future__ import annotations

import functools
import importlib
import os
import pickle
import sys
import threading
from typing import TYPE_CHECKING, Any

from rayx import hints
from rayx.values import importable

if TYPE_CHECKING:
    from rayx.process.driver_logging import LogSettings

# Each is kept by the node, and run by each worker that starts later.
_NEWS_MAX = 200


def search_path() -> list[str]:
    """`sys.path`, each entry in full. What is no text is left out, as imports pass it over."""
    here = _here()
    entries = [entry for entry in sys.path if isinstance(entry, str)]
    return [os.path.join(here, entry) if here else entry for entry in entries if entry or here]


# The working directory of the driver, and where its files are here; see working_copy.py.
_moved: tuple[str, str] | None = None


def capture(
    object_id_seed: int | None, gives_hints: bool = True, has_working_dir: bool = False
) -> bytes:
    """Of this process. The arguments are those of `rayx.init`."""
    config = {
        "path": search_path(),
        # Workers go to the working directory by themselves, which is elsewhere on other machines.
        "cwd": "" if has_working_dir else _here(),
        "object_id_seed": object_id_seed,
        "hints": gives_hints,
        # Programs and libraries parse them, also in what they run as tasks.
        "argv": [one for one in getattr(sys, "argv", ()) if type(one) is str],
        "recursion_limit": sys.getrecursionlimit(),
        "logging": _log_settings(),
    }
    return pickle.dumps(config, protocol=5)


def apply(captured: bytes) -> int | None:
    """Makes this process as the driver was. A directory that is gone is not an error.

    Returns the seed of the driver's ids.
    """
    config = pickle.loads(captured)
    _take_over(config["path"], config["logging"])
    if config["cwd"]:
        try:
            os.chdir(config["cwd"])
        except OSError as error:
            print(f"rayx: the driver's directory cannot be entered: {error}", file=sys.stderr)
    if not config["hints"]:
        os.environ[hints.VARIABLE] = "0"
    sys.argv[:] = config["argv"]
    # A driver that needs more than is usual, for deep data, needs it in tasks too.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), config["recursion_limit"]))
    seed: int | None = config["object_id_seed"]
    return seed


def follow(path: list[str], logging: LogSettings | None) -> None:
    """What may change in a driver, after `init` too, is so in this process from now on."""
    _take_over(path, logging)
    # A place may be new that was looked for in vain. Not for a new process, which has looked for
    # nothing: this takes a third of a millisecond.
    importlib.invalidate_caches()


def relocate(original: str, place: str) -> None:
    """What is in the directory `original` at the driver is in `place` here.

    This process goes there, and imports look there first.
    """
    global _moved
    _moved = (original, place)
    path = _where_it_is(sys.path)
    sys.path[:] = [place, *(entry for entry in path if entry != place)]
    importable.share_path(list(sys.path))
    importlib.invalidate_caches()
    os.chdir(place)


def _where_it_is(path: list[str]) -> list[str]:
    if _moved is None:
        return path
    original, place = _moved
    inside = original.rstrip(os.sep) + os.sep
    return [
        place + entry[len(original.rstrip(os.sep)) :]
        if entry == original or entry.startswith(inside)
        else entry
        for entry in path
    ]


def _take_over(path: list[str], logging: LogSettings | None) -> None:
    path = _where_it_is(path)
    if sys.path[: len(path)] != path:
        sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
    importable.share_path(list(sys.path))
    if logging is not None or "rayx.process.driver_logging" in sys.modules:
        from rayx.process import driver_logging

        driver_logging.apply(logging)


class DriverNews:
    """What has changed in a driver since its workers were told. Thread-safe."""

    def __init__(self, captured: bytes) -> None:
        config = pickle.loads(captured)
        self._told = (config["path"], config["logging"])
        self._lock = threading.Lock()
        self._count = 0

    def take(self) -> bytes | None:
        """A pickled function for them to run; None if there is nothing new."""
        now = (search_path(), _log_settings())
        with self._lock:
            if now == self._told or self._count == _NEWS_MAX:
                return None
            self._told = now
            self._count += 1
        return pickle.dumps(functools.partial(follow, *now), protocol=5)


def _log_settings() -> LogSettings | None:
    """None if nobody logs here, as in most programs."""
    logging: Any = sys.modules.get("logging")
    if logging is None or not logging.root.handlers:
        return None
    from rayx.process import driver_logging

    return driver_logging.capture()


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""
