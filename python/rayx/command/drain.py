"""`rayx drain`: a node gives to others what it has for them, and leaves its cluster.

rayx drain                             this machine's node
rayx drain 192.0.2.8 --grace=10m       another one, by its address or its id
"""

from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path
from typing import Any, NamedTuple

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
    try:
        client = Client.connect_observer(
            str(Path(record.session_dir) / "node.sock"), os.urandom(16)
        )
    except RayletError as error:
        raise errors.StartError(f"this machine's node does not answer: {error.message}") from None
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
        watched = _Watched(name, node["node_id"], client, record)
        return _wait(watched, told)
    except RayletError as error:
        raise errors.StartError(
            f"the nodes of the cluster are not known: {error.message}"
        ) from None
    finally:
        client.close()


class _Watched(NamedTuple):
    """A node that is drained, and how it is seen."""

    name: str
    node_id: bytes
    client: Client
    record: SessionRecord

    def ask(self) -> dict[str, int]:
        """What is left. RayletError if it does not answer."""
        return questions.drain(self.client, _QUERY_MS, self.node_id)

    def has_left(self) -> bool:
        """As the cluster knows; of this machine's own node, as its processes tell."""
        try:
            nodes = questions.nodes(self.client, _QUERY_MS)
        except RayletError:
            return not self.record.supervisor.is_alive()
        return not any(one["alive"] for one in nodes if one["node_id"] == self.node_id)


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


def _wait(node: _Watched, told: dict[str, int]) -> int:
    """0 if nothing of others was left at its end, which it tells; 1 if something was, or may be."""
    name, said = node.name, None
    deadline = time.monotonic() + told["left_ms"] / 1000 + _PATIENCE_SECONDS
    while any(told[kind] for kind in _KINDS):
        if (text := _left(told)) != said:
            print(f"{name} is drained: {text}", flush=True)
            said = text
        time.sleep(_LOOK_SECONDS)
        try:
            told = node.ask()
        except RayletError as error:
            if node.has_left():
                print(f"{name} has left; when it was last heard, {_left(told)}")
                return 1
            if time.monotonic() > deadline:
                raise errors.StartError(
                    f"{name} should have left by now, and has not. It does not answer: "
                    f"{error.message}"
                ) from None
    print(f"{name} is drained: nothing of others is left", flush=True)
    while not node.has_left():
        if time.monotonic() > deadline:
            raise errors.StartError(f"{name} has nothing of others any more, and does not leave")
        time.sleep(_LOOK_SECONDS)
    print(f"{name} has left.")
    return 0


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
