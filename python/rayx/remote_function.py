"""`@rayx.remote` on functions.

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
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, Protocol, TypeVar, overload

from rayx import errors, session, signature
from rayx._raylet import RayletError, TaskTemplate
from rayx.task_options import TaskOptions

if TYPE_CHECKING:
    from rayx._raylet import ObjectID

P = ParamSpec("P")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

_NAME_BYTES_MAX = 1024  # limits::kNameBytesMax of the node

_COROUTINE = 0x80 | 0x200
_GENERATOR = 0x20


class RemoteFunction(Generic[P, R_co]):
    """A function whose calls are tasks. `R_co` is what `remote` returns: as a rule, an ObjectID."""

    def __init__(
        self,
        function: Callable[P, Any] | None,
        options: TaskOptions,
        function_id: bytes,
        name: str,
    ) -> None:
        # None in a process that knows the function by its id only, until it is needed.
        self._function = function
        self._options = options
        self._function_id = function_id
        self._name = name
        self._check: Callable[..., None] | None = None
        self._template: TaskTemplate | None = None
        if function is not None:
            functools.update_wrapper(self, function)

    def remote(self, /, *args: Any, **kwargs: Any) -> R_co:
        """Submits a task; returns the ObjectID of its result without waiting for it.

        Each argument is a value or an ObjectID, which stands for its object's value. A list of ids
        comes back if `num_return_vals` is more than one, and None if it is 0.
        """
        owner = session.current()
        check = self._check
        if check is None:
            check = self._check = signature.make_checker(self._loaded(owner))
        check(*args, **kwargs)
        if self._function is not None:
            owner.functions.export(self._function_id, self._name, self._function)
        call = signature.encode(args, kwargs, self._name)
        try:
            ids = owner.client.submit(self._template or self._make_template(), *call)
        except RayletError as error:
            raise owner.failure(error) from None
        return self._options.shape(ids)  # type: ignore[no-any-return]

    def options(self, /, **changes: Any) -> RemoteFunction[P, Any]:
        """The same function with other options: those of `rayx.remote`.

        >>> heavy = f.options(num_cpus=4, max_retries=0)
        """
        changed = self._options.replaced(changes)
        return RemoteFunction(self._function, changed, self._function_id, self._name)

    @property
    def function(self) -> Callable[P, Any]:
        """The function itself, to be called here."""
        return self._loaded(None)

    def __call__(self, /, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(
            f"a remote function cannot be called directly: use {self._name}.remote() for a task, "
            f"or {self._name}.function() to run it here"
        )

    def __repr__(self) -> str:
        return f"<rayx.remote function {self._name}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteFunction):
            return NotImplemented
        return self._function_id == other._function_id and self._options == other._options

    def __hash__(self) -> int:
        return hash(self._function_id)

    def __reduce__(self) -> tuple[Any, ...]:
        """A reference by id, so that functions may refer to each other and to themselves."""
        if self._function is not None:
            functions = session.current().functions
            functions.export(self._function_id, self._name, self._function)
        return by_reference, (self._function_id, self._name, tuple(self._options))

    def _loaded(self, owner: session.Session | None) -> Callable[P, Any]:
        if self._function is not None:
            return self._function
        # Not kept in self._function: what was never ours is not ours to export.
        return (owner or session.current()).functions.fetch(self._function_id)

    def _make_template(self) -> TaskTemplate:
        options = self._options
        self._template = TaskTemplate(
            self._function_id,
            self._name,
            options.demand(),
            options.num_return_vals,
            options.max_retries,
        )
        return self._template


def by_reference(
    function_id: bytes, name: str, options: tuple[Any, ...]
) -> RemoteFunction[Any, Any]:
    """A remote function known by its id; what a RemoteFunction is pickled as a call of."""
    return RemoteFunction(None, TaskOptions(*options), function_id, name)


class _Decorator(Protocol):
    """`@remote(...)` with one return value."""

    def __call__(self, function: Callable[P, T], /) -> RemoteFunction[P, ObjectID[T]]: ...


@overload
def remote(function: Callable[P, T], /) -> RemoteFunction[P, ObjectID[T]]: ...
@overload
def remote(
    *,
    num_return_vals: int,
    num_cpus: float | None = None,
    num_gpus: float | None = None,
    resources: Mapping[str, float] | None = None,
    max_retries: int = 3,
) -> Callable[[Callable[P, Any]], RemoteFunction[P, Any]]: ...
@overload
def remote(
    *,
    num_cpus: float | None = None,
    num_gpus: float | None = None,
    resources: Mapping[str, float] | None = None,
    max_retries: int = 3,
) -> _Decorator: ...
def remote(*args: Any, **options: Any) -> Any:
    """Makes a function a remote function: `@remote`, or `@remote(...)` with options.

    - `num_return_vals`: how many ids a call returns; the function returns as many values.
    - `num_cpus` (1), `num_gpus` (0), `resources`: what a task holds while it runs.
    - `max_retries` (3): how often a task runs again when its *worker* dies; -1 for any number of
      times. Exceptions are not retried.

    >>> @remote(num_return_vals=2, num_gpus=1)
    ... def split(batch):
    ...     return batch[::2], batch[1::2]
    >>> even, odd = split.remote(batch)
    """
    if args:
        if len(args) > 1 or options:
            raise TypeError(
                "rayx.remote takes either one function, or options by name: "
                "@rayx.remote, or @rayx.remote(num_return_vals=2)"
            )
        return _decorate(args[0], TaskOptions())
    checked = TaskOptions().replaced(options)
    return lambda function: _decorate(function, checked)


def _decorate(function: Any, options: TaskOptions) -> RemoteFunction[Any, Any]:
    if isinstance(function, RemoteFunction):
        raise TypeError(f"{function!r} is a remote function already; change it with .options(...)")
    if isinstance(function, type):
        raise errors.NotYetError(
            f"rayx.remote on the class {function.__name__}: actors are not there yet. "
            "For now, make its methods functions that take and return the state."
        )
    if not callable(function):
        raise TypeError(
            f"rayx.remote takes a function, not {function!r} of type {type(function).__name__}"
        )
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    name = getattr(function, "__qualname__", None) or type(function).__name__
    if flags & (_COROUTINE | _GENERATOR):
        kind = "a generator" if flags & _GENERATOR else "an async"
        raise TypeError(
            f"{name} is {kind} function, whose result cannot be stored; return a value, a list "
            "for instance, from a plain function"
        )
    # Where it was defined is told by its traceback; people know it by its last name.
    name = name.rpartition("<locals>.")[2].encode(errors="replace")[:_NAME_BYTES_MAX]
    return RemoteFunction(function, options, os.urandom(16), name.decode(errors="ignore"))
