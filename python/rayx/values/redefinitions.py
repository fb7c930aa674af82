"""What functions of a notebook or an interpreter refer to, and whether that has changed since.

A function is pickled together with the helpers and other globals of `__main__` that it refers to.
Who works with a notebook runs the cell of a helper again and expects that the next task uses it. So
what was referred to is noted when a function is exported, and one that refers to something else
when it is called again is exported anew. Programs from files define things once: they pay nothing,
and do not import this module. Where somebody types, Python has `sys.ps1`.

    note(function_id, f)                   # f is exported
    function_id = current_id(function_id)  # another one, if a global of f is another one by now
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rayx.values import reducers

# Made anew with the same value as often as a cell is run.
_COMPARED = frozenset({int, float, complex, bool, str, bytes, type(None)})
_MISSING = object()

# Functions of which this is known; a session that makes functions for ever must not fill up.
_NOTED_MAX = 10_000


class _Reference(NamedTuple):
    """A global as it was. Weak if possible: what was replaced may be large."""

    namespace: dict[str, Any]
    name: str
    value: Callable[[], Any]

    def has_changed(self) -> bool:
        before, now = self.value(), self.namespace.get(self.name, _MISSING)
        if before is now:
            return False
        return not (type(before) is type(now) and type(now) in _COMPARED and before == now)


_noted: dict[bytes, list[_Reference]] = {}
# New ids by old ones.
_renewed: dict[bytes, bytes] = {}
_lock = threading.Lock()


def note(function_id: bytes, function: Any) -> None:
    """A function or class is exported under this id as it is now. Does nothing in a program."""
    if not hasattr(sys, "ps1"):
        return
    references = [
        _Reference(namespace, name, _held(namespace.get(name, _MISSING)))
        for namespace, name in _globals_of(function, set())
    ]
    with _lock:
        _bounded(_noted)[function_id] = references


def current_id(function_id: bytes) -> bytes:
    """The id under which the function is to be called: a new one if what it refers to has changed.

    The same for all that had the old one: a function and what its `options` has returned.
    """
    if not _noted and not _renewed:
        return function_id
    with _lock:
        while function_id in _renewed:
            function_id = _renewed[function_id]
        references = _noted.get(function_id)
        if references is None or not any(one.has_changed() for one in references):
            return function_id
        del _noted[function_id]
        renewed = os.urandom(16)
        _bounded(_renewed)[function_id] = renewed
        return renewed


def _bounded(table: dict[bytes, Any]) -> dict[bytes, Any]:
    if len(table) >= _NOTED_MAX:
        del table[next(iter(table))]
    return table


def _held(value: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(value)
    except TypeError:
        return lambda: value


def _globals_of(function: Any, seen: set[int]) -> Iterator[tuple[dict[str, Any], str]]:
    """The globals of `__main__` that this refers to, directly or by others of `__main__`."""
    function = _unwrapped(function)
    if id(function) in seen:
        return
    seen.add(id(function))
    if isinstance(function, type):
        if function.__module__ == "__main__":
            for member in list(vars(function).values()):
                yield from _globals_of(getattr(member, "__func__", member), seen)
        return
    if not isinstance(function, types.FunctionType):
        return
    for cell in function.__closure__ or ():
        try:
            yield from _globals_of(cell.cell_contents, seen)
        except ValueError:  # empty
            continue
    namespace = function.__globals__
    if namespace.get("__name__") != "__main__":
        return
    for name in _names_in(function.__code__):
        if name in namespace:
            yield namespace, name
            yield from _globals_of(namespace[name], seen)


def _unwrapped(function: Any) -> Any:
    """What is behind a remote function, a remote class, or a cache."""
    original = reducers.originals.get(type(function))
    if original is not None:
        return original(function)
    if isinstance(function, types.FunctionType | functools._lru_cache_wrapper):
        return getattr(function, "__wrapped__", function)
    return function


def _names_in(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names_in(constant)
    return names
