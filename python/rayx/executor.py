"""Runs one task in a worker: its function, its arguments, its results, its failure.

>>> executor = Executor(session, output)
>>> executor.run(client.next_task())
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from rayx import driver_config, errors, serialization, signature, task_failure
from rayx._raylet import KIND_SYSTEM_ERROR, RayletError
from rayx.serialization import Serialized

if TYPE_CHECKING:
    from rayx._raylet import RunnableTask
    from rayx.session import Session
    from rayx.worker_output import WorkerOutput


class Executor:
    """What a worker does with the tasks it is given, one after the other."""

    def __init__(self, session: Session, output: WorkerOutput) -> None:
        self._session = session
        self._client = session.client
        self._output = output

    def run(self, task: RunnableTask) -> None:
        """Runs the task and reports it. Raises only if the connection to the node is gone."""
        self._session.running = task.name
        try:
            results, error_text = self._results(task)
        finally:
            self._session.running = None
        contained = [result.contained for result in results]
        full = self._store_all(results)
        # Whoever gets the results may rely on it that no memory is held here any more, except for
        # the ids in them, until they are the node's.
        task.release()
        self._client.finish_task(error_text or full, self._output.take())
        del contained

    def _results(self, task: RunnableTask) -> tuple[list[Serialized], str | None]:
        """What to store, and the text to print if the task failed."""
        for given in task.values:
            if serialization.is_error(given):
                # An argument that is a failure is our result, and has been printed.
                error = Serialized(given.kind, bytes(given.stream), [], [])
                return [error] * task.num_return_vals, None
        args: tuple[Any, ...] = ()
        kwargs: dict[str, Any] = {}
        try:
            if task.driver_config is not None:
                driver_config.apply(task.driver_config)
            function = self._session.functions.fetch(task.function_id)
            values = [serialization.deserialize(given) for given in task.values]
            args, kwargs = signature.decode(task.args, values)
            return self._split(task, function(*args, **kwargs)), None
        except BaseException as error:  # sys.exit() in a task does not end the worker
            shown = task_failure.shorten_arguments(args, kwargs)
            failed, text = task_failure.describe(error, self._facts(task, shown))
            return [failed] * task.num_return_vals, text

    def _split(self, task: RunnableTask, value: Any) -> list[Serialized]:
        """The task's return values, serialized; all of them, before the first is stored."""
        count = task.num_return_vals
        if count == 0:
            return []
        if count == 1:
            return [serialization.serialize(value, f"the result of {task.name}")]
        if not isinstance(value, tuple | list):
            raise TypeError(
                f"{task.name} has num_return_vals={count}, so it must return a tuple or list of "
                f"{count} values, but it returned one of type {type(value).__name__}"
            )
        if len(value) != count:
            raise ValueError(
                f"{task.name} has num_return_vals={count}, but it returned {len(value)} values"
            )
        return [
            serialization.serialize(item, f"result {index} of {task.name}")
            for index, item in enumerate(value)
        ]

    def _store_all(self, results: list[Serialized]) -> str | None:
        """Stores the results and forgets them; a text to print if there is no room for one."""
        error_text = None
        for index, result in enumerate(results):
            error_text = self._store(index, result) or error_text
        results.clear()
        return error_text

    def _store(self, index: int, result: Serialized) -> str | None:
        """Stores one result; a text to print if there is no room for it."""
        try:
            self._client.put_result(index, *result)
        except RayletError as error:
            if error.code != "StoreFull":
                raise
            stream = bytes([errors.OBJECT_STORE_FULL]) + error.message.encode()
            self._client.put_result(index, KIND_SYSTEM_ERROR, stream, None, None)
            return error.message
        return None

    def _facts(self, task: RunnableTask, arguments: str) -> dict[str, Any]:
        return {
            "function": task.name,
            "arguments": arguments,
            "pid": os.getpid(),
            "task_id": task.task_id.hex(),
            "node_id": self._client.node_id.hex(),
        }
