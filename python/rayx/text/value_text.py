"""Values of users in texts for people: short, and whatever the values' own code does.

>>> shown([1, "a" * 1000], 20)
"[1, 'aaaaaaaaaaaaaa…"
>>> class Broken:
...     def __repr__(self):
...         raise SystemExit
>>> shown([Broken()])
'[<Broken>]'

Errors are told while something is wrong already. So nothing here raises what a `repr`, a property
or a `__getattr__` raises; what cannot be described is named by its type. Only who stops the program
or the task is heard: KeyboardInterrupt and `errors.INTERRUPTIONS`.
"""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from collections.abc import Iterable
from typing import Any

from rayx import errors

#: What is never taken for a failure of the value that is being described.
STOPS = (KeyboardInterrupt, *errors.INTERRUPTIONS)

# Shown to be recognised, not to be read in full.
_CHARS_MAX = 100
_ELEMENTS_MAX = 20
_DEPTH_MAX = 5

# A `repr` is asked for only of what refers, directly or not, to no more objects and text than this.
_OBJECTS_MAX = 2000
_LENGTH_MAX = 20_000
_SIZED = (list, tuple, set, frozenset, dict, deque)
# What is no part of any text.
_NOT_LOOKED_INTO = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.CodeType,
    types.TracebackType,
    types.FrameType,
)

_TEXTS = (str, bytes, bytearray)
_CONTAINERS: dict[type[Any], tuple[str, str, str]] = {
    list: ("[", "]", "[]"),
    tuple: ("(", ")", "()"),
    set: ("{", "}", "set()"),
    frozenset: ("frozenset({", "})", "frozenset()"),
}

# The name that stands in the class, whatever its metaclass shows in the place of it.
_name_of_class = type.__dict__["__name__"].__get__


def shown(value: Any, chars: int = _CHARS_MAX) -> str:
    """`value` much as `repr` has it, on one line of at most `chars`; arrays by shape."""
    try:
        text = " ".join(plain(_text(value, chars, 0)).split())
    except STOPS:
        raise
    except BaseException:
        return f"<{type_name(value)}>"
    return text if len(text) <= chars else text[: chars - 1] + "…"


def type_name(value: Any) -> str:
    """The name of its type."""
    return plain(_name_of_class(type(value)))


def text_of(error: BaseException) -> str:
    """What `str` makes of it."""
    try:
        return plain(str(error))
    except STOPS:
        raise
    except BaseException as failure:
        return f"(its text could not be made: {type_name(failure)})"


def plain(text: str) -> str:
    """The same characters, if a class of the user's holds them."""
    return text if type(text) is str else str.__str__(text)


def attribute(value: Any, name: str) -> Any:
    """The attribute, or None: if there is none, or if it cannot be read."""
    try:
        return getattr(value, name, None)
    except STOPS:
        raise
    except BaseException:
        return None


def class_has(value: Any, name: str) -> bool:
    """Whether the value's class has this attribute. Asks no code of the value's."""
    return any(name in base.__dict__ for base in type(value).__mro__)


# ---- how values are written ----------------------------------------------------------------------


def _text(value: Any, room: int, depth: int) -> str:
    kind = type(value)
    its_repr: Any = kind.__repr__
    if class_has(value, "shape") and isinstance(value.shape, tuple):
        dtype = f" {value.dtype}" if class_has(value, "dtype") else ""
        return f"<{type_name(value)}{dtype} {value.shape}>"
    if kind in _TEXTS:
        return repr(value[: room + 1])
    if isinstance(value, dict) and its_repr is dict.__repr__:
        return _dict_text(value, room, depth)
    for base, brackets in _CONTAINERS.items():
        if isinstance(value, base) and its_repr is base.__repr__:
            return _container_text(base, value, brackets, room, depth)
    if its_repr is object.__repr__ or _is_light(value):
        return repr(value)
    return f"<{type_name(value)}>"


def _dict_text(value: Any, room: int, depth: int) -> str:
    size = dict.__len__(value)
    if size > _ELEMENTS_MAX or depth > _DEPTH_MAX:
        return f"<{type_name(value)} of {size}>"

    def parts() -> Iterable[str]:
        for key, item in dict.copy(value).items():  # another thread may change it
            yield f"{_element(key, room, depth)}: {_element(item, room, depth)}"

    return "{" + _joined(parts(), room) + "}"


def _container_text(
    base: type[Any], value: Any, brackets: tuple[str, str, str], room: int, depth: int
) -> str:
    size = base.__len__(value)
    if size > _ELEMENTS_MAX or depth > _DEPTH_MAX:
        return f"<{type_name(value)} of {size}>"
    opening, closing, empty = brackets
    if not size:
        return empty
    elements = list(base.__iter__(value))
    text = _joined((_element(one, room, depth) for one in elements), room)
    return opening + text + ("," if base is tuple and size == 1 else "") + closing


def _joined(parts: Iterable[str], room: int) -> str:
    """Up to about `room` characters; the rest is not even made."""
    taken: list[str] = []
    for part in parts:
        if room < 0:
            taken.append("…")
            break
        taken.append(part)
        room -= len(part) + 2
    return ", ".join(taken)


def _element(value: Any, room: int, depth: int) -> str:
    """One that cannot be described does not hide the others."""
    try:
        return plain(_text(value, room, depth + 1))
    except STOPS:
        raise
    except BaseException:
        return f"<{type_name(value)}>"


def _is_light(value: Any) -> bool:
    """Whether its text must be short: it refers to little. Asks no code of the value's."""
    objects_left, length_left = _OBJECTS_MAX, _LENGTH_MAX
    seen: set[int] = set()
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, _NOT_LOOKED_INTO):
            continue
        seen.add(id(one))
        objects_left -= 1
        length_left -= _length(one)
        if objects_left < 0 or length_left < 0:
            return False
        waiting += gc.get_referents(one)
    return True


def _length(value: Any) -> int:
    """Of its own text, roughly."""
    kind: Any
    for kind in (*_TEXTS, *_SIZED):
        if isinstance(value, kind):
            return int(kind.__len__(value))
    arrays = sys.modules.get("array")  # else there is none
    if arrays is not None and isinstance(value, arrays.array):
        return int(arrays.array.__len__(value))
    return int.bit_length(value) // 3 if isinstance(value, int) else 0
