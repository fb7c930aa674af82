"""Which modules other processes can import, so that what is in them may travel by its name.

`__main__` is another program in each process; a module made in a notebook, or by a test runner from
a path that is on nobody's `sys.path`, does not exist elsewhere. Classes and functions of such
modules travel by value.
"""

from __future__ import annotations

import functools
import os
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

from rayx import errors

#: That of functions made by `functools.lru_cache`.
CACHED_FUNCTION: type = type(functools.lru_cache(lambda: None))

#: Types, beside classes, whose instances pickle takes for things that their module has by name.
NAMED_TYPES = frozenset(
    {
        types.FunctionType,
        types.BuiltinFunctionType,
        CACHED_FUNCTION,
        typing.NewType,
        typing.TypeVar,
        typing.ParamSpec,
        typing.TypeVarTuple,
    }
)

# Module name → whether others can import it. Asked for every class that is pickled.
_known: dict[str, bool] = {"__main__": False, "builtins": True}
# Where others import from: in a worker, its driver's path and what all workers have. None: they
# have, or are told of, all that `sys.path` has here.
_shared_path: list[str] | None = None
# Called when a module is met for the first time that others can import: in a driver, which tells
# its workers of a path that has come since.
_announce: Callable[[], None] | None = None


def by_others(obj: Any) -> bool:
    """Whether the class or function `obj` comes from a module that other processes can import."""
    name = getattr(obj, "__module__", None)
    if type(name) is not str:
        return True  # pickle finds out where it is, or complains
    return module_by_others(name)


def module_by_others(name: str) -> bool:
    """The same of a module."""
    known = _known.get(name)
    if known is None:
        known = is_importable(name)
        is_builtin = name.partition(".")[0] in sys.stdlib_module_names
        if known and _announce is not None and not is_builtin:
            _announce()
        _known[name] = known
    return known


def set_announce_hook(announce: Callable[[], None]) -> None:
    """Has `announce` called before something of a module that is new travels by its name."""
    global _announce
    _announce = announce


def share_path(path: list[str] | None) -> None:
    """In a worker: others import from these places, whatever is added to `sys.path` here.

    None: from all those in `sys.path`, as in a driver.
    """
    global _shared_path
    _shared_path = path
    _known.clear()
    _known.update({"__main__": False, "builtins": True})


def is_importable(name: str) -> bool:
    """Whether `import name` in a fresh process of this session gives the module we have."""
    parts = name.split(".")
    if parts[0] in sys.stdlib_module_names:
        return True
    path = _shared_path
    spec = None
    for depth in range(1, len(parts) + 1):
        full = ".".join(parts[:depth])
        try:
            spec = _find(full, path)
            locations = None if spec is None else spec.submodule_search_locations
            path = None if locations is None else list(locations)
        except KeyError:
            # A package without an __init__.py asks its parent, which nobody has imported here yet:
            # a function of such a module may have come by value.
            path = _bare_directories(full, path)
            if not path or depth == len(parts):
                return False
            continue
        except errors.INTERRUPTIONS:
            raise
        except Exception:  # a finder of somebody else, or a package that is not there
            return False
        if spec is None or (path is None and depth < len(parts)):
            # Its parent may make it (as `six` makes `six.moves`), but then it has no file.
            made = sys.modules.get(name)
            if spec is None and depth == 1:
                return False
            return made is not None and getattr(made, "__file__", None) is None
    return spec is not None and _is_same_file(name, spec.origin)


def _bare_directories(name: str, path: list[str] | None) -> list[str]:
    """Where the modules of a package without an __init__.py are."""
    directory = name.rpartition(".")[2]
    found = [os.path.join(entry, directory) for entry in path or ()]
    return [one for one in found if os.path.isdir(one)]


def _find(name: str, path: list[str] | None) -> Any:
    """As the import system does, but without looking at what is loaded."""
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        spec = None if find_spec is None else find_spec(name, path)
        if spec is not None:
            return spec
    return None


def _is_same_file(name: str, origin: str | None) -> bool:
    """False for a module that another file of the same name hides."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or origin is None:
        return True
    return bool(file == origin) or os.path.realpath(file) == os.path.realpath(origin)
