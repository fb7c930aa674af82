"""The calls of one `rayx.map` on their way: taken from the iterables, submitted, and their values.

    iterables ──▶ submit_next ──▶ Batch ──▶ take ──▶ values, the rest of the batch, a failure

`Singles` submits a task for each call. `Batches` joins calls that take less time than a task costs:
it measures how long they take, and how much they return, and makes the next batches so large that
each takes some milliseconds. A batch that turns out longer stops, and its rest is submitted again.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from rayx import errors, session
from rayx._raylet import ObjectID
from rayx.calls import batch, signature
from rayx.calls.batch import Calls
from rayx.calls.function_reference import FunctionReference
from rayx.calls.remote_function import RemoteFunction, name_of, options_of, with_options_of
from rayx.results import objects
from rayx.text.value_text import shown
from rayx.values import serialization

if TYPE_CHECKING:
    from collections.abc import Sequence

# A batch takes so long, as far as the ones before it tell: some twenty times what a task costs.
_SECONDS = 0.002
# One that takes longer, since its calls are not like those before, stops.
_SECONDS_MAX = 0.01
# So much is read ahead for a batch, so much is returned by one, and so many calls are in it.
_BYTES = 256 << 10
_CALLS_MAX = 1024
# A batch is at most so many times as large as one whose time is known.
_GROWTH = 64
# Calls that are too long to be joined are measured once in so many.
_MEASURED = 16

_LIMITS = batch.Limits(_SECONDS_MAX, _BYTES)


class Batch(NamedTuple):
    """One or several calls that were submitted as one task."""

    object_id: ObjectID[Any]
    #: The number of calls.
    size: int
    #: A call that is a task of its own, not a batch of one.
    is_single: bool
    #: If there are several: to be submitted again if they were not run.
    calls: Calls | None = None


class Taken(NamedTuple):
    """What has become of a batch."""

    #: The results of the first calls.
    values: Iterator[Any]
    #: The calls that were not run, submitted again.
    rest: list[Batch]
    #: What the call behind the values raised.
    failure: BaseException | None


class Singles:
    """Each call is a task of its own."""

    def __init__(
        self, owner: session.Session, function: Any, calls: Iterator[tuple[Any, ...]]
    ) -> None:
        self._owner = owner
        self._function = function
        self._calls = calls
        # What the iterables raised: in its turn, behind the values of all calls before.
        self._failure: Exception | None = None

    def submit_next(self, most: int) -> Batch | None:
        """Submits calls, `most` at most; None if there are no more."""
        if self._failure is not None:
            return None
        try:
            return self._submit_next(most)
        except errors.INTERRUPTIONS:
            raise
        except Exception as error:
            self._failure = error
            return None

    def _submit_next(self, most: int) -> Batch | None:
        arguments = next(self._calls, None)
        return None if arguments is None else self._submit_single(arguments)

    def _submit_single(self, arguments: tuple[Any, ...]) -> Batch:
        submitted = self._function.remote(*arguments)
        if not isinstance(submitted, ObjectID):
            raise ValueError(
                f"rayx.map needs one result of each call, but {shown(self._function)} has another "
                "num_return_vals"
            )
        return Batch(submitted, 1, is_single=True)

    def finish(self) -> None:
        """All values have been yielded: raises what ended the iterables before their end."""
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def take(self, done: Batch) -> Taken:
        """What has become of a batch; waits for it."""
        return Taken(_popped([objects.get(done.object_id)]), [], None)


class Batches(Singles):
    """Calls of a remote function, as many in a task as pay."""

    def __init__(
        self,
        owner: session.Session,
        function: RemoteFunction[Any, Any],
        calls: Iterator[tuple[Any, ...]],
        arity: int,
        chunksize: int | None,
        largest: int,
    ) -> None:
        super().__init__(owner, function, calls)
        self._largest = chunksize or min(largest, _CALLS_MAX)
        #: How many calls the next batch has.
        self._size = chunksize or 1
        self._is_adaptive = chunksize is None
        self._arity = arity
        self._is_checked = False
        self._name = name_of(function)
        self._run = with_options_of(function, _run_batch())
        # So many calls go alone, as those before were too long to be joined.
        self._alone = 0
        # True from the first call on that has other arguments than scalars.
        self._has_others = False
        # A call that is no part of a batch.
        self._held: tuple[Any, ...] | None = None

    def _submit_next(self, most: int) -> Batch | None:
        if self._alone > 0 and self._held is None:
            self._alone -= 1
            return super()._submit_next(most)
        if self._held is None:
            calls = self._read(min(most, self._size))
            if calls.items:
                return self._submit(calls)
        if self._held is None:
            return None
        arguments, self._held = self._held, None
        return self._submit_single(arguments)

    def _read(self, count: int) -> Calls:
        """The next calls: fewer than `count` if they are slow in coming, or large."""
        late = time.perf_counter() + _SECONDS if self._is_adaptive else math.inf
        if not self._has_others:
            calls = self._read_scalars(count, late)
            if calls.items:
                return calls
        return self._read_any(count, late)

    def _read_scalars(self, count: int, late: float) -> Calls:
        """Some at a time, as long as all arguments are scalars."""
        calls = Calls(self._arity, [])
        asked, room = 1, _BYTES
        while calls.size < count and room > 0 and time.perf_counter() <= late:
            asked = min(2 * asked, count - calls.size)
            some = Calls(self._arity, [])
            try:
                some.items.extend(
                    itertools.chain.from_iterable(itertools.islice(self._calls, asked))
                )
            except errors.INTERRUPTIONS:
                raise
            except Exception as error:
                self._calls = _raising(error)
                self._has_others = True
            kinds = set(map(type, some.items))
            if not kinds <= batch.SCALARS:
                read = zip(*[iter(some.items)] * self._arity, strict=True)
                self._calls = itertools.chain(read, self._calls)
                self._has_others = True
                break
            if self._is_adaptive and not kinds.isdisjoint(batch.TEXTS):
                room -= sum(len(one) for one in some.items if type(one) in batch.TEXTS)
            self._check_first(some.items[: self._arity])
            calls.items.extend(some.items)
            if some.size < asked:
                break
        return calls

    def _read_any(self, count: int, late: float) -> Calls:
        calls = Calls(0, [])
        room = _BYTES
        try:
            for arguments in itertools.islice(self._calls, count):
                self._check_first(arguments)
                if ObjectID in map(type, arguments):
                    # A call that waits for an object, or fails, must not hold up the others.
                    self._held = arguments
                    break
                call = batch.pack_call(arguments, self._name)
                calls.items.append(call)
                if self._is_adaptive and type(call) is batch.Packed:
                    room -= call.nbytes
                if room < 0 or time.perf_counter() > late:
                    break
        except errors.INTERRUPTIONS:
            raise
        except Exception as error:
            if not calls.items:
                raise
            self._calls = _raising(error)
        return calls

    def _check_first(self, arguments: Sequence[Any]) -> None:
        """The calls have equally many arguments, so that what is right for one is for all."""
        if arguments and not self._is_checked:
            self._is_checked = True
            signature.make_checker(self._function.function)(*arguments)

    def _submit(self, calls: Calls) -> Batch:
        size = calls.size
        limits = _LIMITS if self._is_adaptive and size > 1 else None
        object_id = self._run.remote(self._function, calls, limits)
        # No limit stops a call alone, so its arguments are not needed any more.
        return Batch(object_id, size, is_single=False, calls=calls if size > 1 else None)

    def _submit_all(self, calls: Calls, size: int) -> list[Batch]:
        return [self._submit(calls.part(at, at + size)) for at in range(0, calls.size, size)]

    def take(self, done: Batch) -> Taken:
        """What has become of a batch; waits for it."""
        if done.is_single:
            return super().take(done)
        stored, calls = objects.stored(self._owner, done.object_id), done.calls
        try:
            seconds, values = serialization.deserialize(stored)
        except errors.WorkerCrashedError as failure:
            if calls is None or options_of(self._function).max_retries == 0:
                return Taken(iter(()), [], failure)
            # Which of the calls it was shows when each is a task of its own.
            return Taken(iter(()), self._submit_all(calls, 1), None)
        except Exception as failure:
            if type(failure) in errors.INTERRUPTIONS:
                raise  # of this process's own task; else there are no values before it
            values = batch.values_before(stored)
            return Taken(batch.unpacked(values, done.object_id), [], failure)
        if self._is_adaptive:
            self._note(seconds, len(values), stored.nbytes)
        rest = []
        if calls is not None and len(values) < calls.size:
            rest = self._submit_all(calls.part(len(values)), self._size)
        return Taken(batch.unpacked(values, done.object_id), rest, None)

    def _note(self, seconds: float, count: int, nbytes: int) -> None:
        """A batch of `count` calls took so long, and returned so much."""
        fast = _SECONDS * count / max(seconds, 1e-9)
        small = _BYTES * count / max(nbytes, 1)
        self._size = max(1, int(min(fast, small, _GROWTH * count, self._largest)))
        self._alone = _MEASURED - 1 if self._size == 1 else 0


def _popped(values: list[Any]) -> Iterator[Any]:
    while values:
        yield values.pop()


def _raising(error: Exception) -> Iterator[Any]:
    yield from ()
    raise error


@functools.cache
def _run_batch() -> FunctionReference:
    """By which workers know `run_batch`; each process that maps exports it for itself."""
    return FunctionReference(os.urandom(16), "run_batch", batch.run_batch)


def batches_pay(owner: session.Session, function: Any) -> bool:
    """Whether calls may be joined without having been told so."""
    if not may_batch(owner, function):
        return False
    options = options_of(function)
    # A time limit is one of a call; and what must not run twice, must not because of another call.
    # With a seed, ids follow from the program, and not from how fast it was.
    return options.timeout is None and options.max_retries != 0 and not owner.has_seed


def may_batch(owner: session.Session, function: Any) -> bool:
    """Whether calls can be joined: those of a remote function of one result, with workers."""
    return (
        type(function) is RemoteFunction
        and options_of(function).num_return_vals == 1
        and owner.mode != session.PYTHON_MODE
    )
