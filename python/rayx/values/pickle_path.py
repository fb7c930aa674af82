"""Finds what in a value cannot be pickled, and says how to get there.

>>> import pickle
>>> import threading
>>> explain({"model": [1, threading.Lock()]}, "value", pickle.dumps)
"value['model'][1]: cannot pickle '_thread.lock' object"
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable, Iterator
from typing import Any

from rayx.text.value_text import STOPS, shown, text_of, type_name

# Each step down pickles the children of one object; a culprit deeper than this is not looked for.
_DEPTH_MAX = 50
# Pickled on the way in sum.
_ATTEMPTS_MAX = 5000

Attempt = Callable[[Any], object]


#: An attribute of classes whose `__reduce__` always raises, and says why.
REFUSES_PICKLING = "__rayx_refuses_pickling__"


def explain(value: Any, root: str, attempt: Attempt) -> str:
    """The path from `root` to the innermost thing that `attempt` cannot pickle, and why.

    `attempt` pickles its argument, and raises if it cannot.
    """
    reason = _failure(value, attempt)
    if reason is None:
        return f"{root}: could not be pickled, but could on a second try"
    path = root
    attempts = 0
    seen = {id(value)}
    for _ in range(_DEPTH_MAX):
        for step, child in _children(value):
            attempts += 1
            if attempts > _ATTEMPTS_MAX:
                return f"{path}: {reason}"
            if id(child) in seen:
                continue
            failure = _failure(child, attempt)
            if failure is not None:
                path, reason, value = path + step, failure, child
                seen.add(id(child))
                break
        else:
            break
    return f"{path}: {reason}"


def _failure(value: Any, attempt: Attempt) -> str | None:
    try:
        attempt(value)
    except RecursionError:
        return "nested too deeply"
    except (MemoryError, *STOPS):
        raise
    except BaseException as error:
        text = text_of(error) or f"{type_name(error)}()"
        return text if _is_of_pickle(error) else f"{type_name(error)}: {text}"
    return None


def _is_of_pickle(error: BaseException) -> bool:
    """The usual complaints, which need no type to be understood."""
    return type(error) in (TypeError, AttributeError) or type_name(error) == "PicklingError"


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """What pickling `value` would pickle next, each with the step that leads to it."""
    try:
        yield from _parts(value)
    except STOPS:
        raise
    except BaseException:
        return  # attributes that cannot be read: the search ends here


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield f"[{_short(key)}]", item
        for key in list(value):
            yield f".keys()[{_short(key)}]", key
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield _item_step(value, index), item
    elif isinstance(value, set | frozenset):
        for item in value:
            yield f"{{{_short(item)}}}", item
    if isinstance(value, types.FunctionType):
        yield from _captured(value)
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    elif isinstance(value, type):
        for name, item in list(vars(value).items()):
            if name not in ("__dict__", "__weakref__", "__doc__", "__module__"):
                yield f".{name}", item
    else:
        yield from _attributes(value)
        yield from _reduced(value)


def _item_step(value: Any, index: int) -> str:
    names = getattr(type(value), "_fields", None)  # of a named tuple
    return f".{names[index]}" if names and index < len(names) else f"[{index}]"


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    if getattr(type(value), REFUSES_PICKLING, False):
        return  # not for the sake of an attribute
    attributes = getattr(value, "__dict__", None)
    if isinstance(attributes, dict):
        for name, item in list(attributes.items()):
            yield f".{name}", item
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield f".{name}", getattr(value, name)


def _reduced(value: Any) -> Iterator[tuple[str, Any]]:
    """What an object with a `__reduce__` of its own hands to pickle."""
    try:
        reduced = value.__reduce_ex__(5)
    except STOPS:
        raise
    except BaseException:
        return  # this is the culprit itself
    if not isinstance(reduced, tuple):
        return
    arguments = reduced[1] if len(reduced) > 1 else ()
    for index, item in enumerate(arguments or ()):
        yield f".__reduce__()[1][{index}]", item
    state = reduced[2] if len(reduced) > 2 else None
    if state is not None and state is not getattr(value, "__dict__", None):
        yield ".__getstate__()", state
    for place, items in enumerate(reduced[3:5], 3):
        for index, item in enumerate(itertools.islice(items or (), 1000)):
            yield f".__reduce__()[{place}][{index}]", item


def _captured(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function pickled by value takes with it."""
    for kind, name, item in captured_variables(function):
        yield f" → {kind} '{name}'", item
    for index, item in enumerate(function.__defaults__ or ()):
        yield f" → default {index}", item
    for name, item in (function.__kwdefaults__ or {}).items():
        yield f" → default of '{name}'", item


def captured_variables(function: types.FunctionType) -> Iterator[tuple[str, str, Any]]:
    """(kind, name, value) of the variables from outside that a function uses."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield "captured variable", name, cell.cell_contents
        except ValueError:
            continue  # not yet assigned
    for name in _global_names(code):
        if name in function.__globals__:
            yield "global", name, function.__globals__[name]


def _global_names(code: types.CodeType) -> list[str]:
    """Of the function and of those inside it; attribute names too, which do no harm."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names.update(dict.fromkeys(_global_names(constant)))
    return list(names)


def _short(value: Any) -> str:
    return shown(value, 60)
