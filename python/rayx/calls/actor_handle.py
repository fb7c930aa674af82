"""Handles of actors, by which their methods are called.

>>> @rayx.remote
... class Counter:
...     value = 0
...     def increment(self, by=1):
...         self.value += by
...         return self.value
>>> counter = Counter.remote()
>>> rayx.get(counter.increment.remote(by=2))
2

A handle is the ObjectID of the actor's creation and a description of its class. It can be given to
tasks and other actors, and be part of objects; the actor lives as long as there is one.
"""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    NoReturn,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    overload,
)

from rayx import session
from rayx._raylet import KIND_ACTOR_CALL, RayletError, TaskTemplate
from rayx.calls import call_options, signature, task_options
from rayx.calls.actor_description import ActorDescription, MethodOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

    from rayx._raylet import ObjectID
    from rayx.calls import option_types
    from rayx.waiting.object_stream import ObjectStream

P = ParamSpec("P")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)


class ActorMethod(Generic[P, R_co]):
    """A method of an actor; calls of it are `.remote(...)`, which returns an `R_co`."""

    __module__ = "rayx"  # as which users know it

    __slots__ = ("_actor", "_check", "_description", "_method", "_name", "_options", "_template")

    def __init__(
        self,
        actor: ObjectID[Any],
        description: ActorDescription,
        method: str,
        options: MethodOptions,
    ) -> None:
        self._actor = actor
        self._description = description
        self._method = method
        self._options = options
        self._name = options.name or task_options.shortened_name(
            f"{description.class_name}.{method}"
        )
        self._check: Callable[..., None] = description.checker(
            method, options.num_return_vals == call_options.STREAM
        )
        self._template = TaskTemplate(
            description.class_id,
            self._name,
            {},
            call_options.result_count(options.num_return_vals),
            call_options.fields(options),
            kind=KIND_ACTOR_CALL,
            actor=actor,
            method=method,
        )

    # For what the overloads with ids are good see RemoteFunction.remote.
    @overload
    def remote(self, /, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    @overload
    def remote(self, first: ObjectID[Any], /, *args: Any, **kwargs: Any) -> R_co: ...
    @overload
    def remote(self, first: Any, second: ObjectID[Any], /, *args: Any, **kwargs: Any) -> R_co: ...
    @overload
    def remote(
        self, first: Any, second: Any, third: ObjectID[Any], /, *args: Any, **kwargs: Any
    ) -> R_co: ...
    def remote(self, /, *args: Any, **kwargs: Any) -> Any:
        """Calls the method, and returns the ObjectID of its result without waiting for it.

        Calls of one caller run in the order in which it made them. Arguments are as for remote
        functions, and so are results if `num_return_vals` is not 1.
        """
        owner = session.current()
        self._check(*args, **kwargs)
        call = signature.encode(args, kwargs, self._name)
        try:
            ids = owner.client.submit(self._template, *call)
        except RayletError as error:
            raise owner.failure(error) from None
        if owner.actor is not None:
            owner.actor.note_call(self._actor, ids)
        return task_options.shape(ids, self._options.num_return_vals, self._name)

    @overload
    def options(self, /, **changes: Unpack[option_types.MethodOptions]) -> ActorMethod[P, R_co]: ...
    @overload
    def options(
        self: ActorMethod[P, ObjectID[AsyncIterable[T]]],
        /,
        *,
        num_return_vals: Literal["stream"],
        **changes: Unpack[option_types.MethodOptions],
    ) -> ActorMethod[P, ObjectStream[T]]: ...
    @overload
    def options(
        self: ActorMethod[P, ObjectID[Iterable[T]]],
        /,
        *,
        num_return_vals: Literal["stream"],
        **changes: Unpack[option_types.MethodOptions],
    ) -> ActorMethod[P, ObjectStream[T]]: ...
    @overload
    def options(
        self, /, *, num_return_vals: int, **changes: Unpack[option_types.MethodOptions]
    ) -> ActorMethod[P, Any]: ...
    @overload
    def options(
        self, /, *, num_returns: int, **changes: Unpack[option_types.MethodOptions]
    ) -> ActorMethod[P, Any]: ...
    def options(self, /, **changes: Any) -> ActorMethod[P, Any]:
        """The same method with other options.

        - `num_return_vals`, or `num_returns`: how many values it returns, each with an id of its
          own; or "stream" for a generator, as with remote functions.
        - `timeout`: seconds, or a datetime.timedelta, after which the running call is interrupted,
          with TaskTimeoutError.
        - `name`: shown in place of the method's name.

        >>> @rayx.remote
        ... class Divider:
        ...     def divide(self, a, b):
        ...         return divmod(a, b)
        >>> divide = Divider.remote().divide.options(num_return_vals=2, timeout=60)
        >>> quotient, remainder = divide.remote(17, 5)
        >>> rayx.get([quotient, remainder])
        [3, 2]
        """
        changed = self._options.replaced(changes)
        return ActorMethod(self._actor, self._description, self._method, changed)

    if not TYPE_CHECKING:  # they report a call, as of all that has no __call__

        def __call__(self, /, *args: Any, **kwargs: Any) -> NoReturn:
            shown = f"{self._description.class_name}.{self._method}"
            raise TypeError(
                f"{shown} is a method of an actor and cannot be called directly: "
                f"use .{self._method}.remote() and rayx.get"
            )

    def __repr__(self) -> str:
        return f"<rayx actor method {self._description.class_name}.{self._method}>"

    # It never changes, so that it is its own copy, as an ObjectID is. A copy by way of a
    # pickle would count as a reference that somebody has elsewhere, and so stay for the session.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any], /) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        packed = self._description.packed
        return rebuild_method, (self._actor, packed, self._method, tuple(self._options))


class ActorHandle(Generic[T_co]):
    """An actor, as others see it. Its attributes are the methods of its class.

    Equal to another handle if that is of the same actor.
    """

    __module__ = "rayx"  # as which users know it

    _rayx_id: ObjectID[Any]
    _rayx_description: ActorDescription

    def __init__(self, actor: ObjectID[Any], description: ActorDescription) -> None:
        # All attributes are in the dictionary, methods too, once they have been used.
        self.__dict__["_rayx_id"] = actor
        self.__dict__["_rayx_description"] = description

    def __getattr__(self, name: str) -> ActorMethod[..., Any]:
        """Only for what is not in the dictionary yet."""
        description: ActorDescription | None = self.__dict__.get("_rayx_description")
        if description is None or (name not in description.methods and name.startswith("__")):
            raise AttributeError(
                f"'ActorHandle' object has no attribute '{name}': of the special methods of an "
                "actor's class, others can call __call__ only; give the class a method of another "
                "name that does the same"
            )
        known = description.methods.get(name)
        if known is None:
            raise AttributeError(description.unknown_method(name), name=name, obj=self)
        method: ActorMethod[..., Any] = ActorMethod(
            self._rayx_id, description, name, MethodOptions(known.num_return_vals)
        )
        self.__dict__[name] = method
        return method

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"attributes of an actor cannot be set from outside: call a method of "
            f"{self._rayx_description.class_name} that sets '{name}'"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("attributes of an actor cannot be deleted from outside")

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._rayx_description.methods})

    def __repr__(self) -> str:
        return f"<rayx actor {self._rayx_description.class_name} {self._rayx_id.hex()[:32]}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ActorHandle):
            return NotImplemented
        return self._rayx_id == other._rayx_id

    def __hash__(self) -> int:
        return hash(self._rayx_id)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any], /) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """The id counts as contained in whatever it is pickled for."""
        return rebuild_handle, (self._rayx_id, self._rayx_description.packed)


def rebuild_handle(actor: ObjectID[Any], packed: bytes) -> ActorHandle[Any]:
    """What a handle is pickled as a call of."""
    return ActorHandle(actor, ActorDescription.unpacked(packed))


def rebuild_method(
    actor: ObjectID[Any], packed: bytes, method: str, options: tuple[Any, ...]
) -> ActorMethod[..., Any]:
    """What a handle's method is pickled as a call of."""
    return ActorMethod(actor, ActorDescription.unpacked(packed), method, MethodOptions(*options))
