"""`@rayx.remote`, and what it makes of functions. (For what it makes of classes see actor.py.)

>>> @rayx.remote
... def add(a, b=1):
...     return a + b
>>> rayx.get(add.remote(2))
3
>>> rayx.get(add.options(num_cpus=2).remote(2, b=5))
7
"""

from __future__ import annotations

import functools
import os
import sys
import weakref
from collections.abc import Callable, Iterable
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    NoReturn,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    Unpack,
    overload,
)

from rayx import session
from rayx._raylet import RayletError, TaskTemplate
from rayx.calls import call_options, function_reference, signature, task_options
from rayx.calls.function_reference import FunctionReference
from rayx.calls.task_options import TaskOptions
from rayx.text.value_text import attribute, shown, type_name
from rayx.values import reducers

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.calls.actor import ActorClass
    from rayx.calls.actor_types import Actor
    from rayx.calls.option_types import ClassOptions, FunctionOptions, Options
    from rayx.waiting.object_stream import ObjectStream

    A = TypeVar("A", bound=type[Actor])
    C = TypeVar("C", bound=type[Any])

P = ParamSpec("P")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

_COROUTINE = 0x80 | 0x200
_GENERATOR = 0x20


class RemoteFunction(Generic[P, R_co]):
    """A function whose calls are tasks. `R_co` is what `remote` returns: as a rule, an ObjectID."""

    __module__ = "rayx"  # as which users know it

    def __init__(
        self,
        options: TaskOptions,
        reference: FunctionReference,
    ) -> None:
        function = reference.function
        # None in a process that knows the function by its id only.
        self._function = function
        self._options = options
        self._reference = reference
        self._name = reference.name
        self._check: Callable[..., None] | None = None
        self._template: TaskTemplate | None = None
        if function is not None:
            self._look_like(function)

    def _look_like(self, function: Any) -> None:
        """Takes over the attributes of the function that have no meaning here.

        As functools.update_wrapper does, but one that it carries as `f.options = …` does not
        replace what this class has by that name.
        """
        carried = attribute(function, "__dict__")
        for name, value in (carried if isinstance(carried, dict) else {}).items():
            if name not in self.__dict__ and not hasattr(type(self), name):
                self.__dict__[name] = value
        for name in functools.WRAPPER_ASSIGNMENTS:
            value = attribute(function, name)
            if value is not None:
                self.__dict__[name] = value
        self.__dict__["__wrapped__"] = function

    # No type says "this value, or an id of one", so checkers take a call with an id at one of the
    # first places for right, and compare all others with the function's parameters.
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
        """Submits a task; returns the ObjectID of its result without waiting for it.

        Each argument is a value or an ObjectID, which stands for its object's value. A list of ids
        comes back if `num_return_vals` is more than one, and None if it is 0;
        an ObjectStream if it is "stream".
        """
        owner = session.current()
        # To read them as attributes takes longer, since there is a __getattr__.
        own = self.__dict__
        check = own["_check"]
        if check is None:
            check = self._check = self._make_check()
        check(*args, **kwargs)
        reference, name = own["_reference"], own["_name"]
        if reference.client is not owner.client:
            owner.functions.export(reference)
        call = signature.encode(args, kwargs, name)
        try:
            ids = owner.client.submit(own["_template"] or self._make_template(), *call)
        except RayletError as error:
            raise owner.failure(error) from None
        return own["_options"].shape(ids, name)

    @overload
    def options(self, /, **changes: Unpack[FunctionOptions]) -> RemoteFunction[P, R_co]: ...
    @overload
    def options(
        self: RemoteFunction[P, ObjectID[Iterable[T]]],
        /,
        *,
        num_return_vals: Literal["stream"],
        **changes: Unpack[FunctionOptions],
    ) -> RemoteFunction[P, ObjectStream[T]]: ...
    @overload
    def options(
        self, /, *, num_return_vals: int, **changes: Unpack[FunctionOptions]
    ) -> RemoteFunction[P, Any]: ...
    @overload
    def options(
        self, /, *, num_returns: int, **changes: Unpack[FunctionOptions]
    ) -> RemoteFunction[P, Any]: ...
    def options(self, /, **changes: Any) -> RemoteFunction[P, Any]:
        """The same function with other options: those of `rayx.remote`.

        >>> @rayx.remote
        ... def train(epochs):
        ...     return epochs
        >>> rayx.get(train.options(num_cpus=4, timeout=60).remote(3))
        3
        """
        changed = self._options.replaced(changes)
        return RemoteFunction(changed, self._reference)

    @property
    def function(self) -> Callable[P, Any]:
        """The function itself, to be called here."""
        return self._reference.loaded()

    if not TYPE_CHECKING:  # they report a call, as of all that has no __call__

        def __call__(self, /, *args: Any, **kwargs: Any) -> NoReturn:
            raise TypeError(
                f"a remote function cannot be called directly: use {self._name}.remote() for a "
                f"task, or {self._name}.function() to run it here"
            )

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            """Itself: a function that has this is a routine to `help` and its like, which show
            what it takes and what it is for, and not how this class is made."""
            return self

        def __getattr__(self, name: str) -> NoReturn:
            """Only for what is not there."""
            from rayx.text import words

            shown = self.__dict__.get("_name", "")
            raise AttributeError(
                f"the remote function {shown} has no attribute '{name}'"
                + words.advice(words.FUNCTION, name),
                name=name,
                obj=self,
            )

    def __repr__(self) -> str:
        return f"<rayx.remote function {self._name}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteFunction):
            return NotImplemented
        return (
            self._reference.function_id == other._reference.function_id
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
        """A reference by id, so that functions may refer to each other and to themselves."""
        if self._function is not None:
            self._renew_if_outdated()
        return by_reference, (self._reference.pickled(), self._name, tuple(self._options))

    def _make_check(self) -> Callable[..., None]:
        """What looks at the arguments of each call; where somebody types, at the globals too."""
        check = signature.make_checker(self._reference.loaded())
        if self._function is None or not hasattr(sys, "ps1"):
            return check
        # Weakly: a cycle would keep what the function captures.
        renew = weakref.WeakMethod(self._renew_if_outdated)

        def check_all(*args: Any, **kwargs: Any) -> None:
            check(*args, **kwargs)
            renewing = renew()
            if renewing is not None:
                renewing()

        return check_all

    def _renew_if_outdated(self) -> None:
        """What it refers to in a notebook was defined anew: from now on it is another function."""
        current = self._reference.current()
        if current is not self._reference:
            self._reference = current
            self._template = None

    def _make_template(self) -> TaskTemplate:
        options = self._options
        if _flags(self._function) & _GENERATOR and options.num_return_vals != call_options.STREAM:
            raise TypeError(
                f"{self._name} is a generator function, whose result cannot be stored as one "
                'object: use num_return_vals="stream", or return a list'
            )
        self._template = TaskTemplate(
            self._reference.function_id,
            options.name or self._name,
            options.demand(),
            call_options.result_count(options.num_return_vals),
            call_options.fields(options),
        )
        return self._template


reducers.originals[RemoteFunction] = lambda remote: vars(remote).get("__wrapped__", remote)


def by_reference(
    function_id: bytes, name: str, options: tuple[Any, ...]
) -> RemoteFunction[Any, Any]:
    """A remote function known by its id; what a RemoteFunction is pickled as a call of."""
    return RemoteFunction(TaskOptions(*options), function_reference.received(function_id, name))


def with_options_of(
    function: RemoteFunction[Any, Any], other: FunctionReference
) -> RemoteFunction[Any, Any]:
    """`other` as a remote function with the options and the name of `function`."""
    made: RemoteFunction[Any, Any] = RemoteFunction(function._options, other)
    made._name = function._name
    return made


def options_of(function: RemoteFunction[Any, Any]) -> TaskOptions:
    """What `rayx.remote` and `options` were told."""
    return function._options


def name_of(function: RemoteFunction[Any, Any]) -> str:
    """By which people know it, wherever it is."""
    return function._name


# ---- the decorator -------------------------------------------------------------------------------


if TYPE_CHECKING:

    class _FunctionDecorator(Protocol):
        """`@remote(...)` with options that only functions have."""

        def __call__(self, function: Callable[P, T], /) -> RemoteFunction[P, ObjectID[T]]: ...

    class _StreamDecorator(Protocol):
        """`@remote(num_return_vals="stream", ...)`."""

        def __call__(
            self, function: Callable[P, Iterable[T]], /
        ) -> RemoteFunction[P, ObjectStream[T]]: ...

    class _ClassDecorator(Protocol):
        """`@remote(...)` with options that only actors have."""

        @overload
        def __call__(self, cls: A, /) -> A: ...
        @overload
        def __call__(self, cls: C, /) -> ActorClass[C]: ...

    class _Decorator(Protocol):
        """`@remote(...)` with options that both have."""

        # A class is a callable too; the first that fits is meant.
        @overload
        def __call__(self, cls: A, /) -> A: ...  # type: ignore[overload-overlap]
        @overload
        def __call__(self, cls: C, /) -> ActorClass[C]: ...  # type: ignore[overload-overlap]
        @overload
        def __call__(self, function: Callable[P, T], /) -> RemoteFunction[P, ObjectID[T]]: ...


@overload
def remote(cls: A, /) -> A: ...  # type: ignore[overload-overlap]
@overload
def remote(cls: C, /) -> ActorClass[C]: ...  # type: ignore[overload-overlap]
@overload
def remote(function: Callable[P, T], /) -> RemoteFunction[P, ObjectID[T]]: ...
@overload
def remote(
    *, num_return_vals: Literal["stream"], **options: Unpack[FunctionOptions]
) -> _StreamDecorator: ...
@overload
def remote(
    *, num_return_vals: int, **options: Unpack[FunctionOptions]
) -> Callable[[Callable[P, Any]], RemoteFunction[P, Any]]: ...
@overload
def remote(
    *, num_returns: int, **options: Unpack[FunctionOptions]
) -> Callable[[Callable[P, Any]], RemoteFunction[P, Any]]: ...
@overload
def remote(**options: Unpack[Options]) -> _Decorator: ...
@overload
def remote(**options: Unpack[FunctionOptions]) -> _FunctionDecorator: ...
@overload
def remote(**options: Unpack[ClassOptions]) -> _ClassDecorator: ...
def remote(*args: Any, **options: Any) -> Any:
    """Makes a function a remote function, or a class an actor's: `@remote`, or `@remote(...)`.

    Of both:

    - `num_cpus` (1 for a task, 0 for an actor), `num_gpus` (0), `resources`: what a task holds
      while it runs, and an actor for as long as it lives.
    - `name`: shown for the task; or by which `rayx.get_actor` finds the actor, which then lives
      until `rayx.kill` or the end of the session.

    Of functions:

    - `num_return_vals`, or `num_returns`: how many ids a call returns, and values the function.
      `"stream"`: the function is a generator, and a call returns an ObjectStream of what it yields.
    - `max_retries` (3): how often a task runs again when its *worker* dies; -1 for any number of
      times. Exceptions are not retried.
    - `timeout`: seconds, or a datetime.timedelta, after which a running task is interrupted, with
      TaskTimeoutError; of a stream, what it waits for its consumer counts.
    - `priority` (0): of the driver's tasks that wait, those with the highest run first.

    Of classes:

    - `max_restarts` (0): how often the actor is made anew when its worker dies; -1 for any number
      of times. Calls that had begun raise ActorDiedError, all others run.
    - `max_concurrency`: how many calls run at the same time, each in a thread (1); or as
      coroutines (1000), if the class has `async def` methods.
    - `save_every` (1): if the class has a method `__rayx_save__`, what that returns is kept after
      so many calls, and given to `__rayx_restore__` when the actor is made anew, after `__init__`.
      With 1, no call whose result somebody has seen is lost by a restart.

    >>> @rayx.remote(num_return_vals=2, num_gpus=1)
    ... def split(batch):
    ...     return batch[::2], batch[1::2]
    >>> even, odd = split.remote([1, 2, 3])
    >>> rayx.get(even)
    [1, 3]
    """
    if args:
        if len(args) > 1 or options:
            raise TypeError(
                "rayx.remote takes either one function or class, or options by name: "
                "@rayx.remote, or @rayx.remote(num_return_vals=2)"
            )
        return _decorate(args[0], {})
    options = call_options.accepted(options)
    _check_options(options)
    return lambda decorated: _decorate(decorated, options)


def _check_options(options: dict[str, Any]) -> None:
    """As far as it can be said before it is known what is decorated."""
    if options.keys() <= set(TaskOptions._fields):
        TaskOptions().replaced(options)
        return
    from rayx.calls.actor_options import ActorOptions

    if options.keys() <= set(ActorOptions._fields):
        ActorOptions().replaced(options)
    else:
        from rayx.text import words

        for name in options:
            if name not in TaskOptions._fields and name not in ActorOptions._fields:
                told = words.advice(words.FUNCTION_OPTIONS, name) or words.advice(
                    words.CLASS_OPTIONS, name
                )
                raise TypeError(
                    f"rayx.remote has no option '{name}'{told}; functions have "
                    f"{', '.join(TaskOptions._fields)}; classes have "
                    f"{', '.join(ActorOptions._fields)}"
                    + (
                        ""
                        if told
                        else words.did_you_mean(name, TaskOptions._fields + ActorOptions._fields)
                    )
                )
        of_functions = [name for name in options if name not in ActorOptions._fields]
        of_classes = [name for name in options if name not in TaskOptions._fields]
        raise TypeError(
            f"rayx.remote was given options of functions ({', '.join(of_functions)}) and of "
            f"classes ({', '.join(of_classes)}) together"
        )


def _decorate(decorated: Any, options: dict[str, Any]) -> Any:
    if isinstance(decorated, tuple(reducers.originals)):
        kind = "function" if isinstance(decorated, RemoteFunction) else "class"
        raise TypeError(f"{decorated!r} is a remote {kind} already; change it with .options(...)")
    if isinstance(decorated, type):
        # What a program of tasks need not load. Who has an actor's class from elsewhere, has it.
        from rayx.calls.actor import make_remote
        from rayx.calls.actor_options import ActorOptions

        return make_remote(decorated, ActorOptions().replaced(options))
    return _decorate_function(decorated, TaskOptions().replaced(options))


def _flags(function: Any) -> int:
    """Of its code (inspect.CO_…)."""
    flags: int = getattr(attribute(function, "__code__"), "co_flags", 0)
    return flags


def _decorate_function(function: Any, options: TaskOptions) -> RemoteFunction[Any, Any]:
    if not callable(function):
        raise TypeError(
            "rayx.remote takes a function or a class, "
            f"not {shown(function)} of type {type_name(function)}"
        )
    name = attribute(function, "__qualname__") or type_name(function)
    if _flags(function) & _COROUTINE:
        raise TypeError(
            f"{name} is an async function, whose result cannot be stored; return a value, a list "
            "for instance, from a plain function"
        )
    # Where it was defined is told by its traceback; people know it by its last name.
    name = task_options.shortened_name(name.rpartition("<locals>.")[2])
    return RemoteFunction(options, FunctionReference(os.urandom(16), name, function))
