"""What all of a worker's tasks have in common, whoever runs them: a thread, a loop, the executor.

    context = WorkerContext(session, output)
    run = context.new_run(context.next_task())

Parts of a worker that run tasks know this, and not who has begun them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rayx.process import gpus
from rayx.running.interrupts import Interrupts
from rayx.running.task_run import TaskRun

if TYPE_CHECKING:
    from rayx._raylet import RunnableTask
    from rayx.running.worker_output import WorkerOutput
    from rayx.session import Session


class WorkerContext:
    """The session of a worker, and what stands around each task in it. For any thread."""

    def __init__(self, session: Session, output: WorkerOutput) -> None:
        self.session = session
        self.client = session.client
        self.output = output
        self.environment = gpus.of_process(session)
        self.interrupts = Interrupts(session.client)

    def next_task(self) -> RunnableTask:
        """Waits for it. Lets go, before, of functions that nobody can call any more."""
        return self.client.next_task(self.session.functions.forget)

    @property
    def is_forked(self) -> bool:
        """Whether this process is a child of the worker's."""
        return self.session.forked

    def new_run(self, task: RunnableTask) -> TaskRun:
        """One run of this task, to be done by the caller."""
        return TaskRun(task, self.session, self.output, self.environment)
