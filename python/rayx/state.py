"""What a session has at the moment: nodes, drivers, functions, tasks, actors, objects, errors.

>>> import rayx
>>> with rayx.init(num_cpus=2):
...     [node.resources for node in rayx.state.nodes()]
[{'CPU': 2.0}]

Each function returns a list of records, of all drivers of the session. It is a look at one moment:
what is listed may have changed before the list is there. Ids are texts of hexadecimal digits, times
are seconds since the epoch. In PYTHON_MODE nothing runs elsewhere, and all lists but those of nodes
and errors are empty.

Of a cluster, all nodes are asked for their functions, tasks, actors and objects, one after the
other; what two nodes have is listed for each. A node that does not answer is left out, and so are
records beyond `limit` (10,000 unless said), and those that do not fit in one answer: a warning says
which, or how many.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

from rayx import queries, questions, session
from rayx._raylet import RayletError
from rayx.error_records import ErrorInfo, Record
from rayx.errors import ControlPlaneUnavailableError
from rayx.text.quantities import whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rayx.records.node_info import NodeInfo

LIMIT = 10_000

# The node itself gives up what control servers do not answer, and says why: after 10 seconds, and
# 5 more in which a server that has lost its data is told again.
_QUERY_MS = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class DriverInfo(Record):
    """A program that uses the session, or has."""

    driver_id: str
    node_id: str
    pid: int
    started_at: float
    #: None while it is there.
    ended_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class FunctionInfo(Record):
    """A remote function, or a class of actors, that something can still call."""

    function_id: str
    driver_id: str
    name: str
    #: How large its pickle is, with what it has captured.
    pickled_bytes: int
    #: Which has it; others fetch it when they run it first.
    node_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class TaskInfo(Record):
    """A task or a call that has not ended. The creation of an actor lasts as long as the actor."""

    task_id: str
    driver_id: str
    function_id: str
    node_id: str
    #: Of the function or method.
    name: str
    #: "waiting" or "running"; a running one may be prefetched by a worker that has not begun it.
    state: str


@dataclasses.dataclass(frozen=True, slots=True)
class ActorInfo(Record):
    """An actor that lives, or that something still refers to."""

    actor_id: str
    driver_id: str
    node_id: str
    class_name: str
    #: "" if it has none.
    name: str
    #: "pending", "alive", "restarting" or "dead".
    state: str
    restarts: int
    #: Why it is dead; "" if it is not.
    cause: str


@dataclasses.dataclass(frozen=True, slots=True)
class ObjectInfo(Record):
    """An object that has a value."""

    object_id: str
    node_id: str
    nbytes: int
    #: In shared memory; small ones are not.
    in_shared_memory: bool
    #: How many processes, tasks and other objects refer to it.
    references: int


def nodes() -> list[NodeInfo]:
    """As `rayx.nodes()`."""
    return queries.nodes()


def drivers(*, limit: int = LIMIT) -> list[DriverInfo]:
    """The drivers, in the order in which they have come; those that have ended too."""
    return sorted(_listed("drivers", limit, _driver), key=lambda one: one.started_at)


def functions(*, limit: int = LIMIT) -> list[FunctionInfo]:
    """The remote functions and classes of actors."""
    return _listed_everywhere("functions", limit, _function)


def tasks(*, limit: int = LIMIT) -> list[TaskInfo]:
    """The tasks and calls that have not ended."""
    return _listed_everywhere("tasks", limit, _task)


def actors(*, limit: int = LIMIT) -> list[ActorInfo]:
    """The actors."""
    return _listed_everywhere("actors", limit, _actor)


def objects(*, limit: int = LIMIT) -> list[ObjectInfo]:
    """The objects, the largest first."""
    return _listed_everywhere("objects", limit, _object)


def errors(*, limit: int = LIMIT) -> list[ErrorInfo]:
    """The failed tasks, oldest first, as far as the error table remembers.

    `rayx.error_info()` tells those of this driver.
    """
    if session.current().mode == session.PYTHON_MODE:  # there is no other driver
        return queries.error_info()[-whole("limit", limit, 1, 1 << 32) :]
    return sorted(_listed("errors", limit, _error), key=lambda one: one.time)


def _listed(kind: str, limit: int, made: Callable[[str, Mapping[str, str]], Any]) -> list[Any]:
    """What the control tables tell."""
    most = whole("limit", limit, 1, 1 << 32)
    owner = session.current()
    try:
        rows, left_out = questions.records(owner.client, kind, most, _QUERY_MS)
    except RayletError as error:
        raise owner.failure(error) from None
    if left_out:
        _warn_left_out(kind, len(rows), left_out)
    return [made(record_id, fields) for record_id, fields in rows]


def _listed_everywhere(
    kind: str, limit: int, made: Callable[[str, Mapping[str, str]], Any]
) -> list[Any]:
    """What each node tells of itself."""
    most = whole("limit", limit, 1, 1 << 32)
    owner = session.current()
    listed: list[Any] = []
    left_out = 0
    for node_id in _living_nodes(kind):
        try:
            rows, beside = questions.records(
                owner.client, kind, most, _QUERY_MS, bytes.fromhex(node_id)
            )
        except RayletError as error:
            if error.code != "Unavailable":
                raise owner.failure(error) from None
            warnings.warn(f"its {kind} are not listed: {error.message}", stacklevel=3)
            continue
        listed += [made(record_id, {"node": node_id, **fields}) for record_id, fields in rows]
        left_out += beside
    if kind == "objects":
        listed.sort(key=lambda one: one.nbytes, reverse=True)
    left_out += max(len(listed) - most, 0)
    if left_out:
        _warn_left_out(kind, min(len(listed), most), left_out)
    return listed[:most]


def _living_nodes(kind: str) -> list[str]:
    """Their ids; of this process' node alone, after a warning, if the tables cannot be reached."""
    try:
        return [node.node_id for node in queries.nodes() if node.alive]
    except ControlPlaneUnavailableError as error:
        own = questions.node(session.current().client, _QUERY_MS)
        warnings.warn(f"only this node's {kind} are listed: {error}", stacklevel=4)
        return [own["node_id"].hex()]


def _warn_left_out(kind: str, shown: int, left_out: int) -> None:
    warnings.warn(
        f"there are {shown + left_out:,} {kind}, of which {shown:,} are listed", stacklevel=4
    )


def _driver(record_id: str, fields: Mapping[str, str]) -> DriverInfo:
    return DriverInfo(
        driver_id=record_id,
        node_id=fields["node"],
        pid=int(fields["pid"]),
        started_at=float(fields["started_at"]),
        ended_at=float(fields["ended_at"]) or None,
    )


def _function(record_id: str, fields: Mapping[str, str]) -> FunctionInfo:
    return FunctionInfo(
        function_id=record_id,
        driver_id=fields["driver"],
        name=fields["name"],
        pickled_bytes=int(fields["pickled_bytes"]),
        node_id=fields["node"],
    )


def _task(record_id: str, fields: Mapping[str, str]) -> TaskInfo:
    return TaskInfo(
        task_id=record_id,
        driver_id=fields["driver"],
        # A call of an actor has none.
        function_id=fields.get("function", ""),
        node_id=fields["node"],
        name=fields.get("name", ""),
        state=fields["state"],
    )


def _actor(record_id: str, fields: Mapping[str, str]) -> ActorInfo:
    return ActorInfo(
        actor_id=record_id,
        driver_id=fields["driver"],
        node_id=fields["node"],
        class_name=fields["class"],
        name=fields.get("name", ""),
        state=fields["state"],
        restarts=int(fields["restarts"]),
        cause=fields.get("cause", ""),
    )


def _object(record_id: str, fields: Mapping[str, str]) -> ObjectInfo:
    return ObjectInfo(
        object_id=record_id,
        node_id=fields["node"],
        nbytes=int(fields["size"]),
        in_shared_memory=fields["in_pool"] == "1",
        references=int(fields["references"]),
    )


def _error(record_id: str, fields: Mapping[str, str]) -> ErrorInfo:
    return ErrorInfo(
        driver_id=fields["driver"],
        task_id=record_id,
        function=fields["name"],
        kind=fields["kind"],
        message=fields["text"],
        time=float(fields["time"]),
    )
