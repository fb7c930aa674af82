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
                others = questions.nodes(client, _QUERY_MS)
    finally:
        client.close()
    resources = {
        name: {"total": amount, "available": available.get(name, 0.0)}
        for name, amount in total.items()
    }
    own = node | {
        "node_id": node["node_id"].hex(),
        "has_tables": bool(node["has_tables"]),
        "alive": True,
        "resources": resources,
    }
    return {"nodes": [own, *(_other(one) for one in others if one["node_id"] != node["node_id"])]}


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
