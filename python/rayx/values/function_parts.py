"""Things that Python pickles by their names, or not at all, taken apart for other processes.

Caches (`functools.lru_cache`, `cached_property`), functions of `functools.singledispatch`, and the
names of `typing`: all of them are looked up in their module by pickle, which is not there.

Each is made first and completed then, since its parts may refer to it: a cached function that calls
itself.
"""

from __future__ import annotations

import functools
import sys
import typing
import uuid
import weakref
from typing import Any

from rayx.values import importable

_Reduced = tuple[Any, ...]


def reduce(obj: Any) -> Any:
    """As `reducer_override`, for importable.NAMED_TYPES; NotImplemented if a name will do."""
    cls = type(obj)
    if cls is importable.CACHED_FUNCTION:
        reducer: Any = _reduce_cached
    elif cls in _TYPING:
        reducer = _TYPING[cls]
    elif getattr(obj, "__code__", None) is _DISPATCHER_CODE:
        reducer = _reduce_dispatcher
    else:
        return NotImplemented
    return NotImplemented if _is_found_by_name(obj) else reducer(obj)


def _is_found_by_name(obj: Any) -> bool:
    if not importable.by_others(obj):
        return False
    found: Any = sys.modules.get(obj.__module__)
    for name in getattr(obj, "__qualname__", obj.__name__).split("."):
        found = getattr(found, name, None)
    return found is obj


# ---- functions -----------------------------------------------------------------------------------


def _reduce_cached(obj: Any) -> _Reduced:
    kept = ("cache_parameters", "__wrapped__")  # made anew
    attributes = {name: value for name, value in vars(obj).items() if name not in kept}
    parameters = obj.cache_parameters()
    arguments = (obj.__wrapped__, parameters["maxsize"], parameters["typed"])
    return cached_function, arguments, attributes, None, None, set_attributes


def cached_function(function: Any, maxsize: int | None, typed: bool) -> Any:
    """What a function of `functools.lru_cache` is pickled as a call of: with an empty cache."""
    return functools.lru_cache(maxsize, typed)(function)


def reduce_cached_property(obj: Any) -> _Reduced:
    """As `reducer_override`. Before Python 3.12 it has a lock."""
    attributes = {name: value for name, value in vars(obj).items() if name not in ("func", "lock")}
    return functools.cached_property, (obj.func,), attributes, None, None, set_attributes


def set_attributes(obj: Any, attributes: dict[str, Any]) -> None:
    """Completes what its parts may have referred to."""
    vars(obj).update(attributes)


_DISPATCHER = functools.singledispatch(lambda value: value)
_DISPATCHER_CODE = _DISPATCHER.__code__  # type: ignore[attr-defined]
_NAMES = ("__name__", "__qualname__", "__module__", "__doc__")


def _reduce_dispatcher(obj: Any) -> _Reduced:
    attributes = {name: value for name, value in vars(obj).items() if name not in vars(_DISPATCHER)}
    names = {name: getattr(obj, name) for name in _NAMES}
    state = (dict(obj.registry), names, attributes)
    return functools.singledispatch, (obj.__wrapped__,), state, None, None, complete_dispatcher


def complete_dispatcher(obj: Any, state: tuple[dict[type, Any], dict[str, Any], Any]) -> None:
    """Registers the implementations."""
    implementations, names, attributes = state
    for cls, implementation in implementations.items():
        obj.register(cls, implementation)
    for name, value in names.items():
        setattr(obj, name, value)
    vars(obj).update(attributes)


# ---- names of typing -----------------------------------------------------------------------------

# By what they are known in all processes: the same thing twice, and what comes back, is one thing.
_identities: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
_known: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def _identity(obj: Any) -> str:
    identity = _identities.get(obj)
    if identity is None:
        identity = _identities[obj] = uuid.uuid4().hex
        _known[identity] = obj
    return identity


def typing_name(identity: str, cls: Any, module: str, arguments: Any, options: Any) -> Any:
    """What such a name is pickled as a call of."""
    found = _known.get(identity)
    if found is None:
        found = cls(*arguments, **options)
        found.__module__ = module
        _known[identity] = found
        _identities[found] = identity
    return found


def _default(obj: Any) -> dict[str, Any]:
    has_default = getattr(obj, "has_default", None)  # Python 3.13
    return {"default": obj.__default__} if has_default is not None and has_default() else {}


def _reduce_new_type(obj: Any) -> _Reduced:
    arguments = (obj.__qualname__, obj.__supertype__)
    return typing_name, (_identity(obj), typing.NewType, obj.__module__, arguments, {})


def _reduce_parameters(obj: Any) -> _Reduced:
    options = {
        "bound": obj.__bound__,
        "covariant": obj.__covariant__,
        "contravariant": obj.__contravariant__,
        **_default(obj),
    }
    return typing_name, (_identity(obj), type(obj), obj.__module__, (obj.__name__,), options)


def _reduce_variadic(obj: Any) -> _Reduced:
    arguments = (_identity(obj), type(obj), obj.__module__, (obj.__name__,), _default(obj))
    return typing_name, arguments


_TYPING: dict[Any, Any] = {
    typing.NewType: _reduce_new_type,
    typing.ParamSpec: _reduce_parameters,
    typing.TypeVarTuple: _reduce_variadic,
}
