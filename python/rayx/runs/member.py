"""A member of a run, which serves until the run is over.

Its process ends with the node, and the node with it. SIGTERM has the node drained, a second one
ends it at once.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable
from types import FrameType

from rayx import errors
from rayx.runs.own_node import OwnNode

# So often it is asked whether the run is over.
_ASK_MS = 1000
# As the daemons say it.
_HEAD_ENDED = "the head has ended the cluster"


class _Told(BaseException):
    """By SIGTERM. Not an Exception, since it may come anywhere."""


def serve(
    node: OwnNode, lifeline: int | None = None, is_over: Callable[[], bool] = lambda: False
) -> int:
    """Until the node has ended; the exit code: 0 if it ended with its cluster, or was told to.

    It is ended when `lifeline`, a descriptor, is at its end, or `is_over`, which is asked now and
    then: a head that dies, or gives up before this node knows it, says no goodbye.
    """
    told = 0

    def end(number: int, frame: FrameType | None) -> None:
        raise _Told

    why = ""
    before = signal.signal(signal.SIGTERM, end)
    try:
        while True:
            try:
                if told == 1:
                    node.drain()
                if told > 1 or not _wait_for_end(node, lifeline, is_over):
                    return 0
                why = node.why_it_ended()
                break
            except _Told:
                told += 1
            except errors.StartError:  # it cannot be drained, since it is alone or about to end
                told += 1
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
        node.stop()
    if told or why.startswith(_HEAD_ENDED):
        return 0
    print(f"rayx run: the node at {node.address} has ended: {why}", file=sys.stderr)
    return 1


def _wait_for_end(node: OwnNode, lifeline: int | None, is_over: Callable[[], bool]) -> bool:
    """True if it was the node's, False if it was the run's."""
    supervisor = os.pidfd_open(node.record.supervisor.pid)
    try:
        waits = select.poll()
        waits.register(supervisor, select.POLLIN)
        if lifeline is not None:
            waits.register(lifeline, select.POLLIN)
        while True:
            ready = [fd for fd, _ in waits.poll(_ASK_MS)]
            if supervisor in ready:
                return True
            if is_over() or (lifeline in ready and not os.read(lifeline, 4096)):
                return False
    finally:
        os.close(supervisor)
