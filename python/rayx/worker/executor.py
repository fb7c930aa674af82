"""What a worker does with the tasks it is given.

`Executor(session, output).serve()` is a worker's life.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rayx._raylet import KIND_ACTOR_CALL, KIND_ACTOR_CREATION
from rayx.process import process_title
from rayx.running.actor_runner import Concurrency, RunningActor
from rayx.running.interrupts import raise_here
from rayx.running.task_run import TaskRun
from rayx.worker.context import WorkerContext

if TYPE_CHECKING:
    from rayx._raylet import RunnableTask
    from rayx.running.worker_output import WorkerOutput
    from rayx.session import Session
    from rayx.worker.actor_coroutines import CoroutineCalls


class Executor:
    """Runs functions; or makes an actor and runs its calls from then on. In the main thread."""

    def __init__(self, session: Session, output: WorkerOutput) -> None:
        self.context = context = WorkerContext(session, output)
        self.interrupts = context.interrupts
        self._session = session
        self._output = output
        self._environment = context.environment
        self._actor: RunningActor | None = None
        self._coroutines: CoroutineCalls | None = None

    def serve(self) -> None:
        """Takes tasks and runs them. Raises when the connection to the node is gone."""
        next_task, forget = self.context.client.next_task, self._session.functions.forget
        while True:
            self.run(next_task(forget))
            actor = self._actor
            if self._coroutines is not None:
                self._coroutines.serve()
            elif actor is not None and actor.concurrency is Concurrency.THREADS:
                from rayx.worker.actor_threads import ThreadedCalls

                ThreadedCalls(self.context, actor).serve()

    def run(self, task: RunnableTask) -> None:
        """Runs the task and reports it. Raises only if the connection to the node is gone."""
        if self._coroutines is not None:
            self._coroutines.run(task)
            return
        run = TaskRun(task, self._session, self._output, self._environment)
        if run.begins():
            self._try(run)
        actor = self._actor
        if actor is not None and task.kind == KIND_ACTOR_CALL:
            actor.finish(run)
        else:
            run.finish()

    def _try(self, run: TaskRun) -> None:
        # The signal's handler raises wherever we are between open and close, even in `finally`.
        task = run.task
        try:
            try:
                self.interrupts.open(task, raise_here)
                run.prepare()
                run.returned(self._function(task)(*run.args, **run.kwargs))
            finally:
                self.interrupts.close(task)
        except BaseException as error:
            self.interrupts.close(task)  # again: a signal may have come before it had begun to
            if self._session.forked:  # a child of the task's, which ends as other processes do
                raise
            run.failed(error)
            if task.kind == KIND_ACTOR_CREATION:
                self._forget_actor()

    def _function(self, task: RunnableTask) -> Callable[..., Any]:
        if task.kind == KIND_ACTOR_CALL:
            actor = self._actor
            if actor is None:
                raise RuntimeError(f"{task.name} was given to a worker that has no actor")
            actor.begins(task)
            return actor.method(task.method)
        loaded = self._session.functions.fetch(task.function_id)
        if task.kind == KIND_ACTOR_CREATION:
            return self._constructor(task, loaded)
        return loaded

    def _constructor(self, task: RunnableTask, cls: Any) -> Callable[..., Any]:
        actor = self._actor = self._session.actor = RunningActor(task, cls)
        process_title.set_actor(task.name)
        if actor.concurrency is not Concurrency.COROUTINES:
            return actor.make
        from rayx.worker.actor_coroutines import CoroutineCalls

        self._coroutines = CoroutineCalls(self.context, actor)
        return self._coroutines.make

    def end(self) -> None:
        """Nothing runs any more: lets go of the actor, if there is one."""
        self._forget_actor()

    def _forget_actor(self) -> None:
        self._actor = self._session.actor = None
        if self._coroutines is not None:
            self._coroutines.close()
            self._coroutines = None
