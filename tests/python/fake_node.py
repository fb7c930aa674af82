"""A node in one process, for tests of what lies above it: tasks run when somebody waits for them.

`FakeClient` has the methods of `rayx._raylet.Client`. Objects pass through bytes, as they do with a
real node, and tasks through `rayx.worker.executor`.
"""

import itertools

from rayx import session
from rayx._raylet import (
    DEFAULT_OPTIONS,
    KIND_ACTOR_CALL,
    KIND_ACTOR_CREATION,
    KIND_FUNCTION,
    KIND_PICKLE,
    KIND_SYSTEM_ERROR,
    RESOURCE_UNITS_PER_ONE,
    RayletError,
    detached_object_id,
)
from rayx.values import serialization
from rayx.worker import executor

ACTOR_DIED = b"\7"


def failure(code, message=""):
    """The exception of a call that failed."""
    return RayletError(code, message)


class FakeBuffer:
    """A stored object: copies of all it was made of, read-only."""

    def __init__(self, kind, stream, buffers, contained=None):
        self.kind = kind
        self.stream = memoryview(bytes(stream))
        self.buffers = [memoryview(bytes(buffer)) for buffer in buffers or ()]
        is_pickle = kind == KIND_PICKLE and not self.buffers
        self.pickle = self.stream if is_pickle else None
        self.contained = list(contained or ())
        self.nbytes = len(self.stream) + sum(map(len, self.buffers))


def as_items(amounts):
    """Amounts of resources, as messages have them."""
    return [
        {"name": name, "units": int(amount * RESOURCE_UNITS_PER_ONE)}
        for name, amount in amounts.items()
    ]


class FakeTemplate:
    def __init__(
        self,
        function_id,
        name,
        resources,
        num_return_vals,
        options,
        *,
        kind=KIND_FUNCTION,
        actor=None,
        method="",
        actor_name="",
        actor_info=b"",
    ):
        self.function_id = function_id
        self.name = name
        self.resources = resources
        self.num_return_vals = num_return_vals
        assert options.keys() <= DEFAULT_OPTIONS.keys()
        self.options = {**DEFAULT_OPTIONS, **options}
        self.kind = kind
        self.actor = actor
        self.method = method
        self.actor_name = actor_name
        self.actor_info = actor_info


class FakeTask:
    def __init__(self, number, template, args=None, dependencies=(), results=()):
        self.task_id = number.to_bytes(16, "little")
        self.driver_id = b"d" * 16
        self.function_id = template.function_id
        self.name = template.name
        self.attempt = 0
        self.num_return_vals = template.num_return_vals
        self.kind = template.kind
        self.actor_id = bytes(16) if template.actor is None else template.actor.binary()[:16]
        self.method = template.method
        self.options = template.options
        self.num_cpus = template.resources.get("CPU", 0.0)
        self.gpu_ids = list(range(int(template.resources.get("GPU", 0))))
        self.sequence = number
        self.setups = []
        self.state = None
        self.args = args
        self.dependencies = dependencies
        self.results = results
        self.values = []
        self.driver_config = None

    @property
    def has_news(self):
        return self.driver_config is not None or bool(self.setups)

    def release(self):
        self.args = None
        self.values = []


class FakeOutput:
    """In place of a worker's streams."""

    def take(self):
        return False


class FakeClient:
    """The node and the client of everyone."""

    node_id = b"n" * 16
    pool_bytes = 1 << 20
    closed = False
    # Other nodes may have what this one lacks; `others`: (total, available) of those there are.
    is_in_cluster = False
    others = ()

    def __init__(self):
        self.objects = {}
        self.functions = {}
        self.contained = {}
        self.exports = []
        self.waiting = {}
        self.submitted = []
        self.finished = []
        self.store_bytes_max = None
        self.total = {"CPU": 2.0}
        self.cancelled = []
        self.polls = 0
        # What the node has written last: the sequence of a task, and why it is interrupted.
        self.interrupted = (0, 0)
        self._numbers = itertools.count(1)
        # Of each actor: the session of its worker, and its calls that have not run.
        self._actors = {}
        self._calls = {}
        self._names = {}

    # ---- what the driver calls --------------------------------------------------------------

    def poll(self):
        self.polls += 1

    def object_id(self, binary):
        return detached_object_id(binary)

    def has_reference(self, binary):
        return False

    def export_function(self, function_id, name, pickled, contained):
        self.functions[function_id] = pickled
        self.contained[function_id] = contained
        self.exports.append(name)

    def fetch_function(self, function_id):
        if function_id not in self.functions:
            raise failure("NotFound", "no such function")
        return self.functions[function_id]

    def put(self, kind, stream, buffers, contained):
        return self._store(detached_object_id(self._id(0)), kind, stream, buffers, contained)

    def submit(self, template, stream, buffers, contained, dependencies):
        number = next(self._numbers)
        results = [detached_object_id(self._id(i, number)) for i in range(template.num_return_vals)]
        args = None
        if stream is not None:
            args = FakeBuffer(serialization.KIND_PICKLE, stream, buffers, contained)
        task = FakeTask(number, template, args, list(dependencies or ()), results)
        self.submitted.append((template, task))
        if template.kind == KIND_ACTOR_CREATION:
            self._calls[task.task_id] = [task]
            if template.actor_name:
                self._names[template.actor_name] = (results[0], template.actor_info)
        elif template.kind == KIND_ACTOR_CALL:
            self._calls[task.actor_id].append(task)
        self.waiting |= dict.fromkeys((result.binary() for result in results), task)
        return list(results)

    def get(self, ids, timeout_ms):
        if not all(self.wait(ids, len(ids), timeout_ms)):
            raise failure("TimedOut", "some are not there")
        return [self.objects[object_id.binary()] for object_id in ids]

    def wait(self, ids, count, timeout_ms):
        for object_id in ids:
            ready = sum(object_id.binary() in self.objects for object_id in ids)
            task = self.waiting.get(object_id.binary())
            if ready < count and task is not None and timeout_ms != 0:
                self._run(task)
        return [object_id.binary() in self.objects for object_id in ids]

    def ask(self, question, fields, timeout_ms):
        if question == "Errors":
            return {"errors": self.errors()}
        if question == "Resources":
            amounts = self.others[fields["node"][0]] if "node" in fields else self.resources()
            total, available = map(as_items, amounts)
            return {"total": total, "available": available}
        if question == "Unfinished":
            return {"count": len(self.waiting)}
        if question in ("Node", "Nodes"):
            node = {
                "node_id": self.node_id,
                "host": "127.0.0.1",
                "port": 0,
                "pid": 7,
                "alive": 1,
                "total": as_items(self.resources()[0]),
                "pool_bytes": 4096,
                "started_at": 1.5,
                "heartbeat_at": 2.5,
                "is_in_cluster": self.is_in_cluster,
                "is_draining": False,
            }
            others = [node | {"node_id": bytes([i] * 16)} for i in range(len(self.others))]
            return node if question == "Node" else {"nodes": [node, *others]}
        assert question in ("Explain", "HoldUp")
        assert len(fields["task_id"]) == 16
        return {"cause": "", "text": ""}

    def errors(self):
        return [
            {
                "driver_id": task.driver_id,
                "task_id": task.task_id,
                "name": task.name,
                "kind": "TaskError",
                "text": text,
                "time": 1.5,
            }
            for task, text in self.finished
            if text is not None
        ]

    def resources(self):
        return self.total, {"CPU": 1.0}

    def find_actor(self, name, timeout_ms):
        return self._names.get(name)

    def kill_actor(self, object_id):
        self._actors[object_id.binary()[:16]] = None
        self._names = {name: one for name, one in self._names.items() if one[0] != object_id}

    def cancel(self, object_id, force):
        self.cancelled.append((object_id, force))

    def cancel_all(self, force):
        self.cancelled.append(("all", force))

    def close(self):
        self.closed = True

    # ---- what the worker calls --------------------------------------------------------------

    def lend_cpus(self):
        return 0

    def return_cpus(self, wait):
        assert wait == 0

    def interrupt(self):
        return self.interrupted

    def put_results(self, task, results, first):
        for index in range(first, len(results)):
            try:
                self.put_result(task, index, *results[index])
            except RayletError:
                if index > first:
                    return index
                raise
        return len(results)

    def put_result(self, task, index, kind, stream, buffers, contained):
        size = len(stream) + sum(len(buffer) for buffer in buffers or ())
        limit = self.store_bytes_max
        if limit is not None and size > limit and kind != KIND_SYSTEM_ERROR:
            raise failure("StoreFull", f"asked for {size} bytes of {limit}")
        self._store(task.results[index], kind, stream, buffers, contained)

    def finish_task(self, task, error_text, wrote_output, failed, state=None):
        self.finished.append((task, error_text))
        self.failed = failed

    # ---- inside -----------------------------------------------------------------------------

    def _id(self, index, number=None):
        number = next(self._numbers) if number is None else number
        return number.to_bytes(16, "little") + index.to_bytes(4, "little")

    def _store(self, object_id, kind, stream, buffers, contained):
        self.objects[object_id.binary()] = FakeBuffer(kind, stream, buffers, contained)
        return object_id

    def _run(self, task):
        if task.kind == KIND_FUNCTION:
            worker = session.Session(self, session.WORKER_MODE)
            self._run_in(worker, executor.Executor(worker, FakeOutput()), task)
            return
        actor = task.task_id if task.kind == KIND_ACTOR_CREATION else task.actor_id
        if actor not in self._actors:
            worker = session.Session(self, session.WORKER_MODE)
            self._actors[actor] = worker, executor.Executor(worker, FakeOutput())
        calls = self._calls[actor]
        while task in calls:
            first = calls.pop(0)
            self._run_call(first, self._actors[actor])

    def _run_call(self, task, holder):
        creation = detached_object_id(task.actor_id + bytes(4))
        made = self.objects.get(creation.binary())
        if holder is None:
            self._fail(task, FakeBuffer(KIND_SYSTEM_ERROR, ACTOR_DIED + b"killed", None))
        elif task.kind == KIND_ACTOR_CALL and serialization.is_error(made):
            self._fail(task, made)
        else:
            self._run_in(*holder, task)

    def _fail(self, task, like):
        for result in task.results:
            self.waiting.pop(result.binary(), None)
            self._store(result, like.kind, like.stream, like.buffers, None)

    def _run_in(self, worker, runs, task):
        for object_id in task.dependencies:
            self.wait([object_id], 1, -1)
        for result in task.results:
            self.waiting.pop(result.binary(), None)
        task.values = [self.objects[object_id.binary()] for object_id in task.dependencies]
        driver = session.set_current(worker)
        try:
            runs.run(task)
        finally:
            session.set_current(driver)
