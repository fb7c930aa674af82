"""Questions to the node, with a Python face. One function a question.

What can be asked stands in cpp/common/protocol/questions.fbs; cpp/daemon/questions.cc answers it,
and in PYTHON_MODE rayx/inline/client.py. Each function raises RayletError "TimedOut" if there is no
answer in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rayx._raylet import RESOURCE_UNITS_PER_ONE, TASK_ID_BYTES

if TYPE_CHECKING:
    from rayx._raylet import ObjectID
    from rayx.node_client import NodeClient


def errors(client: NodeClient, timeout_ms: int) -> list[tuple[bytes, bytes, str, str, str, float]]:
    """(driver id, task id, function name, kind, text, time) of each failed task, oldest first."""
    return [
        (one["driver_id"], one["task_id"], one["name"], one["kind"], one["text"], one["time"])
        for one in client.ask("Errors", {}, timeout_ms)["errors"]
    ]


def resources(
    client: NodeClient, timeout_ms: int, node_id: bytes | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """All that can be given to tasks, and what of it is free; of another node, if one is named."""
    reply = client.ask("Resources", _at(node_id), timeout_ms)
    return _amounts(reply["total"]), _amounts(reply["available"])


def _amounts(items: list[dict[str, Any]]) -> dict[str, float]:
    return {one["name"]: one["units"] / RESOURCE_UNITS_PER_ONE for one in items}


def dump(client: NodeClient, timeout_ms: int) -> str:
    """The state of every part of the node, for people."""
    text: str = client.ask("Dump", {}, timeout_ms)["text"]
    return text


def explain(client: NodeClient, object_id: ObjectID[Any], timeout_ms: int) -> str:
    """Why the task that makes the object has not ended; "" if the node knows of none."""
    text: str = client.ask("Explain", _task_of(object_id), timeout_ms)["text"]
    return text


def hold_up(client: NodeClient, object_id: ObjectID[Any], timeout_ms: int) -> tuple[str, str]:
    """(cause, text): why nothing works on the task that makes the object.

    Or on the one that makes what that task waits for. The cause is the same for all that it holds
    up. Both are "" if something works on it, or if the node knows of no such task.
    """
    reply = client.ask("HoldUp", _task_of(object_id), timeout_ms)
    return reply["cause"], reply["text"]


def count_unfinished(client: NodeClient, timeout_ms: int) -> int:
    """Tasks of this driver that have not ended, and calls of its actors."""
    count: int = client.ask("Unfinished", {}, timeout_ms)["count"]
    return count


def node(client: NodeClient, timeout_ms: int, node_id: bytes | None = None) -> dict[str, Any]:
    """What the node does, or another one that is named, in numbers: the fields of NodeReply."""
    return client.ask("Node", _at(node_id), timeout_ms)


def drain(
    client: NodeClient,
    timeout_ms: int,
    node_id: bytes | None = None,
    grace_ms: int | None = None,
) -> dict[str, int]:
    """Has the node, or another one that is named, drained; what is left, the fields of DrainReply.

    RayletError "Unavailable" if it cannot be drained. `grace_ms`: when it leaves at the latest;
    None: as it was set up to. One that is being drained can only be made to leave sooner.
    """
    asked = {"grace_ms": grace_ms or 0} | _at(node_id)
    reply: dict[str, int] = client.ask("Drain", asked, timeout_ms)
    return reply


def nodes(client: NodeClient, timeout_ms: int) -> list[dict[str, Any]]:
    """The nodes of the session, oldest first: the fields of NodeRecord, amounts in whole units."""
    found: list[dict[str, Any]] = client.ask("Nodes", {}, timeout_ms)["nodes"]
    return [one | {"total": _amounts(one["total"])} for one in found]


def records(
    client: NodeClient, kind: str, most: int, timeout_ms: int, node_id: bytes | None = None
) -> tuple[list[tuple[str, dict[str, str]]], int]:
    """(hexadecimal id, fields) of at most `most` things of a kind, and how many there are beside.

    `kind` is "drivers", "functions", "tasks", "actors", "objects" or "errors". Of functions,
    tasks, actors and objects each node knows those that are there; it is the client's own if none
    is named.
    """
    reply = client.ask("Records", {"kind": kind, "most": most} | _at(node_id), timeout_ms)
    rows = [
        (one["id"].hex(), {field["name"]: field["value"] for field in one["fields"]})
        for one in reply["records"]
    ]
    return rows, reply["left_out"]


def _at(node_id: bytes | None) -> dict[str, Any]:
    return {} if node_id is None else {"node": node_id}


def _task_of(object_id: ObjectID[Any]) -> dict[str, Any]:
    return {"task_id": object_id.binary()[:TASK_ID_BYTES]}
