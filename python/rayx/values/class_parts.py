"""Classes taken apart by cloudpickle, and what is missing of them then.

- Members of an enum come back as they were, in place of being made from their values again: with
  the attributes that `__new__` and `__init__` gave them, and with their aliases.
- A class whose metaclass or `__init_subclass__` cannot make it again, since it wants keywords of
  the class statement, or attributes that come later, is made without asking them.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import inspect
import threading
from collections.abc import Iterator
from typing import Any

from rayx import errors

# The attributes of an enum's member that the class gives it.
_OF_THE_CLASS = frozenset({"_name_", "_value_", "__objclass__", "_sort_order_"})
# Their `__init_subclass__` wants nothing.
_HARMLESS = frozenset({"builtins", "typing", "abc", "enum"})


def completed(cls: type, reduced: Any) -> Any:
    """What cloudpickle makes of `cls`, with what is missing; as it is, if nothing is."""
    if not isinstance(reduced, tuple) or len(reduced) != 6:
        return reduced
    make, arguments, state, items, pairs, set_state = reduced
    if isinstance(cls, enum.EnumMeta):
        if make.__name__ != "_make_skeleton_enum":
            return reduced
        return _enum_reduced(cls, reduced)
    if make.__name__ != "_make_skeleton_class" or not _has_hooks(cls):
        return reduced
    return make_class, (make, *arguments), state, items, pairs, set_state


# ---- enums ---------------------------------------------------------------------------------------


class Member:
    """A member on its way: its value, and the arguments for its data type, if it has one."""

    __slots__ = ("arguments", "value")

    def __init__(self, value: Any, arguments: tuple[Any, ...]) -> None:
        self.value = value
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return Member, (self.value, self.arguments)


def _enum_reduced(cls: Any, reduced: tuple[Any, ...]) -> Any:
    make, (bases, name, qualname, _, *more), (attributes, slots), *_, set_state = reduced
    members: dict[str, Member] = {}
    of_members = {}
    for key, member in cls.__members__.items():
        members[key] = Member(member._value_, _data_arguments(cls._member_type_, member))
        of_members[key] = {
            name: value for name, value in vars(member).items() if name not in _OF_THE_CLASS
        }
        attributes.pop(key, None)
    state = (set_state, (attributes, slots), of_members)
    return make_enum, (make, bases, name, qualname, members, *more), state, None, None, set_enum


def _data_arguments(data_type: Any, member: Any) -> tuple[Any, ...]:
    """What `data_type.__new__` makes the data of the member of."""
    if data_type is object:
        return ()
    if hasattr(data_type, "__getnewargs__"):
        given: tuple[Any, ...] = data_type.__getnewargs__(member)
        return given
    if data_type.__new__ is object.__new__:
        return ()
    reduced = data_type.__reduce__(member)
    return tuple(reduced[1]) if isinstance(reduced, tuple) else ()


def make_enum(make: Any, bases: Any, name: str, qualname: str, members: Any, *more: Any) -> Any:
    """What an enum is pickled as a call of: its members have their values, and nothing else."""
    body = {"__new__": _new_member, "__init__": _no_init, **members}
    return make(bases, name, qualname, body, *more)


def _new_member(cls: Any, given: Any) -> Any:
    member: Member = given[0] if isinstance(given, tuple) else given  # of enums of tuples
    made = cls._member_type_.__new__(cls, *member.arguments)
    made._value_ = member.value
    return made


def _no_init(self: Any, given: Any) -> None:
    """The attributes come later, as they are."""


def set_enum(cls: Any, state: tuple[Any, Any, dict[str, dict[str, Any]]]) -> None:
    """Completes an enum."""
    set_state, class_state, of_members = state
    set_state(cls, class_state)
    for name, ours in (("__init__", _no_init), ("__new_member__", _new_member)):
        if vars(cls).get(name) is ours:
            type.__delattr__(cls, name)
    for name, attributes in of_members.items():
        vars(cls.__members__[name]).update(attributes)


# ---- classes with hooks --------------------------------------------------------------------------

_hooks_off = threading.RLock()


def _has_hooks(cls: type) -> bool:
    kinds = [kind for kind in inspect.getmro(type(cls)) if kind.__module__ not in _HARMLESS]
    return bool(kinds) or bool(_with_hook(cls.__bases__))


def _with_hook(bases: tuple[type, ...]) -> list[type]:
    """The classes whose `__init_subclass__` a class with these bases may call."""
    found = {
        cls: None
        for base in bases
        for cls in base.__mro__
        if "__init_subclass__" in vars(cls) and cls.__module__ not in _HARMLESS
    }
    return list(found)


def make_class(make: Any, metaclass: Any, *more: Any) -> Any:
    """What a class with such hooks is pickled as a call of."""
    try:
        return make(metaclass, *more)
    except errors.INTERRUPTIONS:
        raise
    except Exception:
        return make(functools.partial(_made_without_hooks, metaclass), *more)


def _made_without_hooks(metaclass: Any, name: str, bases: Any, body: Any) -> Any:
    failure: Exception | None = None
    with _without_hooks(bases):
        for kind in inspect.getmro(metaclass):
            if kind.__module__ not in _HARMLESS:
                continue
            try:
                return kind.__new__(metaclass, name, bases, body)
            except TypeError as error:
                failure = error
    raise failure or TypeError(f"the class {name} cannot be made by {metaclass}")


@contextlib.contextmanager
def _without_hooks(bases: tuple[type, ...]) -> Iterator[None]:
    with _hooks_off:
        switched_off = [(cls, vars(cls)["__init_subclass__"]) for cls in _with_hook(bases)]
        for cls, _ in switched_off:
            type.__setattr__(cls, "__init_subclass__", classmethod(_no_hook))
        try:
            yield
        finally:
            for cls, hook in switched_off:
                type.__setattr__(cls, "__init_subclass__", hook)


def _no_hook(cls: type, /, **keywords: Any) -> None:
    """What a class statement would say here, the class has already."""
