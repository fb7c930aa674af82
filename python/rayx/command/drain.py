"""`rayx drain`: a node gives to others what it has for them, and leaves its cluster.

rayx drain                             this machine's node
rayx drain 192.0.2.8 --grace=10m       another one, by its address or its id
"""

from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from rayx import errors, questions
from rayx._raylet import Client, RayletError
from rayx.command import chosen
from rayx.records.host_port import HostPort
from rayx.records.session_records import SessionRecord
from rayx.text.spans import milliseconds_of

_QUERY_MS = 5_000
_LOOK_SECONDS = 0.1
# Who does not answer for so long beyond its time has left, or is lost.
_PATIENCE_SECONDS = 10.0


def run(options: Namespace) -> int:
    """Waits until the node has left, unless it shall not; says meanwhile what is not done."""
    grace_ms = None if options.grace is None else milliseconds_of("--grace", options.grace)
    record = _record_of(options.address)
    client = Client.connect_observer(str(Path(record.session_dir) / "node.sock"), os.urandom(16))
    try:
        node = _node_named(options.node, client, record)
        name = f"node {node['node_id'].hex()[:8]} at {HostPort(node['host'], node['port'])}"
        try:
            told = questions.drain(client, _QUERY_MS, node["node_id"], grace_ms)
        except RayletError as error:
            raise errors.StartError(f"{name} cannot be drained: {error.message}") from None
        if options.no_wait:
            print(f"{name} is drained, and leaves in {_span(told)} at the latest.")
            return 0
        return _wait(client, node["node_id"], name, told)
    finally:
        client.close()


def _record_of(address: str | None) -> SessionRecord:
    living = [one for one in chosen.records(address) if one.supervisor.is_alive()]
    if not living:
        where = "" if address is None else f" at {address}"
        raise errors.StartError(f"there is no session of yours{where} on this machine")
    if len(living) > 1:
        raise ValueError(
            "there are several sessions of yours on this machine; say by --address which one's "
            f"cluster it is: {', '.join(one.address for one in living)}"
        )
    return living[0]


def _node_named(text: str | None, client: Client, record: SessionRecord) -> dict[str, Any]:
    """The one living node with that id, or the first digits of it, or at that address."""
    nodes = [one for one in questions.nodes(client, _QUERY_MS) if one["alive"]]
    if text is None:
        own = questions.node(client, _QUERY_MS)["node_id"]
        found = [one for one in nodes if one["node_id"] == own]
    else:
        found = [one for one in nodes if text.lower() in _names_of(one)]
        found = found or [one for one in nodes if one["node_id"].hex().startswith(text.lower())]
    if len(found) == 1:
        return found[0]
    there = "\n".join(f"  {one['node_id'].hex()} at {_names_of(one)[1]}" for one in nodes)
    raise ValueError(
        f"{'no node' if not found else 'more than one node'} of the cluster {record.cluster} is "
        f"meant by {text!r}. Give its address, or the first digits of its id:\n{there}"
    )


def _names_of(node: dict[str, Any]) -> tuple[str, str, str]:
    return node["host"], str(HostPort(node["host"], node["port"])), node["node_id"].hex()


def _wait(client: Client, node_id: bytes, name: str, told: dict[str, int]) -> int:
    """0 if nothing of others was left when it was seen last, 1 if something was."""
    said = None
    deadline = time.monotonic() + told["left_ms"] / 1000 + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        text = _left(told)
        if text != said:
            print(f"{name} is drained: {text}", flush=True)
            said = text
        time.sleep(_LOOK_SECONDS)
        try:
            told = questions.drain(client, _QUERY_MS, node_id)
        except RayletError:  # it does not answer any more
            break
    is_done = not any(told[kind] for kind in _KINDS)
    if is_done:
        print(f"{name} has left.")
        return 0
    print(f"{name} has left, since its time was up; when it was last heard, {_left(told)}")
    return 1


# What a node says it has left, and how people call it.
_KINDS = ("tasks", "actors", "calls", "objects", "drivers")


def _left(told: dict[str, int]) -> str:
    parts = [
        f"{told[kind]} {kind if told[kind] != 1 else kind.removesuffix('s')}"
        for kind in _KINDS
        if told[kind]
    ]
    if not parts:
        return "nothing of others is left"
    return f"{', '.join(parts)} to go, {_span(told)} at the most"


def _span(told: dict[str, int]) -> str:
    return f"{told['left_ms'] / 1000:.0f} s"
