"""What `rayx.nodes` tells of a node.

>>> node = rayx.nodes()[-1]
>>> node.address, node.alive, node["resources"]["CPU"]
('127.0.0.1', True, 4.0)
"""

from __future__ import annotations

import dataclasses
from typing import Any

from rayx.error_records import Record


@dataclasses.dataclass(frozen=True, slots=True)
class NodeInfo(Record):
    """One node of the session. Its fields can also be had by name, as from a dictionary."""

    #: In hexadecimal. A node that is started again is another one.
    node_id: str
    #: By which the session knows the machine.
    address: str
    #: At which other nodes reach it; 0 if none can.
    port: int
    #: The daemon's process.
    pid: int
    #: False: it has ended, or was found dead.
    alive: bool
    #: All there is to be given to tasks.
    resources: dict[str, float]
    #: Bytes for shared objects.
    object_store_memory: int
    #: Seconds since the epoch.
    started_at: float
    #: When it has last told that it lives; it does so every second.
    heartbeat_at: float


def records(found: list[dict[str, Any]]) -> list[NodeInfo]:
    """What the client tells (questions.py)."""
    return [
        NodeInfo(
            node_id=one["node_id"].hex(),
            address=one["host"],
            port=one["port"],
            pid=one["pid"],
            alive=bool(one["alive"]),
            resources=one["total"],
            object_store_memory=one["pool_bytes"],
            started_at=one["started_at"],
            heartbeat_at=one["heartbeat_at"],
        )
        for one in found
    ]
