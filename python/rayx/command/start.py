"""`rayx start`: a session that belongs to no program, a cluster's head, or another node of one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from argparse import Namespace

from rayx import errors
from rayx.command import node_options, reach, start_words
from rayx.records.session_records import SessionRecord
from rayx.standing import sessions


def run(options: Namespace) -> int:
    """Starts it, and prints how to join it."""
    reach.refuse_contradictions(options)
    # Here, since a node that is started again has no more time by that.
    begun_ms = int(time.monotonic() * 1000)
    lifetime_ms = node_options.span("--lifetime", options.lifetime)
    head, address = None, options.node_ip_address
    if options.redis_address is not None:
        head, found = reach.head_to_join(options.redis_address)
        address = found if address is None else address
    checked = node_options.checked(options, address, "rayx start")
    where = reach.of(options, checked.node_ip_address, node_options.port(options), head)
    where = where._replace(
        grace_ms=node_options.span("--grace", options.grace),
        leave_at_ms=None if lifetime_ms is None else begun_ms + lifetime_ms,
    )
    reach.warn_if_insecure(where)
    try:
        record = sessions.start(checked, where)
    except errors.StartError as error:
        raise node_options.as_typed(error, "rayx start") from None
    is_chosen = head is not None and options.node_ip_address is None
    told = start_words.told(record, is_chosen)
    if options.block:
        return _wait(record, told)
    print(told, flush=True)
    return 0


def _wait(record: SessionRecord, told: str) -> int:
    """Until it ends, or this program is told to.

    By the first SIGTERM a node that has joined a cluster is drained.
    """
    drained = False

    def end(number: int, frame: object) -> None:
        nonlocal drained
        if drained or not record.head:
            raise KeyboardInterrupt
        drained = True
        with contextlib.suppress(OSError):  # print() cannot be called from within itself
            os.write(1, f"The node at {record.address} is drained before it leaves.\n".encode())
        record.supervisor.send(signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    try:
        # Who has read it may say so at once.
        print(told, flush=True)
        while not record.supervisor.wait(3600):
            continue
    except KeyboardInterrupt:
        sessions.stop(record)
        print(f"Stopped the {_what(record)} at {record.address}.", flush=True)
        return 0
    if drained and not record.path.exists():
        print(f"The node at {record.address} has left the cluster.", flush=True)
        return 0
    if not record.path.exists():  # somebody has stopped it
        print(f"The {_what(record)} at {record.address} was stopped.", flush=True)
        return 0
    print(f"rayx start: the {_what(record)} has ended: {record.why_it_ended()}", file=sys.stderr)
    return 1


def _what(record: SessionRecord) -> str:
    return "node" if record.head else "session"
