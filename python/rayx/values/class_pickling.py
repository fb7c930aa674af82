"""What cloudpickle leaves out of a class that it takes by value.

- `__slots__`: the class was made anew without them, so that its instances had a dictionary; the
  class that they came back to, which has slots, could not take that in.
- `__qualname__`: a class in another, or in a function, lost what it is in, and with it the text
  that its instances show.
- What the slots have made in the class (`__slots__` makes it anew), which for a private name could
  not even be looked up.
"""

from __future__ import annotations

from types import MemberDescriptorType
from typing import Any

# Of what cloudpickle reduces a class to, as far as this is known here:
# (_make_skeleton_class, (metaclass, name, bases, namespace, …), (dictionary, …), …)
_MAKER = "_make_skeleton_class"
_NAMESPACE = 3


def completed(cls: type, reduced: Any) -> Any:
    """What cloudpickle's reduction of `cls` is to be, with what it has left out."""
    if type(reduced) is not tuple or getattr(reduced[0], "__name__", "") != _MAKER:
        return reduced
    maker, arguments, *others = reduced
    if not others or len(arguments) <= _NAMESPACE or type(arguments[_NAMESPACE]) is not dict:
        return reduced
    namespace = arguments[_NAMESPACE] | {"__qualname__": cls.__qualname__}
    slots = cls.__dict__.get("__slots__")
    if slots is not None and not _is_typed_tuple(cls):
        namespace["__slots__"] = (slots,) if isinstance(slots, str) else tuple(slots)
    arguments = (*arguments[:_NAMESPACE], namespace, *arguments[_NAMESPACE + 1 :])
    dictionary, *further = others[0]
    kept = {name: value for name, value in dictionary.items() if not _is_slot(cls, name, value)}
    return (maker, arguments, (kept, *further), *others[1:])


def _is_typed_tuple(cls: type) -> bool:
    """Made by `typing.NamedTuple`, which gives it slots of its own and refuses others."""
    return issubclass(cls, tuple) and "__orig_bases__" in cls.__dict__ and hasattr(cls, "_fields")


def _is_slot(cls: type, name: str, value: Any) -> bool:
    is_own = type(value) is MemberDescriptorType and value.__objclass__ is cls
    return is_own and value.__name__ == name
