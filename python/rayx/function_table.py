"""Functions on their way to workers: pickled and sent once a session, fetched once a worker.

In the driver, and then in a worker:

    FunctionTable(client).export(function_id, "f", f)
    FunctionTable(client).fetch(function_id)(1, 2)
"""

from __future__ import annotations

import pickle
import threading
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rayx import errors, redefinitions, serialization, value_text
from rayx._raylet import RayletError

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.node_client import NodeClient

# limits::kFunctionBytesMax of the node: data that large belongs into the object store.
FUNCTION_BYTES_MAX = 32 << 20

# Functions a worker keeps; a session that redefines functions for ever must not fill its workers.
_LOADED_MAX = 1000


class FunctionTable:
    """The functions of one session, as this process knows them. Thread-safe.

    `explain` refers weakly to what turns a failure of the client into an exception, as the session
    does, which knows why it has ended; None once that is gone. `tell_news` refers likewise to what
    tells workers what is new in this driver, which a function may rely on.
    """

    def __init__(
        self,
        client: NodeClient,
        explain: Callable[[], Callable[[RayletError], errors.RayxError] | None] = lambda: None,
        tell_news: Callable[[], Callable[[], None] | None] = lambda: None,
    ) -> None:
        self._client = client
        self._explain = explain
        self._tell_news = tell_news
        self._lock = threading.RLock()
        self._exported: set[bytes] = set()
        # While the outermost export runs: functions being pickled, and those ready to be sent.
        self._in_progress: set[bytes] = set()
        self._pickled: list[tuple[bytes, str, bytes]] = []
        # Ids that exported functions refer to; their objects live as long as the session.
        self._captured_ids: list[ObjectID[Any]] = []
        self._loaded: dict[bytes, Callable[..., Any]] = {}

    def export(self, function_id: bytes, name: str, function: Callable[..., Any]) -> None:
        """Sends the function unless that was done before.

        Pickling may meet other remote functions, which come here in turn: they are sent along, all
        or none. One that is met again on the way (recursion) is a mere reference by then.
        """
        if function_id in self._exported:
            return
        with self._lock:
            if function_id in self._exported or function_id in self._in_progress:
                return
            is_outermost = not self._in_progress
            tell_news = self._tell_news() if is_outermost else None
            if tell_news is not None:
                tell_news()
            self._in_progress.add(function_id)
            try:
                redefinitions.note(function_id, function)
                pickled, ids = serialization.dump_by_value(function, name)
                _check_size(name, function, pickled)
                self._pickled.append((function_id, name, pickled))
                self._captured_ids += ids
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
        for function_id, name, pickled in self._pickled:
            try:
                self._client.export_function(function_id, name, pickled)
            except RayletError as error:
                raise self._failure(error) from None
        # Only now: another thread must not submit a task before its function has been sent.
        self._exported.update(function_id for function_id, _, _ in self._pickled)

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
                f"function {function_id.hex()} is not known to the node; "
                "was its remote function made in another session?"
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
        if len(self._loaded) >= _LOADED_MAX:
            self._loaded.pop(next(iter(self._loaded)))
        self._loaded[function_id] = loaded
        return loaded

    def forget_loaded(self) -> None:
        """Lets go of what was fetched, and with it of what only those functions refer to."""
        self._loaded.clear()

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
    from rayx import pickle_path

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
