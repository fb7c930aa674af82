"""Arguments of a call: checked where the call is made, encoded for the way, decoded in the worker.

The encoding, as the shape of what is pickled:

- nothing: every argument is an ObjectID given by position (or there are none);
- a tuple: the positional arguments, none of them an ObjectID;
- a list `[values, names, places]`: all others. The flat list of arguments is the positional ones
  and then those named by `names`; `places` are where in it the ObjectIDs' values go, `values` are
  the rest.

>>> from rayx._raylet import detached_object_id
>>> object_id = detached_object_id(bytes(20))
>>> encode((1, object_id), {"k": 2}, "f")[-1]
[ObjectID(0000...0000)]
"""

from __future__ import annotations

import math
import pickle
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rayx import errors
from rayx._raylet import ObjectID
from rayx.text import value_text
from rayx.values import serialization

if TYPE_CHECKING:
    import inspect

    from rayx.node_client import StoredObject

_VARARGS = 0x04
_VARKEYWORDS = 0x08


#: The arguments of a call, in the order in which `Client.submit` wants them: the stream and its
#: buffers, the ids inside, and the dependencies; each None where there are none.
EncodedCall: TypeAlias = (
    "tuple[bytes | None, list[memoryview] | None, list[ObjectID[Any]] | None, "
    "list[ObjectID[Any]] | None]"
)

_NO_ARGUMENTS: EncodedCall = (None, None, None, None)


def encode(args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> EncodedCall:
    """Takes ids at the top level out as dependencies, and pickles the rest."""
    if not args and not kwargs:
        return _NO_ARGUMENTS
    flat = (*args, *kwargs.values()) if kwargs else args
    types_met = set(map(type, flat))
    if not kwargs:
        if types_met <= serialization.PLAIN_TYPES:
            return pickle.dumps(args, protocol=5), None, None, None
        if ObjectID not in types_met:
            return _pickled(args, None, flat, tuple(kwargs), name)
        if len(types_met) == 1:
            return None, None, None, list(args)
    places = tuple(index for index, value in enumerate(flat) if type(value) is ObjectID)
    values = tuple(value for value in flat if type(value) is not ObjectID)
    dependencies = [flat[place] for place in places]
    names = tuple(kwargs)
    return _pickled([values, names, places], dependencies, flat, names, name)


def _pickled(
    shape: Any,
    dependencies: list[ObjectID[Any]] | None,
    flat: tuple[Any, ...],
    names: tuple[str, ...],
    function_name: str,
) -> EncodedCall:
    buffers: list[memoryview] = []
    try:
        stream, contained = serialization.dumps(shape, "arguments", buffers)
    except errors.SerializationError:
        _raise_for_argument(flat, names, function_name)
        raise
    return stream, buffers, contained, dependencies


def _raise_for_argument(flat: tuple[Any, ...], names: tuple[str, ...], function_name: str) -> None:
    """Says it again with the argument's own name."""
    first_named = len(flat) - len(names)
    for index, value in enumerate(flat):
        label = f"{index}" if index < first_named else f"'{names[index - first_named]}'"
        serialization.dumps(value, f"argument {label} of {function_name}")


def decode(
    encoded: StoredObject | None, given: Sequence[Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments again. `given` are the values of the dependencies."""
    if encoded is None:
        return tuple(given), {}
    shape = serialization.deserialize(encoded)
    if type(shape) is tuple:
        return shape, {}
    values, names, places = shape
    flat = list(values)
    for place, value in zip(places, given, strict=True):
        flat.insert(place, value)
    first_named = len(flat) - len(names)
    return tuple(flat[:first_named]), dict(zip(names, flat[first_named:], strict=True))


# ---- checking ------------------------------------------------------------------------------------


def make_checker(function: Callable[..., Any]) -> Callable[..., None]:
    """A function that takes what `function` takes, does nothing, and complains with the same words.

    >>> def f(a, b=1): ...
    >>> make_checker(f)()
    Traceback (most recent call last):
    TypeError: f() missing 1 required positional argument: 'a'
    """
    if type(function) is not types.FunctionType:
        return _checker_by_inspection(function)
    return checker_of(function.__qualname__, parameters_of(function))


def parameters_of(function: Callable[..., Any], skips_first: bool = False) -> str | None:
    """A function's parameters as in a `def`, each default replaced by None; None if unknown.

    `skips_first` leaves out the first one that is given by position, which a method is bound to.

    >>> def f(a, /, b=1, *rest, key): ...
    >>> parameters_of(f)
    'a, /, b=None, *rest, key'
    """
    if type(function) is not types.FunctionType:
        return None
    code = function.__code__
    defaults = function.__defaults__ or ()
    keyword_end = code.co_argcount + code.co_kwonlyargcount
    keywords = code.co_varnames[code.co_argcount : keyword_end]
    parts: list[str] = []
    for index, name in enumerate(code.co_varnames[: code.co_argcount]):
        if index or not skips_first:
            parts.append(name if index < code.co_argcount - len(defaults) else f"{name}=None")
        if index + 1 == code.co_posonlyargcount and parts:
            parts.append("/")
    rest = list(code.co_varnames[keyword_end : keyword_end + 2])
    if code.co_flags & _VARARGS:
        parts.append("*" + rest.pop(0))
    elif keywords:
        parts.append("*")
    given_defaults = function.__kwdefaults__ or {}
    parts += [f"{name}=None" if name in given_defaults else name for name in keywords]
    if code.co_flags & _VARKEYWORDS:
        parts.append("**" + rest[0])
    return ", ".join(parts)


def checker_of(name: str, parameters: str | None) -> Callable[..., None]:
    """A checker for what has these parameters (`parameters_of`) and is called `name`."""
    if parameters is None:
        return _accept_all
    space: dict[str, Any] = {}
    try:
        exec(f"def check({parameters}): pass", space)
    except SyntaxError:  # code made by a program, with names that cannot be written
        return _accept_all
    check: Any = space["check"]
    check.__name__ = name.rpartition(".")[2]
    check.__qualname__ = name
    return check  # type: ignore[no-any-return]


def _checker_by_inspection(function: Callable[..., Any]) -> Callable[..., None]:
    """For callables that are not Python functions: classes' instances, partials, builtins."""
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return _accept_all
    name = value_text.attribute(function, "__qualname__") or value_text.type_name(function)
    fewest, most = _positions(signature)

    def check(*args: Any, **kwargs: Any) -> None:
        if fewest <= len(args) <= most and not kwargs:  # what `bind` takes 10 µs to find out
            return
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}() {error}") from None

    return check


def _positions(signature: inspect.Signature) -> tuple[int, float]:
    """How many arguments are right if all are given by position."""
    fewest, most = 0, 0.0
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            most = math.inf
        elif parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                return 1, 0  # never
        elif parameter.kind is not parameter.VAR_KEYWORD:
            most += 1
            fewest += parameter.default is parameter.empty
    return fewest, most


def _accept_all(*args: Any, **kwargs: Any) -> None:
    """The call itself will tell, in the worker."""
