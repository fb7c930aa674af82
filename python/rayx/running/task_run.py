"""One run of a task in a worker: its arguments, then its results or its failure.

How the function is called is for others to say, since there are several ways:

    run = TaskRun(task, worker)
    if run.begins():
        try:
            run.prepare()
            run.returned(function(*run.args, **run.kwargs))
        except BaseException as error:
            run.failed(error)
    run.finish()
"""

from __future__ import annotations

import os
import pickle
import types
from typing import TYPE_CHECKING, Any

from rayx import errors
from rayx._raylet import (
    ERROR_OBJECT_STORE_FULL,
    KIND_ACTOR_CALL,
    KIND_ACTOR_CREATION,
    KIND_SYSTEM_ERROR,
    KIND_TASK_ERROR,
    RayletError,
)
from rayx.calls import signature
from rayx.process import driver_config, process_mark
from rayx.running import task_failure
from rayx.text import value_text
from rayx.values import serialization
from rayx.values.serialization import Serialized

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from rayx._raylet import ObjectID, RunnableTask
    from rayx.process.gpus import TaskEnvironment
    from rayx.running.stream_run import StreamRun
    from rayx.running.worker_output import WorkerOutput
    from rayx.session import Session


# Most tasks share this one; it is never written to.
_NO_KWARGS: dict[str, Any] = {}


class TaskRun:
    """A task from its arguments to its results. Of one thread, or one coroutine."""

    __slots__ = (
        "_client",
        "_environment",
        "_error_text",
        "_failed",
        "_given",
        "_output",
        "_results",
        "_session",
        "args",
        "kwargs",
        "state",
        "task",
    )

    def __init__(
        self,
        task: RunnableTask,
        session: Session,
        output: WorkerOutput,
        environment: TaskEnvironment,
    ) -> None:
        self.task = task
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = _NO_KWARGS
        #: The actor's state after a call, to be kept by the node.
        self.state: ObjectID[Any] | None = None
        self._session = session
        self._client = session.client
        self._output = output
        self._environment = environment
        # What the dependencies are, until the arguments are made of it.
        self._given: Sequence[Any] = ()
        self._results: Sequence[Serialized] = ()
        self._error_text: str | None = None
        self._failed = False

    def begins(self) -> bool:
        """False if an argument is a failure: that is our result then, and has been printed."""
        if self.task.has_news:
            self._note_news()
        self._given = self.task.values
        for given in self._given:
            if serialization.is_error(given):
                error = Serialized(given.kind, bytes(given.stream), [], [])
                self._results = [error] * self.task.num_return_vals
                self._failed = True
                return False
        return True

    def prepare(self) -> None:
        """Makes the process ready for the task, and gets the arguments."""
        task = self.task
        self._session.running = task.name
        if task.kind != KIND_ACTOR_CALL:  # what an actor has done to its environment, stays
            self._session.gpu_ids = self._environment.apply(task.gpu_ids, task.num_cpus)
        if self._session.setups:
            self._run_setups()
        encoded, given = task.args, self._given
        if encoded is not None or given:
            self._given = ()
            values = [serialization.deserialize(one) for one in given]
            self.args, self.kwargs = signature.decode(encoded, values)

    def _note_news(self) -> None:
        """What this worker is told once, be it with a task that will not run."""
        task = self.task
        if task.driver_config is not None:
            process_mark.set_driver(task.driver_id)
            seed = driver_config.apply(task.driver_config)
            if seed is not None:
                self._client.seed_ids(seed)
                self._session.has_seed = True
        self._session.setups += task.setups

    def _run_setups(self) -> None:
        while self._session.setups:
            # One that fails is run again before the next task, which must not go without it.
            pickle.loads(self._session.setups[0])()
            self._session.setups.pop(0)

    def returned(self, value: Any) -> None:
        """The function returned `value`. Raises if that is not what can be stored."""
        task = self.task
        if task.options["stream_window"]:
            from rayx.running.stream_run import StreamRun

            stream = StreamRun(task, self._client)
            stream.run(value)
            self.streamed(stream)
        elif type(value) in serialization.PLAIN_TYPES and task.num_return_vals == 1:
            self._results = (serialization.serialize(value),)
        else:
            self._results = self._split(value)

    def begin_stream(self, value: Any) -> tuple[StreamRun, Generator[Any, None, None]]:
        """For callers that take the steps of a stream one by one."""
        from rayx.running.stream_run import StreamRun

        stream = StreamRun(self.task, self._client)
        return stream, stream.steps(value)

    def streamed(self, stream: StreamRun) -> None:
        """All items of a stream are stored."""
        self._results = [serialization.serialize(stream.count)]

    def failed(self, error: BaseException) -> None:
        """The function, or something on its way, raised. sys.exit() too is no more than that."""
        values: list[Any] | None = None
        if type(error) is errors.CallFailedError:
            values, self.args, self.kwargs, error = error.values, error.arguments, {}, error.error
        facts = {
            "function": self._full_name(),
            "arguments": task_failure.shorten_arguments(self.args, self.kwargs),
            "pid": os.getpid(),
            "task_id": self.task.task_id.hex(),
            "node_id": self._client.node_id.hex(),
        }
        stored, text = task_failure.describe(error, facts)
        if values:
            from rayx.calls import batch  # which has been imported to raise this

            stored = batch.with_values(stored, values)
        self._results = [stored] * self.task.num_return_vals
        self._failed = True
        # The caller that cancelled the task knows.
        self._error_text = None if type(error) is errors.TaskCancelledError else text

    def finish(self) -> None:
        """Stores the results and reports the end. Raises only if the connection is gone."""
        task = self.task
        self._session.running = None
        # A caller that gets the results may rely on it that no memory is held here any more, except
        # for the ids in them, until they are the node's.
        contained = []
        for result in self._results:
            if result.contained:
                contained.append(result.contained)
        full = self._store_all()
        self.args, self.kwargs, self._given = (), _NO_KWARGS, ()
        task.release()
        wrote_output = self._output.take()
        error_text = self._error_text or full
        self._client.finish_task(task, error_text, wrote_output, self._failed, self.state)
        del contained

    def _full_name(self) -> str:
        is_creation = self.task.kind == KIND_ACTOR_CREATION
        return f"{self.task.name}.__init__" if is_creation else self.task.name

    def _split(self, value: Any) -> list[Serialized]:
        """The task's return values, serialized; all of them, before the first is stored."""
        name, count = self.task.name, self.task.num_return_vals
        if type(value) is types.CoroutineType:
            value.close()
            raise TypeError(
                f"{name} returned a coroutine, which cannot be stored. Of an actor's methods, only "
                "those of a class with `async def` methods may do so"
            )
        if count == 0:
            return []
        if count == 1:
            return [serialization.serialize(value, f"the result of {name}")]
        if not isinstance(value, tuple | list):
            raise TypeError(
                f"{name} has num_return_vals={count}, so it must return a tuple or list of "
                f"{count} values, but it returned one of type {value_text.type_name(value)}"
            )
        if len(value) != count:
            raise ValueError(
                f"{name} has num_return_vals={count}, but it returned {len(value)} values"
            )
        return serialization.serialize_results(value, name)

    def _store_all(self) -> str | None:
        """Stores and forgets the results; returns a text to print if there is no room for one."""
        results, error_text, stored = self._results, None, 0
        self._results = ()
        while stored < len(results):
            try:
                stored = self._client.put_results(self.task, results, stored)
            except RayletError as error:
                if error.code != "StoreFull":
                    raise
                shorter = _shortened(results, stored)
                if shorter is not None:
                    results = shorter
                    continue
                error_text = error.message
                stream = bytes([ERROR_OBJECT_STORE_FULL]) + error_text.encode()
                self._client.put_result(self.task, stored, KIND_SYSTEM_ERROR, stream, None, None)
                stored += 1
        return error_text


def _shortened(results: Sequence[Serialized], index: int) -> list[Serialized] | None:
    """The results with less said of the failure that this one is, if that can be."""
    failure = results[index]
    if failure.kind != KIND_TASK_ERROR:
        return None
    brief = task_failure.without_cause(failure)
    if len(brief.stream) >= len(failure.stream):
        return None
    return [brief if one is failure else one for one in results]
