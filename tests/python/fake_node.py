"""A node in one process, for tests of what lies above it: tasks run when somebody waits for them.

`FakeClient` has the methods of `rayx._raylet.Client`. Objects pass through bytes, as they do with a
real node, and tasks through `rayx.executor`.
"""

import itertools

from rayx import executor, serialization, session
from rayx._raylet import KIND_SYSTEM_ERROR, RayletError


def failure(code, message=""):
    """The exception of a call that failed."""
    return RayletError(code, message)


class FakeObjectID:
    """Twenty bytes, pickled as the real one is."""

    def __init__(self, binary):
        self._binary = binary

    def binary(self):
        return self._binary

    def hex(self):
        return self._binary.hex()

    def __hash__(self):
        return hash(self._binary)

    def __eq__(self, other):
        return type(other) is FakeObjectID and other._binary == self._binary

    def __repr__(self):
        return f"ObjectID({self.hex()})"

    def __reduce__(self):
        session._on_reduce(self)
        return session.rebuild_object_id, (self._binary,)


class FakeBuffer:
    """A stored object: copies of all it was made of, read-only."""

    def __init__(self, kind, stream, buffers, contained=None):
        self.kind = kind
        self.stream = memoryview(bytes(stream))
        self.buffers = [memoryview(bytes(buffer)) for buffer in buffers or ()]
        self.contained = list(contained or ())
        self.nbytes = len(self.stream) + sum(map(len, self.buffers))


class FakeTemplate:
    def __init__(self, function_id, name, resources, num_return_vals, max_retries):
        self.function_id = function_id
        self.name = name
        self.resources = resources
        self.num_return_vals = num_return_vals
        self.max_retries = max_retries


class FakeTask:
    def __init__(self, number, template, args, dependencies, results):
        self.task_id = number.to_bytes(16, "little")
        self.driver_id = b"d" * 16
        self.function_id = template.function_id
        self.name = template.name
        self.attempt = 0
        self.num_return_vals = template.num_return_vals
        self.args = args
        self.dependencies = dependencies
        self.results = results
        self.values = []
        self.driver_config = None

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

    def __init__(self):
        self.objects = {}
        self.functions = {}
        self.exports = []
        self.waiting = {}
        self.submitted = []
        self.finished = []
        self.store_bytes_max = None
        self._numbers = itertools.count(1)
        self._running = []

    # ---- what the driver calls --------------------------------------------------------------

    def object_id(self, binary):
        return FakeObjectID(binary)

    def export_function(self, function_id, name, pickled):
        self.functions[function_id] = pickled
        self.exports.append(name)

    def fetch_function(self, function_id):
        if function_id not in self.functions:
            raise failure("NotFound", "no such function")
        return self.functions[function_id]

    def put(self, kind, stream, buffers, contained):
        return self._store(FakeObjectID(self._id(0)), kind, stream, buffers, contained)

    def submit(self, template, stream, buffers, contained, dependencies):
        number = next(self._numbers)
        results = [FakeObjectID(self._id(i, number)) for i in range(template.num_return_vals)]
        args = None
        if stream is not None:
            args = FakeBuffer(serialization.KIND_PICKLE, stream, buffers, contained)
        task = FakeTask(number, template, args, list(dependencies or ()), results)
        self.submitted.append((template, task))
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

    def errors(self, timeout_ms):
        return [
            (task.driver_id, task.task_id, task.name, "TaskError", text, 1.5)
            for task, text in self.finished
            if text is not None
        ]

    def cluster_resources(self, timeout_ms):
        return {"CPU": 2.0}, {"CPU": 1.0}

    def close(self):
        self.closed = True

    # ---- what the worker calls --------------------------------------------------------------

    def put_result(self, index, kind, stream, buffers, contained):
        size = len(stream) + sum(len(buffer) for buffer in buffers or ())
        limit = self.store_bytes_max
        if limit is not None and size > limit and kind != KIND_SYSTEM_ERROR:
            raise failure("StoreFull", f"asked for {size} bytes of {limit}")
        self._store(self._running[-1].results[index], kind, stream, buffers, contained)

    def finish_task(self, error_text, wrote_output):
        self.finished.append((self._running[-1], error_text))

    # ---- inside -----------------------------------------------------------------------------

    def _id(self, index, number=None):
        number = next(self._numbers) if number is None else number
        return number.to_bytes(16, "little") + index.to_bytes(4, "little")

    def _store(self, object_id, kind, stream, buffers, contained):
        self.objects[object_id.binary()] = FakeBuffer(kind, stream, buffers, contained)
        return object_id

    def _run(self, task):
        for object_id in task.dependencies:
            self.wait([object_id], 1, -1)
        for result in task.results:
            self.waiting.pop(result.binary(), None)
        task.values = [self.objects[object_id.binary()] for object_id in task.dependencies]
        worker = session.Session(self, session.WORKER_MODE)
        driver = session.set_current(worker)
        self._running.append(task)
        try:
            executor.Executor(worker, FakeOutput()).run(task)
        finally:
            self._running.pop()
            session.set_current(driver)
