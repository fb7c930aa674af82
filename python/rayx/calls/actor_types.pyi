"""What type checkers know of `rayx.Actor` and `rayx.method`; no such module is there at run time.

No type can say "this class, with each of its methods made remote". So of a class that inherits from
`rayx.Actor` they are told half the truth, which serves: the decorator leaves the class as it is,
the class has what an ActorClass has, a handle is an instance of the class, and each method that
`@rayx.method` marks has what an ActorMethod has.
"""

from abc import ABCMeta
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeVar,
    Unpack,
    overload,
)

from rayx._raylet import ObjectID
from rayx.calls.actor_handle import ActorMethod
from rayx.calls.option_types import ClassOptions
from rayx.waiting.object_stream import ObjectStream

P = ParamSpec("P")
T = TypeVar("T")
Cls = TypeVar("Cls")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)

# ---- classes -------------------------------------------------------------------------------------

class ActorType(ABCMeta):
    """In a metaclass, since its names must not be taken from the instances of the class."""

    # For what the overloads with ids are good see RemoteFunction.remote.
    @overload
    def remote(cls: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...
    @overload
    def remote(  # type: ignore[overload-cannot-match]
        cls: Callable[..., T], first: ObjectID[Any], /, *args: Any, **kwargs: Any
    ) -> T: ...
    @overload
    def remote(  # type: ignore[overload-cannot-match]
        cls: Callable[..., T], first: Any, second: ObjectID[Any], /, *args: Any, **kwargs: Any
    ) -> T: ...
    @overload
    def remote(  # type: ignore[overload-cannot-match]
        cls: Callable[..., T],
        first: Any,
        second: Any,
        third: ObjectID[Any],
        /,
        *args: Any,
        **kwargs: Any,
    ) -> T: ...
    def options(cls: Cls, /, **changes: Unpack[ClassOptions]) -> Cls: ...
    @property
    def cls(cls: Cls) -> Cls: ...

class Actor(metaclass=ActorType): ...

# ---- methods -------------------------------------------------------------------------------------

class BoundMethod(ActorMethod[P, R_co], Generic[P, Result_co, R_co]):
    """Of a handle, for `remote`; and of `self` within the class, to be called."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result_co: ...

class Method(Generic[P, Result_co, R_co]):
    """What `@rayx.method` makes of a function with these parameters, behind `self`."""

    @overload
    def __get__(self, actor: None, cls: type, /) -> Callable[Concatenate[Any, P], Result_co]: ...
    @overload
    def __get__(self, actor: object, cls: type, /) -> BoundMethod[P, Result_co, R_co]: ...

class MethodDecorator(Protocol):
    """`@rayx.method()`."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]], /
    ) -> Method[P, Coroutine[Any, Any, T], ObjectID[T]]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], T], /
    ) -> Method[P, T, ObjectID[T]]: ...

class ManyMethodDecorator(Protocol):
    """`@rayx.method(num_return_vals=2)`."""

    def __call__(
        self, function: Callable[Concatenate[Any, P], Result], /
    ) -> Method[P, Result, Any]: ...

class StreamMethodDecorator(Protocol):
    """`@rayx.method(num_return_vals="stream")`."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], AsyncIterator[T]], /
    ) -> Method[P, AsyncIterator[T], ObjectStream[T]]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Iterator[T]], /
    ) -> Method[P, Iterator[T], ObjectStream[T]]: ...
    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Iterable[T]], /
    ) -> Method[P, Iterable[T], ObjectStream[T]]: ...
