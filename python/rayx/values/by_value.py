"""Things by names that other processes cannot look up, pickled with all that they are made of.

cloudpickle does so with functions and classes. This module adds what it would pickle by name, or
not at all, and refuses early what can only travel by its name.
"""

from __future__ import annotations

import functools
import marshal
import pickle
import sys
import types
from typing import Any

import cloudpickle

from rayx.values import function_parts, importable, reducers

# The last version of the format that is the same for equal code, however its parts are shared.
_MARSHAL_VERSION = 2


class ByValuePickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle, which takes by value what it believes others could import as well."""

    def reducer_override(self, obj: Any) -> Any:
        """What to make of `obj`; NotImplemented for what pickle does by itself."""
        reduced = reducers.reduce(obj)
        if reduced is not NotImplemented:
            return reduced
        cls = type(obj)
        if cls is types.CodeType:
            return _code_reduced(obj)
        if cls is functools.cached_property:
            return function_parts.reduce_cached_property(obj)
        if cls in reducers.among_classes:
            return reducers.among_classes[cls](obj, self._classes)
        if issubclass(cls, type):
            from rayx.values import class_parts, class_pickling  # most programs send functions only

            _take_by_value(obj)
            self._classes.append(obj)
            reduced = class_pickling.completed(obj, super().reducer_override(obj))
            return class_parts.completed(obj, reduced)
        if cls in importable.NAMED_TYPES:
            _take_by_value(obj)
            reduced = function_parts.reduce(obj)
            return super().reducer_override(obj) if reduced is NotImplemented else reduced
        reduced = super().reducer_override(obj)
        if reduced is NotImplemented and cls not in self.dispatch_table and _reduces_itself(cls):
            reduced = obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            if isinstance(reduced, str):
                _refuse_unknown_name(obj, reduced)
        return reduced

    @functools.cached_property
    def _classes(self) -> list[type]:
        """Those met so far."""
        return []


def _take_by_value(obj: Any) -> None:
    if not importable.by_others(obj):
        module = sys.modules.get(obj.__module__)
        if module is not None and obj.__module__ != "__main__":
            cloudpickle.register_pickle_by_value(module)


def _code_reduced(code: types.CodeType) -> Any:
    """Code with the name of its file, which cloudpickle leaves out from version 3.1.3 on.

    Without it, tracebacks of tasks would show no source, and no debugger could stop in them. That
    both sides run the same Python is so for code in any case.
    """
    return marshal.loads, (marshal.dumps(code, _MARSHAL_VERSION),)


def _reduces_itself(cls: type) -> bool:
    return isinstance(cls.__reduce_ex__, types.FunctionType) or isinstance(
        cls.__reduce__, types.FunctionType
    )


def _refuse_unknown_name(obj: Any, name: str) -> None:
    module = pickle.whichmodule(obj, name)  # type: ignore[attr-defined]
    if not importable.module_by_others(module):
        raise pickle.PicklingError(
            f"its __reduce__ returns the name {name!r}, which is one of {module} in this process "
            "only; put it into a module that other processes can import"
        )
