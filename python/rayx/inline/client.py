"""PYTHON_MODE: a client without a node, which runs each task in the midst of the call that made it.

    f.remote(x) ──▶ submit ──▶ InlineTask ──▶ TaskRun (as in a worker) ──▶ InlineObjects

All that can make a real run fail is there: arguments and results go through bytes, functions are
pickled, errors become TaskErrors. Nothing is there that needs other processes: time limits,
cancelling and restarts have nothing to act on, since a task has ended when its call returns.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from rayx._raylet import (
    ERROR_ACTOR_DIED,
    ERROR_INFEASIBLE,
    ERROR_TASK_CANCELLED,
    KIND_ACTOR_CALL,
    KIND_ACTOR_CREATION,
    KIND_TASK_ERROR,
    RESOURCE_UNITS_PER_ONE,
    TASK_ID_BYTES,
    RayletError,
)
from rayx.calls import function_reference
from rayx.inline import attempt as inline_attempt
from rayx.inline.absent import NoProcesses, process_as_node
from rayx.inline.actors import InlineActor
from rayx.inline.completions import CompletionQueues
from rayx.inline.environment import InlineEnvironment
from rayx.inline.ids import InlineIds, item_binary, object_binary
from rayx.inline.objects import InlineObject, InlineObjects, never_there, system_error
from rayx.inline.resources import InlineResources
from rayx.inline.streams import InlineStream
from rayx.inline.task import InlineTask, arguments
from rayx.output import clean_text
from rayx.running.task_run import TaskRun
from rayx.session import WORKER_MODE, Session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from rayx._raylet import ObjectID, RunnableTask, TaskTemplate
    from rayx.inline.completions import InlineCompletions
    from rayx.inline.resources import Holding
    from rayx.node_client import Parts
    from rayx.running.worker_output import WorkerOutput

# The node's table of errors keeps as many.
_ERRORS_MAX = 1000
_NODE_ID = bytes(TASK_ID_BYTES)


def _items(amounts: dict[str, float]) -> list[dict[str, Any]]:
    """Amounts of resources, as messages have them."""
    return [
        {"name": name, "units": round(amount * RESOURCE_UNITS_PER_ONE)}
        for name, amount in amounts.items()
    ]


class InlineClient(NoProcesses):
    """Has the methods of NodeClient."""

    node_id = _NODE_ID

    def __init__(
        self,
        total: Mapping[str, float],
        capacity_bytes: int,
        seed: int | None = None,
    ) -> None:
        self.driver_id = os.urandom(TASK_ID_BYTES)
        self.closed = False
        self._ids = InlineIds(seed)
        self._objects = InlineObjects(capacity_bytes, self._on_deleted)
        self._resources = InlineResources(total)
        self._environment = InlineEnvironment(total.get("GPU", 0.0) > 0)
        self._functions: dict[bytes, tuple[bytes, list[ObjectID[Any]]]] = {}
        self._errors: deque[dict[str, Any]] = deque(maxlen=_ERRORS_MAX)
        self._actors: dict[bytes, InlineActor] = {}
        # Streams that have not ended, by their tasks.
        self._streams: dict[bytes, InlineStream] = {}
        # Tasks that wait for what a waiting call of an actor will make.
        self._waiting: list[InlineTask] = []
        self._queues = CompletionQueues(self._is_available)
        # The sessions of the tasks that this thread is running, the innermost last.
        self._local = threading.local()
        self._worker_functions = Session(self, WORKER_MODE).functions

    # ---- the session ----------------------------------------------------------------------------

    @property
    def pool_bytes(self) -> int:
        """Room for objects."""
        return self._objects.capacity_bytes

    def innermost(self) -> Session | None:
        """The session of the task that this thread runs; None in the driver's own code."""
        running: list[Session] = getattr(self._local, "running", [])
        return running[-1] if running else None

    def close(self) -> None:
        """Forgets everything."""
        self.closed = True
        while self._streams:
            self._streams.popitem()[1].close()
        self._queues.close()
        for actor in list(self._actors.values()):
            actor.drop(lambda task: None)
        self._actors.clear()
        self._waiting.clear()
        self._objects.clear()

    def ask(self, question: str, fields: dict[str, Any], timeout_ms: int) -> dict[str, Any]:
        """As the node would answer (cpp/common/protocol/questions.fbs)."""
        if question == "Errors":
            return {"errors": list(self._errors)}
        if question == "Resources":
            total, available = self._resources.total, self._resources.available()
            return {"total": _items(total), "available": _items(available)}
        if question in ("Node", "Nodes"):
            node = process_as_node(_items(self._resources.total), self.pool_bytes)
            return node if question == "Node" else {"nodes": [node]}
        if question == "Records":  # of what runs elsewhere
            return {"records": [], "left_out": 0}
        if question == "Unfinished":  # tasks that wait
            return {"count": len(self._streams) + len(self._waiting)}
        if question in ("Explain", "HoldUp"):  # nothing runs elsewhere
            return {"cause": "", "text": ""}
        raise RayletError("InvalidArgument", f"nobody answers {question} in PYTHON_MODE")

    # ---- objects --------------------------------------------------------------------------------

    def object_id(self, binary: bytes) -> ObjectID[Any]:
        """One more ObjectID of this name."""
        return self._objects.make_id(binary)

    def put(
        self,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
    ) -> ObjectID[Any]:
        """Stores a copy."""
        object_id = self._objects.make_id(self._ids.next_put())
        self._objects.store(object_id.binary(), InlineObject(kind, stream, buffers, contained))
        return object_id

    def get(self, ids: Sequence[ObjectID[Any]], timeout_ms: int) -> Sequence[InlineObject]:
        """What is there is there at once; nothing comes later."""
        found = [self._objects.find(one) for one in ids]
        missing = [one for one, stored in zip(ids, found, strict=True) if stored is None]
        if missing and timeout_ms < 0:
            raise never_there(missing)
        if missing:
            raise RayletError("TimedOut", "some objects are not there")
        return [stored for stored in found if stored is not None]

    def wait(self, ids: Sequence[ObjectID[Any]], count: int, timeout_ms: int) -> list[bool]:
        """Which are there."""
        self._make_item(ids)
        ready = [self._is_available(one) for one in ids]
        if sum(ready) < count and timeout_ms < 0:
            raise never_there(
                [one for one, is_ready in zip(ids, ready, strict=True) if not is_ready]
            )
        return ready

    def _make_item(self, ids: Sequence[ObjectID[Any]]) -> None:
        """One of these is an item of a stream, as a rule the first, which runs up to there."""
        for one in ids:
            stream = self._streams.get(one.binary()[:TASK_ID_BYTES])
            if stream is None:
                continue
            while not any(map(self._is_available, ids)):
                if not stream.advance():
                    self._streams.pop(one.binary()[:TASK_ID_BYTES], None)
                    return
            return

    def private_copy(self, part: memoryview) -> memoryview | None:
        """None: nothing here can be mapped anew."""
        return None

    def completions(self) -> InlineCompletions:
        """A queue of ids."""
        return self._queues.make()

    def _is_available(self, object_id: ObjectID[Any]) -> bool:
        return self._objects.find(object_id) is not None

    def _on_deleted(self, binary: bytes) -> None:
        """Nobody has an ObjectID of this name any more: it may have been an actor's last handle."""
        function_id = function_reference.function_of(binary)
        actor = self._actors.get(binary[:TASK_ID_BYTES])
        if function_id is not None:
            self._functions.pop(function_id, None)
            self._worker_functions.forget([function_id])
        elif actor is not None and actor.creation_object == binary:
            del self._actors[actor.actor_id]
            self._end(actor)

    # ---- functions and tasks --------------------------------------------------------------------

    def export_function(
        self, function_id: bytes, name: str, pickled: bytes, contained: Sequence[ObjectID[Any]]
    ) -> None:
        """Keeps it for as long as somebody has an ObjectID of what stands for it."""
        own = function_reference.object_binary(function_id)
        self._functions[function_id] = pickled, [one for one in contained if one.binary() != own]

    def fetch_function(self, function_id: bytes) -> bytes:
        """What was kept."""
        if function_id not in self._functions:
            raise RayletError("NotFound", "no such function")
        return self._functions[function_id][0]

    def submit(
        self,
        template: TaskTemplate,
        stream: bytes | None,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
        dependencies: Sequence[ObjectID[Any]] | None,
    ) -> list[ObjectID[Any]]:
        """Runs the task, unless it needs what cannot be there yet."""
        args = arguments(stream, buffers, contained)
        task = InlineTask(self._ids.next_task(), self.driver_id, template, args, dependencies)
        task.function = self._objects.make_id(function_reference.object_binary(task.function_id))
        results = [self._objects.make_id(binary) for binary in task.results]
        if all(map(self._is_available, task.dependencies)):
            self._begin(task)
        else:
            self._waiting.append(task)
        for item in range(template.options["stream_window"]):
            results.append(self._objects.make_id(item_binary(task.task_id, item)))
        return results

    def cancel(self, object_id: ObjectID[Any], force: bool) -> None:
        """As a rule it is too late."""
        stream = self._streams.pop(object_id.binary()[:TASK_ID_BYTES], None)
        if stream is not None:
            stream.close()
        task = next((one for one in self._waiting if object_id.binary() in one.results), None)
        if task is not None and self._take_waiting(task):
            self._fail(task, ERROR_TASK_CANCELLED, f"{task.name} was cancelled by rayx.cancel")

    def cancel_all(self, force: bool) -> None:
        """See `cancel`."""
        while self._streams:
            self._streams.popitem()[1].close()
        while self._waiting:
            task = self._waiting.pop()
            self._fail(task, ERROR_TASK_CANCELLED, f"{task.name} was cancelled by rayx.cancel_all")

    def grant_credit(
        self, stream_end: ObjectID[Any], first: int, count: int, credit: int
    ) -> list[ObjectID[Any]]:
        """Items are made when they are asked for: there is nobody to tell."""
        task_id = stream_end.binary()[:TASK_ID_BYTES]
        items = [self._objects.make_id(item_binary(task_id, first + i)) for i in range(count)]
        return [*items, stream_end]

    def add_worker_setup(self, pickled: bytes) -> None:
        """This process is the only worker."""
        pickle.loads(pickled)()

    def kill_actor(self, object_id: ObjectID[Any]) -> None:
        """Ends it."""
        actor = self._actors.get(object_id.binary()[:TASK_ID_BYTES])
        if actor is not None and actor.failure is None:
            actor.failure = system_error(ERROR_ACTOR_DIED, "it was ended by rayx.kill")
            self._end(actor)

    def find_actor(self, name: str, timeout_ms: int) -> tuple[ObjectID[Any], bytes] | None:
        """The result of its creation, and what came with that."""
        for actor in list(self._actors.values()):
            if actor.name == name and actor.failure is None:
                return self._objects.make_id(actor.creation_object), actor.info
        return None

    def _begin(self, task: InlineTask) -> None:
        found = [self._objects.find(one) for one in task.dependencies]
        task.values = [stored for stored in found if stored is not None]
        if task.kind == KIND_ACTOR_CALL:
            self._call(task)
        else:
            self._allot(task)
        self._queues.look()
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        for task in list(self._waiting):
            if all(map(self._is_available, task.dependencies)) and self._take_waiting(task):
                self._begin(task)

    def _take_waiting(self, task: InlineTask) -> bool:
        """It waits no more; False if a finalizer, or a task within, was quicker."""
        try:
            self._waiting.remove(task)
        except ValueError:
            return False
        return True

    def _allot(self, task: InlineTask) -> None:
        """Gives a task or an actor what it asks for, and runs it."""
        wanted = {name: amount for name, amount in task.template.resources.items() if amount > 0}
        lacking = self._resources.lacking(wanted)
        if lacking:
            text = f"{task.name} asks for {lacking}"
            self._report(task, "InfeasibleError", text)
            self._fail(task, ERROR_INFEASIBLE, text)
            return
        holding = self._resources.take(wanted)
        if task.kind == KIND_ACTOR_CREATION:
            self._create(task, holding)
            return
        try:
            function = self._loader(task)
            self._run(task, function, holding.gpus, None)
        finally:
            self._resources.give_back(holding)

    def _loader(self, task: InlineTask) -> Callable[[], Any]:
        return lambda: self._worker_functions.fetch(task.function_id)

    # ---- actors ---------------------------------------------------------------------------------

    def _create(self, task: InlineTask, holding: Holding) -> None:
        actor = InlineActor(task, holding)
        self._actors[actor.actor_id] = actor
        load = self._loader(task)
        if actor.name:
            actor.kept_id = self._objects.make_id(actor.creation_object)
        if not self._run(task, lambda: actor.constructor(task, load()), holding.gpus, actor):
            actor.failure = self._objects.find(self._objects.make_id(actor.creation_object))
            self._end(actor)

    def _call(self, task: InlineTask) -> None:
        actor = self._actors.get(task.actor_id)
        if actor is None:
            self._fail(task, ERROR_ACTOR_DIED, "the actor is not known here (any more)")
        else:
            actor.run_in_order(task, self._run_call)

    def _run_call(self, task: InlineTask, actor: InlineActor) -> None:
        running = actor.running
        if actor.failure is not None or running is None:
            self._fail_like(task, actor)
            return

        def method() -> Callable[..., Any]:
            running.begins(cast("RunnableTask", task))
            found = running.method(task.method)
            return lambda *args, **kwargs: actor.completed(found(*args, **kwargs))

        self._run(task, method, actor.holding.gpus, actor)

    def _end(self, actor: InlineActor) -> None:
        actor.drop(lambda task: self._fail_like(task, actor))
        self._resources.give_back(actor.holding)
        actor.kept_id = None

    def _fail_like(self, task: InlineTask, actor: InlineActor) -> None:
        like = actor.failure or system_error(ERROR_ACTOR_DIED, "its last handle is gone")
        for binary in task.results:
            self._objects.store(binary, like)
        task.release()

    # ---- running --------------------------------------------------------------------------------

    def _run(
        self,
        task: InlineTask,
        load: Callable[[], Callable[..., Any]],
        gpu_ids: list[int],
        actor: InlineActor | None,
    ) -> bool:
        """As a worker would. False if it failed."""
        task.gpu_ids = gpu_ids
        if task.options["stream_window"]:
            self._streams[task.task_id] = InlineStream(self._stepping(task, gpu_ids, actor), load)
            return True
        with self._within(task, gpu_ids, actor) as run:
            if run.begins():
                inline_attempt.attempt(run, load)
            run.finish()
        return not task.has_failed

    def _stepping(
        self, task: InlineTask, gpu_ids: list[int], actor: InlineActor | None
    ) -> Callable[[], AbstractContextManager[TaskRun]]:
        made: list[TaskRun] = []

        @contextmanager
        def within() -> Iterator[TaskRun]:
            with self._within(task, gpu_ids, actor) as run:
                made[:] = made or [run]
                yield made[0]

        return within

    @contextmanager
    def _within(
        self, task: InlineTask, gpu_ids: list[int], actor: InlineActor | None
    ) -> Iterator[TaskRun]:
        """What this thread does is done by the task."""
        worker = Session(self, WORKER_MODE)
        worker.functions = self._worker_functions
        worker.actor = None if actor is None else actor.running
        running: list[Session] = self._local.__dict__.setdefault("running", [])
        running.append(worker)
        try:
            with self._ids.within(task.task_id), self._environment.within(gpu_ids) as environment:
                worker.gpu_ids = environment.apply(gpu_ids, task.num_cpus)
                yield TaskRun(
                    cast("RunnableTask", task),
                    worker,
                    cast("WorkerOutput", _NoOutput()),
                    environment,
                )
        finally:
            running.pop()

    def put_result(
        self,
        task: RunnableTask,
        index: int,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
    ) -> None:
        """Stores a result."""
        binary = object_binary(task.task_id, index)
        stored = InlineObject(kind, stream, buffers, contained)
        if kind == KIND_TASK_ERROR:
            stored.frames = inline_attempt.frames_of(cast("InlineTask", task))
        self._objects.store(binary, stored)

    def put_results(self, task: RunnableTask, results: Sequence[Parts], first: int) -> int:
        """Stores the results from this one on."""
        for index in range(first, len(results)):
            self.put_result(task, index, *results[index])
        return len(results)

    def put_item(
        self,
        task: RunnableTask,
        item: int,
        kind: int,
        stream: Any,
        buffers: Sequence[Any] | None,
        contained: Sequence[ObjectID[Any]] | None,
    ) -> None:
        """Stores an item of a stream."""
        binary = item_binary(task.task_id, item)
        self._objects.store(binary, InlineObject(kind, stream, buffers, contained))

    def finish_task(
        self,
        task: RunnableTask,
        error_text: str | None,
        wrote_output: bool,
        failed: bool,
        state: ObjectID[Any] | None = None,
    ) -> None:
        """Its results are stored."""
        cast("InlineTask", task).has_failed = failed
        if error_text is not None:
            self._report(cast("InlineTask", task), "TaskError", error_text)

    def _report(self, task: InlineTask, kind: str, text: str) -> None:
        failure = {"driver_id": self.driver_id, "task_id": task.task_id, "name": task.name}
        self._errors.append({**failure, "kind": kind, "text": text, "time": time.time()})
        if sys.stderr is not None:
            print(clean_text(text), file=sys.stderr, flush=True)

    def _fail(self, task: InlineTask, code: int, text: str) -> None:
        for binary in task.results:
            self._objects.store(binary, system_error(code, text))
        task.release()


class _NoOutput:
    """What a task prints goes where all of this process goes."""

    def take(self) -> bool:
        return False
