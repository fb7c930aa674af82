"""The life of a worker: from its fork to the end of its connection."""

from __future__ import annotations

import functools
import os
import platform
import sys

from rayx import questions, session
from rayx._raylet import Client, RayletError
from rayx.process import forked_child
from rayx.running.worker_output import WorkerOutput
from rayx.worker import end as worker_end
from rayx.worker.executor import Executor

# Longer, and lines may get the name of another task; nothing else depends on it.
_MEETING_MS = 1000


def run(socket_fd: int, claim_fd: int, number: int) -> None:
    """Runs tasks until the node ends this worker. Does not return.

    What users have left to be finished is finished then (worker/end.py). The rest of Python's
    finalization is left out: there is nothing of ours to be closed that the kernel does not close.
    """
    output = WorkerOutput()
    output.install()
    client = Client.adopt_worker(socket_fd, claim_fd, number, platform.python_version())
    output.meet_node = functools.partial(_meet_node, client)
    owner = session.Session(client, session.WORKER_MODE)
    session.set_current(owner)
    executor = Executor(owner, output)
    executor.interrupts.install()
    worker_end.install(client.note_exit_work)
    exit_code = 1
    in_order = False
    try:
        executor.serve()
    except RayletError as error:
        if error.code == "Disconnected":
            exit_code, in_order = 0, True
        elif error.code == "Forked":
            exit_code = forked_child.exit_code(error)
        else:
            print(f"rayx worker: {error.message}", file=sys.stderr)
    except BaseException as error:
        exit_code = forked_child.exit_code(error)
    try:
        if in_order:  # only here: an error refers to what shall be let go
            worker_end.run(executor, owner)
    finally:
        output.take()
        os._exit(exit_code)


def _meet_node(client: Client) -> None:
    """Returns when the node has taken in all we have sent: it answers in order."""
    try:
        questions.count_unfinished(client, _MEETING_MS)
    except RayletError:
        return  # a fork of the worker, or its end: there is nobody to meet
