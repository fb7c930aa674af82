"""What a process must know of an actor's class to call its methods, without having the class.

It goes with every handle, so it is small: the methods' names, parameters and numbers of results.

>>> class Counter:
...     def increment(self, by=1): ...
>>> description = ActorDescription.of_class(Counter, class_id=bytes(16))
>>> ActorDescription.unpacked(description.packed).methods["increment"]
MethodDescription(parameters='by=None', num_return_vals=1, is_generator=False)
"""

# Annotations are read when the program runs, so they are not put off (see call_options).
import pickle
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from rayx.calls import call_options, signature, task_options
from rayx.calls.call_options import Name, NumReturnVals, Timeout

#: Where `rayx.method` notes what it was told, as an attribute of the function.
METHOD_ATTRIBUTE = "__rayx_num_return_vals__"

# Flags of code (inspect.CO_…).
_COROUTINE = 0x80 | 0x200
_GENERATOR = 0x20 | 0x200

# Descriptions that a process keeps, so that handles of one class share theirs.
_UNPACKED_MAX = 1000
_unpacked: "dict[bytes, ActorDescription]" = {}


class MethodOptions(NamedTuple):
    """Options of the calls of an actor's method, checked. None stands for the default."""

    num_return_vals: NumReturnVals = 1
    timeout: Timeout = None
    name: Name = None

    def replaced(self, changes: dict[str, Any]) -> "MethodOptions":
        """These options with others in their place; TypeError or ValueError if one is wrong."""
        return call_options.replaced(self, changes, "method")


class MethodDescription(NamedTuple):
    """Of one method."""

    #: As in a `def`, without `self` (signature.parameters_of); None if they are not known.
    parameters: str | None
    num_return_vals: call_options.ReturnCount = 1
    #: It yields, so that it can only be called for a stream.
    is_generator: bool = False


class ActorDescription:
    """Of one class."""

    def __init__(
        self, class_id: bytes, class_name: str, methods: dict[str, MethodDescription]
    ) -> None:
        self.class_id = class_id
        self.class_name = class_name
        self.methods = methods
        self.packed = pickle.dumps(
            (class_id, class_name, {name: tuple(known) for name, known in methods.items()}),
            protocol=5,
        )
        self._checkers: dict[tuple[str, bool], Callable[..., None]] = {}

    @classmethod
    def of_class(cls, actor_class: type, class_id: bytes) -> "ActorDescription":
        """Looks at the class, and at those it inherits from."""
        methods = {}
        for name in dir(actor_class):
            is_special = name.startswith("__") and name.endswith("__")
            if is_special and name != "__call__":
                continue
            found = _describe(actor_class, name)
            if found is not None:
                methods[name] = found
        return cls(class_id, shown_name(actor_class), methods)

    @classmethod
    def unpacked(cls, packed: bytes) -> "ActorDescription":
        """One that another process has packed."""
        known = _unpacked.get(packed)
        if known is None:
            class_id, class_name, methods = pickle.loads(packed)
            known = cls(
                class_id,
                class_name,
                {name: MethodDescription(*fields) for name, fields in methods.items()},
            )
            if len(_unpacked) >= _UNPACKED_MAX:
                _unpacked.clear()
            _unpacked[packed] = known
        return known

    def checker(self, name: str, streams: bool = False) -> Callable[..., None]:
        """Takes the arguments of this method, and raises TypeError if it would."""
        checker = self._checkers.get((name, streams))
        if checker is None:
            known = self.methods[name]
            full_name = f"{self.class_name}.{name}"
            if known.is_generator and not streams:
                checker = _refuse_generator(full_name)
            else:
                checker = signature.checker_of(full_name, known.parameters)
            self._checkers[name, streams] = checker
        return checker

    def unknown_method(self, name: str) -> str:
        """What to say to somebody who looked for it."""
        import difflib

        close = difflib.get_close_matches(name, self.methods, n=3)
        if close:
            hint = "; did you mean " + " or ".join(f"'{match}'" for match in close) + "?"
        else:
            hint = (
                f"; it has {', '.join(self.methods) or 'none'}. An actor's attributes cannot be "
                "read from outside: have a method return them"
            )
        return f"the actor's class {self.class_name} has no method '{name}'{hint}"


def shown_name(actor_class: Any) -> str:
    """The class's name as people know it."""
    name = getattr(actor_class, "__qualname__", type(actor_class).__name__)
    return task_options.shortened_name(name.rpartition("<locals>.")[2])


def is_async(actor_class: type) -> bool:
    """Whether calls of its actors run on an event loop: it has an `async def` method."""
    # Each actor's process asks, before its constructor.
    bases = [base for base in actor_class.__mro__ if base is not object]
    names = {name for base in bases for name in vars(base)}
    return any(_flags(_function(actor_class, name)) & _COROUTINE for name in names)


def constructor_parameters(actor_class: type) -> str | None:
    """Of what makes an instance, as MethodDescription has them."""
    given: Any = actor_class
    if given.__init__ is not object.__init__:
        return signature.parameters_of(given.__init__, skips_first=True)
    if given.__new__ is not object.__new__:
        return signature.parameters_of(given.__new__, skips_first=True)
    return ""


def _refuse_generator(name: str) -> Callable[..., None]:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise TypeError(
            f"{name} is a generator, whose result cannot be stored as one object: use "
            'num_return_vals="stream", or return a list'
        )

    return refuse


def _describe(actor_class: type, name: str) -> MethodDescription | None:
    """None for what cannot be called: data, properties, nested classes."""
    raw = _raw(actor_class, name)
    if isinstance(raw, type | property):
        return None
    function = _function(actor_class, name)
    if function is None:
        if not callable(getattr(actor_class, name, None)):
            return None
        return MethodDescription(None)  # of a C class, or made by a descriptor
    count = getattr(raw, METHOD_ATTRIBUTE, getattr(function, METHOD_ATTRIBUTE, 1))
    is_generator = bool(_flags(function) & _GENERATOR)
    parameters = signature.parameters_of(function, not isinstance(raw, staticmethod))
    return MethodDescription(parameters, count, is_generator)


def _function(actor_class: type, name: str) -> types.FunctionType | None:
    """The Python function behind a method of any kind."""
    raw = _raw(actor_class, name)
    if isinstance(raw, staticmethod | classmethod):
        raw = raw.__func__
    return raw if isinstance(raw, types.FunctionType) else None


def _raw(actor_class: type, name: str) -> Any:
    """What stands in the class or one of its bases, not what access makes of it."""
    for base in actor_class.__mro__:
        if name in vars(base):
            return vars(base)[name]
    return None


def _flags(function: types.FunctionType | None) -> int:
    return 0 if function is None else function.__code__.co_flags
