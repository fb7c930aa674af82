"""What may be said of an actor, and of its methods, beside their code.

>>> from rayx.calls.actor_options import ActorOptions
>>> ActorOptions().replaced({"num_gpus": 1}).demand()
{'CPU': 0.0, 'GPU': 1.0}
"""

# Annotations are read when the program runs, so they are not put off (see call_options).
from collections.abc import Callable, Coroutine
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Concatenate,
    Literal,
    NamedTuple,
    ParamSpec,
    TypeVar,
    overload,
)

from rayx._raylet import ACTOR_CONCURRENCY_MAX
from rayx.calls import call_options
from rayx.calls.actor_description import METHOD_ATTRIBUTE
from rayx.calls.call_options import (
    Cpus,
    Gpus,
    Name,
    Option,
    Resources,
    ReturnCount,
    between,
    none_or,
)
from rayx.text import resources as resource_amounts
from rayx.text.value_text import shown

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.calls.actor_types import (
        ManyMethodDecorator,
        Method,
        MethodDecorator,
        StreamMethodDecorator,
    )

_RESTARTS_MAX = (1 << 31) - 1
_CONCURRENCY = none_or(between(1, ACTOR_CONCURRENCY_MAX))
# Of a class with `async def` methods, when nothing is said: calls mostly wait.
_COROUTINES_DEFAULT = 1000

#: The methods by which a class says what of its actors must survive a restart.
SAVE, RESTORE = "__rayx_save__", "__rayx_restore__"

#: The option `save_every` comes along with the constructor's arguments, under this name.
SAVE_EVERY = "__rayx_save_every__"

P = ParamSpec("P")
T = TypeVar("T")


class ActorOptions(NamedTuple):
    """Options of `rayx.remote` on a class, checked. None stands for the default."""

    num_cpus: Cpus = None
    num_gpus: Gpus = None
    resources: Resources = None
    max_restarts: Annotated[int, Option(between(-1, _RESTARTS_MAX), "max_retries")] = 0
    max_concurrency: Annotated[int | None, Option(_CONCURRENCY)] = None
    name: Name = None
    save_every: Annotated[int | None, Option(none_or(between(1, _RESTARTS_MAX)))] = None

    def replaced(self, changes: dict[str, Any]) -> "ActorOptions":
        """These options with others in their place; TypeError or ValueError if one is wrong."""
        return call_options.replaced(self, changes, "class")

    def demand(self) -> dict[str, float]:
        """The resources that the actor holds for life: no CPU, if nothing is said."""
        cpus = 0 if self.num_cpus is None else self.num_cpus
        return resource_amounts.demand(cpus, self.num_gpus, self.resources)

    def concurrency(self, is_async: bool) -> int:
        """How many calls may run at the same time."""
        if self.max_concurrency is not None:
            return self.max_concurrency
        return _COROUTINES_DEFAULT if is_async else 1

    def fields(self, is_async: bool) -> dict[str, int]:
        """What the node is told of them."""
        return {**call_options.fields(self), "max_concurrency": self.concurrency(is_async)}


@overload
def method(
    function: Callable[Concatenate[Any, P], Coroutine[Any, Any, T]], /
) -> "Method[P, Coroutine[Any, Any, T], ObjectID[T]]": ...
@overload
def method(function: Callable[Concatenate[Any, P], T], /) -> "Method[P, T, ObjectID[T]]": ...
@overload
def method(*, num_return_vals: Literal[1] = 1) -> "MethodDecorator": ...
@overload
def method(*, num_return_vals: Literal["stream"]) -> "StreamMethodDecorator": ...
@overload
def method(*, num_return_vals: int) -> "ManyMethodDecorator": ...
@overload
def method(*, num_returns: int) -> "ManyMethodDecorator": ...
def method(*args: Any, **options: Any) -> Any:
    """Says of a method of an actor's class how many values it returns; "stream" if it yields them.

    `num_returns` is another name for `num_return_vals`. Without options, `@rayx.method` is for type
    checkers only: see `rayx.Actor`.

    >>> @rayx.remote
    ... class Splitter:
    ...     @rayx.method(num_return_vals=2)
    ...     def split(self, batch):
    ...         return batch[::2], batch[1::2]
    >>> even, odd = Splitter.remote().split.remote([1, 2, 3])
    >>> rayx.get(odd)
    [2]
    """
    options = call_options.accepted(options)
    num_return_vals: ReturnCount = options.pop("num_return_vals", 1)
    if options:
        from rayx.text import words

        words.refuse("rayx.method", options, words.METHOD_OPTIONS, ["num_return_vals"])
    count = call_options.return_count("num_return_vals", num_return_vals)

    def note(function: Any) -> Any:
        if not callable(function) and not isinstance(function, staticmethod | classmethod):
            raise TypeError(f"rayx.method is for methods, not for {shown(function)}")
        setattr(function, METHOD_ATTRIBUTE, count)
        return function

    if not args:
        return note
    if len(args) > 1 or num_return_vals != 1:
        raise TypeError(
            "rayx.method takes either one method, or options by name: "
            "@rayx.method, or @rayx.method(num_return_vals=2)"
        )
    return note(args[0])
