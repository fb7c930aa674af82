"""What a standing session does now, asked of its node by somebody who does not join it.

    look(record)["state"]

For `rayx status`: people, and programs that watch sessions.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from rayx import questions
from rayx._raylet import Client, RayletError
from rayx.launch.session_facts import NODE_ENDING
from rayx.records.session_records import SessionRecord

#: The node answers.
SERVING = "serving"
#: The node has died, and is being started again.
RESTARTING = "restarting"
#: The supervisor lives, and the node does not answer.
UNKNOWN = "unknown"
#: Nothing of it is left but its record.
ENDED = "ended"

_QUERY_MS = 5_000
#: For a node of another machine.
_OTHER_MS = 1_000
_WORDS_MAX = 1 << 16


def look(record: SessionRecord) -> dict[str, Any]:
    """Its state, why it is so if it does not serve, and what its node tells if it does.

    All values are those that JSON has.
    """
    told: dict[str, Any] = {
        "address": record.address,
        "state": ENDED,
        "why": "",
        "session_dir": record.session_dir,
        "supervisor_pid": record.supervisor.pid,
        "started_at": record.started_at,
        "rayx_version": record.rayx_version,
        "python_version": record.python_version,
        "key_file": record.key_file,
        "insecure": record.insecure,
        "cluster": record.cluster,
    }
    if not record.supervisor.is_alive():
        return told | {"why": record.why_it_ended()}
    try:
        return told | {"state": SERVING} | _ask(record)
    except RayletError as error:
        why = _why_node_ended(record)
        is_away = why or not (Path(record.session_dir) / "node.sock").exists()
        return told | {"state": RESTARTING if is_away else UNKNOWN, "why": why or error.message}


def _ask(record: SessionRecord) -> dict[str, Any]:
    """This machine's node, with what it does; then all others of the cluster, oldest first."""
    node_socket = Path(record.session_dir) / "node.sock"
    client = Client.connect_observer(str(node_socket), os.urandom(16))
    try:
        node = questions.node(client, _QUERY_MS)
        total, available = questions.resources(client, _QUERY_MS)
        others = []
        if record.head or record.takes_nodes:
            with contextlib.suppress(RayletError):  # the tables are away, as has_tables tells
                others = [
                    _ask_other(client, one)
                    for one in questions.nodes(client, _QUERY_MS)
                    if one["node_id"] != node["node_id"]
                ]
    finally:
        client.close()
    return {"nodes": [_told(node, total, available), *others]}


def _told(
    node: dict[str, Any], total: dict[str, float], available: dict[str, float]
) -> dict[str, Any]:
    """A node as it tells of itself."""
    resources = {
        name: {"total": amount, "available": available.get(name, 0.0)}
        for name, amount in total.items()
    }
    return node | {
        "node_id": node["node_id"].hex(),
        "has_tables": bool(node["has_tables"]),
        "alive": True,
        "resources": resources,
    }


def _ask_other(client: Client, found: dict[str, Any]) -> dict[str, Any]:
    """A node of another machine: what it tells, or if it does not, what the tables do."""
    node_id = found["node_id"]
    if not found["alive"]:
        return _other(found)
    try:
        node = questions.node(client, _OTHER_MS, node_id)
        return {"port": found["port"]} | _told(
            node, *questions.resources(client, _OTHER_MS, node_id)
        )
    except RayletError as error:
        return _other(found) | {"why": error.message}


def _other(node: dict[str, Any]) -> dict[str, Any]:
    """A node of another machine, as far as the tables tell of it."""
    return {
        "node_id": node["node_id"].hex(),
        "host": node["host"],
        "port": node["port"],
        "pid": node["pid"],
        "alive": bool(node["alive"]),
        "started_at": node["started_at"],
        "heartbeat_at": node["heartbeat_at"],
        "pool_bytes": node["pool_bytes"],
        "resources": {name: {"total": amount} for name, amount in node["total"].items()},
    }


def _why_node_ended(record: SessionRecord) -> str:
    with contextlib.suppress(OSError):
        path = Path(record.session_dir) / NODE_ENDING
        return path.read_text(errors="replace")[:_WORDS_MAX].strip()
    return ""
