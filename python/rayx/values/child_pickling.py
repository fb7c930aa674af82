"""What a task gives to processes that it starts itself by multiprocessing.

A worker has functions and classes of the driver's `__main__` by value, and its own `__main__` is
empty: what pickles them by their names, as multiprocessing does for `Pool.map` and queues, finds
nothing there. So what it cannot pickle by names goes by value, as everything goes to workers.

    ForkingPickler.dumps(f) ──(fails: no such name)──▶ by value ──▶ child: load

The child does the same with what it sends back.
"""

from __future__ import annotations

import collections
import importlib.machinery
import io
import pickle
import sys
from typing import Any

from rayx import errors

_MODULE = "multiprocessing.reduction"
# What pickle says of names that it does not find.
_FAILURES = (pickle.PicklingError, AttributeError)


def install() -> None:
    """In a worker's process, or the one that it is forked from: once, before users' code runs."""
    if _MODULE in sys.modules:
        _change(sys.modules[_MODULE])
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def load(pickled: bytes) -> Any:
    """What something by value is pickled as a call of. In the child."""
    install()
    return pickle.loads(pickled)


class _Finder:
    """Changes the module when it is imported; few programs do."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """As every finder has it."""
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        loader: Any = None if spec is None else spec.loader
        if loader is not None:
            execute = loader.exec_module

            def execute_and_change(module: Any) -> None:
                execute(module)
                _change(module)

            loader.exec_module = execute_and_change
        return spec


class _ByValue:
    def __init__(self, pickled: bytes) -> None:
        self._pickled = pickled

    def __reduce__(self) -> Any:
        return load, (self._pickled,)


def _change(reduction: Any) -> None:
    pickler = reduction.ForkingPickler
    if getattr(pickler.dumps, "__module__", None) == __name__:
        return
    dumps_by_name, dump_by_name = pickler.dumps.__func__, reduction.dump

    def dumps(cls: Any, obj: Any, protocol: int | None = None) -> Any:
        try:
            return dumps_by_name(cls, obj, protocol)
        except _FAILURES:
            by_value = _by_value(obj, pickler)
            if by_value is None:
                raise
        return dumps_by_name(cls, by_value, protocol)

    def dump(obj: Any, file: Any, protocol: int | None = None) -> None:
        begin = file.tell() if file.seekable() else None
        try:
            dump_by_name(obj, file, protocol)
            return
        except _FAILURES:
            by_value = None if begin is None else _by_value(obj, pickler)
            if by_value is None:
                raise
        file.seek(begin)
        file.truncate()
        dump_by_name(by_value, file, protocol)

    pickler.dumps, reduction.dump = classmethod(dumps), dump


def _by_value(obj: Any, pickler: Any) -> _ByValue | None:
    """None if it cannot be pickled so either."""
    from rayx.values import by_value

    file = io.BytesIO()
    # With what multiprocessing knows how to give to children: connections, locks.
    base: Any = by_value.ByValuePickler
    table = collections.ChainMap(pickler._extra_reducers, base.dispatch_table)
    ours: Any = type("ChildPickler", (base,), {"dispatch_table": table})
    try:
        ours(file).dump(obj)
    except errors.INTERRUPTIONS:
        raise
    except Exception:
        return None
    return _ByValue(file.getvalue())
