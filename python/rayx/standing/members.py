"""Waits until a cluster has its nodes, as its head knows them.

wait_for(head, {"127.0.0.1:5000", "127.0.0.1:5001"}, in_seconds(20))
wait_for_count(head, 4, in_seconds(60))
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

from rayx import errors, questions
from rayx._raylet import Client, RayletError
from rayx.records.host_port import HostPort
from rayx.records.session_records import SessionRecord

_QUERY_MS = 5_000
_LOOK_MS = 20


def in_seconds(seconds: float) -> float:
    """A deadline, by `time.monotonic`."""
    return time.monotonic() + seconds


def wait_for(head: SessionRecord, addresses: set[str], deadline: float) -> None:
    """StartError, which names those that are missing, if they are no members by then."""

    def missing(living: set[str]) -> str:
        return ", ".join(sorted(addresses - living))

    _wait(head, missing, deadline)


def wait_for_count(head: SessionRecord, count: int, deadline: float) -> None:
    """StartError, which tells how many there are, if there are not so many by then."""

    def missing(living: set[str]) -> str:
        if len(living) >= count:
            return ""
        return f"{count - len(living)} of {count}; there are {', '.join(sorted(living))}"

    _wait(head, missing, deadline)


def _wait(head: SessionRecord, missing: Callable[[set[str]], str], deadline: float) -> None:
    """The nodes tell of themselves when they serve already."""
    client = None
    try:
        node_socket = str(Path(head.session_dir) / "node.sock")
        client = Client.connect_observer(node_socket, os.urandom(16))
        while True:
            known = questions.nodes(client, _QUERY_MS)
            living = {str(HostPort(one["host"], one["port"])) for one in known if one["alive"]}
            left = missing(living)
            if not left:
                return
            if time.monotonic() > deadline:
                raise errors.StartError(f"nodes have not become members of the cluster: {left}")
            select.poll().poll(_LOOK_MS)
    except RayletError as error:
        raise errors.StartError(f"the cluster's head does not answer: {error.message}") from None
    finally:
        if client is not None:
            client.close()
