"""Functions on their way to workers: pickled and sent once, fetched once a worker.

In the driver, and then in a worker:

    FunctionTable(client).export(FunctionReference(function_id, "f", f))
    FunctionTable(client, keeps_loaded=True).fetch(function_id)(1, 2)
"""

from __future__ import annotations

import gc
import pickle
import sys
import threading
import types
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rayx import errors
from rayx._raylet import FUNCTION_BYTES_MAX, RayletError
from rayx.text import value_text
from rayx.values import serialization

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.node_client import NodeClient

# Functions a worker keeps; a session that redefines functions for ever must not fill its workers.
_LOADED_MAX = 1000

# A function that was loaded is as a rule part of a cycle: helpers, for instance, refer to its
# globals, which refer to them. If so much has been forgotten, pickled, or so many functions, the
# cycles are collected at once, and not when the worker is idle.
_FORGOTTEN_BYTES_MAX = 64 << 20
_FORGOTTEN_MAX = 256


if TYPE_CHECKING:

    class Reference(Protocol):
        """A function as it is sent (function_reference.py)."""

        @property
        def function_id(self) -> bytes: ...

        @property
        def name(self) -> str: ...

        @property
        def function(self) -> Callable[..., Any] | None: ...

        client: NodeClient | None

        def refer(self, client: NodeClient) -> None: ...

        def release(self) -> None: ...


class FunctionTable:
    """The functions of one session, as this process knows them. Thread-safe.

    `explain` refers weakly to what turns a failure of the client into an exception, as the session
    does, which knows why it has ended; None once that is gone. `tell_news` refers likewise to what
    tells workers what is new in this driver, which a function may rely on. With `keeps_loaded`
    functions that were fetched are kept until the node says that nobody needs them any more.
    """

    def __init__(
        self,
        client: NodeClient,
        explain: Callable[[], Callable[[RayletError], errors.RayxError] | None] = lambda: None,
        tell_news: Callable[[], Callable[[], None] | None] = lambda: None,
        keeps_loaded: bool = False,
    ) -> None:
        self.keeps_loaded = keeps_loaded
        self._client = client
        self._explain = explain
        self._tell_news = tell_news
        self._lock = threading.RLock()
        # Whose references are to be given up at the end of the session.
        self._exported: weakref.WeakSet[Reference] = weakref.WeakSet()
        # While the outermost export runs: functions being pickled, and those ready to be sent, with
        # the ids inside them.
        self._in_progress: set[bytes] = set()
        self._pickled: list[tuple[Reference, bytes, list[ObjectID[Any]]]] = []
        self._loaded: dict[bytes, Callable[..., Any]] = {}
        # How large the loaded ones were when pickled.
        self._sizes: dict[bytes, int] = {}
        # Forgotten since cycles were collected.
        self._forgotten = 0
        self._forgotten_bytes = 0

    def export(self, reference: Reference) -> None:
        """Sends the function, unless that was done before, and refers to it.

        Pickling may meet other remote functions, which come here in turn: they are sent along, all
        or none. One that is met again on the way (recursion) is a mere reference by then.
        """
        with self._lock:
            function_id = reference.function_id
            if reference.client is self._client or function_id in self._in_progress:
                return
            # What is pickled refers to itself by this.
            reference.refer(self._client)
            function = reference.function
            if function is None:
                reference.client = self._client
                return
            is_outermost = not self._in_progress
            tell_news = self._tell_news() if is_outermost else None
            if tell_news is not None:
                tell_news()
            self._in_progress.add(function_id)
            try:
                if hasattr(sys, "ps1"):  # somebody types
                    from rayx.values import redefinitions

                    redefinitions.note(function_id, function)
                pickled, ids = serialization.dump_by_value(function, reference.name)
                _check_size(reference.name, function, pickled)
                self._pickled.append((reference, pickled, ids))
                if is_outermost:
                    self._send()
            except BaseException:
                self._in_progress.discard(function_id)
                raise
            finally:
                if is_outermost:
                    self._in_progress.clear()
                    self._pickled.clear()

    def _send(self) -> None:
        for reference, pickled, ids in self._pickled:
            try:
                self._client.export_function(reference.function_id, reference.name, pickled, ids)
            except RayletError as error:
                raise self._failure(error) from None
        # Only now: another thread must not submit a task before its function has been sent.
        for reference, _, _ in self._pickled:
            reference.client = self._client
            self._exported.add(reference)

    def close(self) -> None:
        """Gives up what refers to the session, which is over."""
        with self._lock:
            for reference in list(self._exported):
                reference.release()
            self._exported.clear()

    def fetch(self, function_id: bytes) -> Callable[..., Any]:
        """The function; from the node when it is asked for the first time."""
        function = self._loaded.get(function_id)
        if function is not None:
            return function
        try:
            pickled = self._client.fetch_function(function_id)
        except RayletError as error:
            if error.code != "NotFound":
                raise self._failure(error) from None
            raise errors.RayxError(
                f"function {function_id.hex()} is not known to the node: either its remote "
                "function was made in another session, or nobody had it any more. A function is "
                "forgotten when the last remote function object of it is gone; keep one for as "
                "long as it is to be called."
            ) from None
        try:
            loaded: Callable[..., Any] = pickle.loads(pickled)
        except errors.INTERRUPTIONS:
            raise
        except Exception as error:
            raise errors.SerializationError(
                "the function could not be unpickled: "
                f"{value_text.type_name(error)}: {value_text.text_of(error)}"
            ) from error
        if not self.keeps_loaded:
            return loaded
        if len(self._loaded) >= _LOADED_MAX:
            self.forget([next(iter(self._loaded))])
        self._sizes[function_id] = len(pickled)
        self._loaded[function_id] = loaded
        return loaded

    def forget_loaded(self) -> None:
        """Lets go of what was fetched, and with it of what only those functions refer to."""
        self._loaded.clear()
        self._sizes.clear()

    def forget(self, function_ids: list[bytes]) -> None:
        """Lets go of loaded functions. Without any: the worker is idle, and may clean up."""
        for function_id in function_ids:
            if self._loaded.pop(function_id, None) is not None:
                self._forgotten += 1
                self._forgotten_bytes += self._sizes.pop(function_id, 0)
        much = self._forgotten_bytes > _FORGOTTEN_BYTES_MAX or self._forgotten > _FORGOTTEN_MAX
        if much or (self._forgotten and not function_ids):
            self._forgotten = self._forgotten_bytes = 0
            gc.collect()

    def _failure(self, error: RayletError) -> errors.RayxError:
        explained = self._explain()
        if explained is not None:
            return explained(error)
        return errors.from_status(error.code, error.message)


def _check_size(name: str, function: Callable[..., Any], pickled: bytes) -> None:
    if len(pickled) <= FUNCTION_BYTES_MAX:
        return
    sizes = _captured_sizes(function)
    largest = ", ".join(f"'{variable}' ({_mib(size)})" for variable, size in sizes[:3])
    raise errors.SerializationError(
        f"the function {name} is {_mib(len(pickled))} large when pickled, the limit is "
        f"{_mib(FUNCTION_BYTES_MAX)}. It carries {largest or 'its data'} along. Store large data "
        "once with rayx.put, and pass the ObjectID to the function as an argument."
    )


def _captured_sizes(function: Callable[..., Any]) -> list[tuple[str, int]]:
    """What a function takes from outside, the largest first."""
    from rayx.values import pickle_path

    sizes = []
    if isinstance(function, types.FunctionType):
        for _, variable, value in pickle_path.captured_variables(function):
            try:
                pickled, _ = serialization.dump_by_value(value, variable)
            except errors.SerializationError:
                continue
            sizes.append((variable, len(pickled)))
    return sorted(sizes, key=lambda item: -item[1])


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):.1f} MiB"
