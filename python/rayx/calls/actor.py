"""Actors: classes whose instances live in workers of their own.

>>> @rayx.remote
... class Counter:
...     def __init__(self, value=0):
...         self.value = value
...     def increment(self, by=1):
...         self.value += by
...         return self.value
>>> counter = Counter.remote(10)
>>> rayx.get([counter.increment.remote() for _ in range(3)])
[11, 12, 13]
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Never,
    NoReturn,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    overload,
)

from rayx import errors, questions, session
from rayx._raylet import KIND_ACTOR_CREATION, ObjectID, RayletError, TaskTemplate
from rayx.calls import actor_description, call_options, function_reference, signature
from rayx.calls.actor_description import ActorDescription
from rayx.calls.actor_handle import ActorHandle
from rayx.calls.actor_options import RESTORE, SAVE, SAVE_EVERY, ActorOptions
from rayx.calls.function_reference import FunctionReference
from rayx.text.value_text import shown, type_name
from rayx.values import reducers

if TYPE_CHECKING:
    from rayx.calls.actor_types import Actor as Actor
    from rayx.calls.option_types import ClassOptions
else:

    class Actor:
        """What a class inherits from so that type checkers know the methods of its actors.

        It does nothing when a program runs. Mark the methods that are called with `.remote`.

        >>> @rayx.remote
        ... class Counter(rayx.Actor):
        ...     def __init__(self, value: int = 0) -> None:
        ...         self.value = value
        ...     @rayx.method
        ...     def add(self, by: int = 1) -> int:
        ...         self.value += by
        ...         return self.value
        >>> def add_twice(counter: Counter) -> int:
        ...     return rayx.get([counter.add.remote(), counter.add.remote(by=2)])[-1]
        >>> add_twice(Counter.remote(10))
        13
        """

        __module__ = "rayx"  # as which users know it

        __slots__ = ()


P = ParamSpec("P")
T = TypeVar("T")
# The type of the class itself: type checkers have its constructor's parameters from there.
C_co = TypeVar("C_co", bound=Callable[..., Any], covariant=True)

# For questions to the node, which answers them at once or not at all.
_QUERY_MS = 10_000


class ActorClass(Generic[C_co]):
    """A class whose instances are actors: what `@rayx.remote` makes of a class."""

    __module__ = "rayx"  # as which users know it

    def __init__(
        self,
        reference: FunctionReference,
        options: ActorOptions,
        description: ActorDescription,
        constructor: str | None,
        is_async: bool,
    ) -> None:
        cls: Any = reference.function
        # None in a process that knows the class by its id only.
        self._cls: C_co | None = cls
        self._reference = reference
        self._options = options
        self._description = description
        # Its parameters, as ActorDescription has those of methods.
        self._constructor = constructor
        self._is_async = is_async
        self._check = signature.checker_of(description.class_name, constructor)
        self._template: TaskTemplate | None = None
        if cls is not None:
            self.__doc__ = cls.__doc__
            self.__module__ = cls.__module__
            self.__name__ = cls.__name__
            self.__qualname__ = cls.__qualname__

    # For what the overloads with ids are good see RemoteFunction.remote.
    @overload
    def remote(
        self: ActorClass[Callable[P, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> ActorHandle[T]: ...
    @overload
    def remote(  # type: ignore[overload-cannot-match]
        self: ActorClass[Callable[..., T]], first: ObjectID[Any], /, *args: Any, **kwargs: Any
    ) -> ActorHandle[T]: ...
    @overload
    def remote(  # type: ignore[overload-cannot-match]
        self: ActorClass[Callable[..., T]],
        first: Any,
        second: ObjectID[Any],
        /,
        *args: Any,
        **kwargs: Any,
    ) -> ActorHandle[T]: ...
    @overload
    def remote(  # type: ignore[overload-cannot-match]
        self: ActorClass[Callable[..., T]],
        first: Any,
        second: Any,
        third: ObjectID[Any],
        /,
        *args: Any,
        **kwargs: Any,
    ) -> ActorHandle[T]: ...
    def remote(self, /, *args: Any, **kwargs: Any) -> ActorHandle[Any]:
        """Makes an actor and returns its handle at once.

        The arguments are those of the class's `__init__`; each is a value, or an ObjectID which
        stands for its object's value. If `__init__` raises, every call of the actor does.
        """
        owner = session.current()
        self._check(*args, **kwargs)
        if self._cls is not None:
            self._renew_if_outdated()
        if self._reference.client is not owner.client:
            owner.functions.export(self._reference)
        if self._options.save_every is not None:
            kwargs = kwargs | {SAVE_EVERY: self._options.save_every}
        call = signature.encode(args, kwargs, self._name)
        template = self._template or self._make_template()
        _refuse_infeasible(owner, self._name, self._options.demand())
        try:
            if self._options.name is not None:
                _refuse_taken_name(owner, self._options.name)
            (actor,) = owner.client.submit(template, *call)
        except RayletError as error:
            raise owner.failure(error) from None
        return ActorHandle(actor, self._description)

    def options(self, /, **changes: Unpack[ClassOptions]) -> ActorClass[C_co]:
        """The same class with other options: those of `rayx.remote`, and `name`.

        >>> @rayx.remote
        ... class Learner:
        ...     def gpus(self):
        ...         return rayx.get_gpu_ids()
        >>> learner = Learner.options(num_gpus=2).remote()
        >>> rayx.get(learner.gpus.remote())
        [0, 1]
        """
        changed = self._options.replaced({**changes})
        if self._cls is not None:
            _check_saving(self._cls, changed)
        return ActorClass(
            self._reference, changed, self._description, self._constructor, self._is_async
        )

    @property
    def cls(self) -> C_co:
        """The class itself, for instances in this process."""
        found: Any = self._reference.loaded()
        return found  # type: ignore[no-any-return]

    @property
    def _name(self) -> str:
        return self._description.class_name

    if not TYPE_CHECKING:  # they report a call, as of all that has no __call__

        def __call__(self, /, *args: Any, **kwargs: Any) -> NoReturn:
            raise TypeError(
                f"an actor cannot be made directly: use {self._name}.remote() for an actor, or "
                f"{self._name}.cls() for an instance here"
            )

    @property
    def __origin__(self) -> C_co:
        """By which `help`, of a class without a docstring, shows the class and not this one."""
        if self._cls is None:
            raise AttributeError("__origin__")
        return self._cls

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[C_co]:
        """A class that inherits from this one inherits from the class itself."""
        return (self.cls,)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(f"'ActorClass' object has no attribute '{name}'")
        shown = self.__dict__["_description"].class_name
        raise AttributeError(
            f"the remote class {shown} has no attribute '{name}': methods are called on an actor, "
            f"{shown}.remote(), and the class itself is {shown}.cls",
            name=name,
            obj=self,
        )

    def __repr__(self) -> str:
        return f"<rayx.remote class {self._name}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ActorClass):
            return NotImplemented
        return (
            self._description.class_id == other._description.class_id
            and self._options == other._options
        )

    def __hash__(self) -> int:
        return hash(self._name)  # ids change

    # A copy of it is the same object, as it is for functions and classes.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any], /) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """A reference by id, so that a class may refer to itself."""
        if self._cls is not None:
            self._renew_if_outdated()
        self._reference.pickled()
        packed = self._description.packed
        return by_reference, (tuple(self._options), packed, self._constructor, self._is_async)

    def _renew_if_outdated(self) -> None:
        """As of functions: what it refers to in a notebook was defined anew."""
        current = self._reference.current()
        if current is not self._reference:
            cls: Any = self._cls
            self._reference = current
            self._description = ActorDescription.of_class(cls, current.function_id)
            self._template = None

    def reduced_among(self, classes: Sequence[type]) -> tuple[Any, ...]:
        """How it is pickled together with these classes, which travel by value.

        In the code of its own class, and of those that inherit from it, its name is that of the
        class. Else `super(Name, self)` and `isinstance(value, Name)` would meet what is no class.
        """
        own: Any = self._cls
        reduced = self.__reduce__()
        is_own = any(own in cls.__mro__ for cls in classes)
        return (_own_class, (own, *reduced)) if is_own else reduced

    if not TYPE_CHECKING:  # what they know of the class is enough
        # What is asked of a class by its name, which is that of the remote class.

        def __instancecheck__(self, instance: Any) -> bool:
            return isinstance(instance, self.cls)

        def __subclasscheck__(self, cls: type) -> bool:
            return issubclass(cls, self.cls)

        def __getitem__(self, parameters: Any) -> Any:
            return self.cls[parameters]

    def _make_template(self) -> TaskTemplate:
        options = self._options
        self._template = TaskTemplate(
            self._description.class_id,
            self._name,
            options.demand(),
            1,
            options.fields(self._is_async),
            kind=KIND_ACTOR_CREATION,
            actor_name=options.name or "",
            actor_info=b"" if options.name is None else self._description.packed,
        )
        return self._template


def by_reference(
    options: tuple[Any, ...], packed: bytes, constructor: str | None, is_async: bool
) -> ActorClass[Any]:
    """A class known by its id; what an ActorClass is pickled as a call of."""
    description = ActorDescription.unpacked(packed)
    reference = function_reference.received(description.class_id, description.class_name)
    return ActorClass(reference, ActorOptions(*options), description, constructor, is_async)


class _OfRemoteClass:
    """An attribute of a class that its remote class has: `remote`, `options`, `cls`.

    Of this class only: those that inherit from it have remote classes of their own, or none.
    """

    def __init__(self, cls: type, remote: ActorClass[Any], name: str) -> None:
        self._cls = cls
        self._remote = remote
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None and owner is self._cls:
            return getattr(self._remote, self._name)
        raise AttributeError(f"{owner.__name__!r} has no attribute {self._name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _OfRemoteClass, (self._cls, self._remote, self._name)


def _own_class(cls: type, rebuild: Callable[..., ActorClass[Any]], arguments: Any) -> type:
    """What its remote class is in the code of a class that runs elsewhere: the class itself.

    Actors of it are made by `.remote` all the same, unless the class has that name for something.
    """
    remote = rebuild(*arguments)
    for name in ("remote", "options", "cls"):
        known = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
        if all(isinstance(one, _OfRemoteClass) for one in known):
            type.__setattr__(cls, name, _OfRemoteClass(cls, remote, name))
    return cls


reducers.originals[ActorClass] = lambda remote: vars(remote)["_cls"]
reducers.among_classes[ActorClass] = ActorClass.reduced_among


def make_remote(cls: type[Any], options: ActorOptions) -> ActorClass[Any]:
    """What `rayx.remote` does with a class."""
    _check_saving(cls, options)
    description = ActorDescription.of_class(cls, os.urandom(16))
    return ActorClass(
        FunctionReference(description.class_id, description.class_name, cls),
        options,
        description,
        actor_description.constructor_parameters(cls),
        actor_description.is_async(cls),
    )


def _check_saving(cls: Any, options: ActorOptions) -> None:
    saves, restores = hasattr(cls, SAVE), hasattr(cls, RESTORE)
    if saves != restores:
        has, lacks = (SAVE, RESTORE) if saves else (RESTORE, SAVE)
        raise TypeError(f"the class {cls.__name__} has a {has}, so it must have a {lacks} too")
    if options.save_every is not None and not saves:
        raise TypeError(
            f"save_every={options.save_every} has no meaning for the class {cls.__name__}, which "
            f"has no {SAVE} and {RESTORE}"
        )


def _refuse_infeasible(owner: session.Session, name: str, demand: dict[str, float]) -> None:
    """An actor that can never be made is an error at once; one that must wait is not.

    In a cluster a node may have what this one has not, or one that joins later.
    """
    wanted = {resource: amount for resource, amount in demand.items() if amount > 0}
    if not wanted:
        return
    try:
        total, _ = questions.resources(owner.client, _QUERY_MS)
        lacking = [
            f"{amount:g} {resource}, of which there are {total.get(resource, 0):g} in all"
            for resource, amount in wanted.items()
            if amount > total.get(resource, 0)
        ]
        may_be_elsewhere = lacking and questions.node(owner.client, _QUERY_MS)["is_in_cluster"]
    except RayletError as error:
        raise owner.failure(error) from None
    if lacking and not may_be_elsewhere:
        raise errors.InfeasibleError(
            f"an actor of class {name} asks for {' and '.join(lacking)}: there is not enough in "
            "the system. Ask for less, or give more to rayx.init (num_cpus, num_gpus, resources)."
        )


def _refuse_taken_name(owner: session.Session, name: str) -> None:
    """Another driver's creation may still come first; then the node says the same later."""
    found = owner.client.find_actor(name, _QUERY_MS)
    if found is not None:
        taken_by = ActorDescription.unpacked(found[1]).class_name
        raise ValueError(
            f"the name {name!r} is taken by an actor of class {taken_by}: get it with "
            f"rayx.get_actor({name!r}), or end it with rayx.kill"
        )


# ---- actors that exist ---------------------------------------------------------------------------


def get_actor(name: str) -> Any:
    """The actor that was made with `.options(name=name)`; ValueError if there is none (any more).

    Type checkers do not know its class; say so: `counter: Counter = rayx.get_actor("hits")`.

    >>> @rayx.remote
    ... class Registry(dict):
    ...     def register(self, name, value):
    ...         self[name] = value
    ...         return len(self)
    >>> registry = Registry.options(name="registry").remote()
    >>> rayx.get(rayx.get_actor("registry").register.remote("a", 1))
    1
    """
    owner = session.current()
    call_options.shown_name("name", name)
    if name is None:
        raise TypeError("rayx.get_actor takes the name of an actor, not None")
    try:
        found = owner.client.find_actor(name, _QUERY_MS)
    except RayletError as error:
        raise owner.failure(error) from None
    if found is None:
        raise ValueError(
            f"there is no actor of the name {name!r}: it was never made with "
            ".options(name=…), or has ended"
        )
    actor, packed = found
    return ActorHandle(actor, ActorDescription.unpacked(packed))


def kill(actor: ActorHandle[Any] | Actor, **unknown: Never) -> None:
    """Ends an actor now, whatever it does; its calls raise ActorDiedError. It is not restarted.

    An actor also ends by itself when its last handle is gone, unless it has a name.

    >>> @rayx.remote
    ... class Server: ...
    >>> server = Server.remote()
    >>> rayx.kill(server)
    """
    if unknown:
        from rayx.text import words

        words.refuse("rayx.kill", unknown, words.KILL)
    owner = session.current()
    given: Any = actor
    if type(given) is not ActorHandle:
        hint = ": to end a task, use rayx.cancel" if type(given) is ObjectID else ""
        raise TypeError(
            f"rayx.kill takes the handle of an actor, not {shown(given)} of type "
            f"{type_name(given)}{hint}"
        )
    try:
        owner.client.kill_actor(given._rayx_id)
    except RayletError as error:
        raise owner.failure(error) from None
