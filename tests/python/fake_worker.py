"""A worker in this process that holds an actor: the test plays the node.

>>> def steps(worker):
...     assert worker.result(worker.call("increment")) == 1
>>> drive(Counter, steps)

The worker's main loop runs in the test's main thread while the test's own steps run in
another: signals are for main threads.
"""

import os
import queue
import signal
import threading

from fake_node import FakeBuffer, FakeOutput, FakeTask, FakeTemplate, failure

from rayx import session
from rayx._raylet import KIND_ACTOR_CALL, KIND_ACTOR_CREATION, KIND_PICKLE
from rayx.calls import signature
from rayx.values import serialization
from rayx.worker import executor

WAIT_SECONDS = 5

FUNCTION_ID = b"f" * 16


class FakeActorId:
    def __init__(self, number):
        self._number = number

    def binary(self):
        return self._number.to_bytes(16, "little") + bytes(4)


class WorkerClient:
    """The worker's side of the connection."""

    node_id = b"n" * 16

    def __init__(self):
        self.tasks = queue.SimpleQueue()
        self.done = {}
        self.order = []
        self.results = {}
        self.interrupted = (0, 0)
        self.taken = 0
        self.state = None
        self.states = {}
        self._changed = threading.Condition()

    def ask(self, question, fields, timeout_ms):
        assert question == "Resources"
        return {"total": [{"name": "CPU", "units": 20_000}], "available": []}

    def interrupt(self):
        return self.interrupted

    def next_task(self, forget=None):
        task = self.tasks.get()
        if task is None:
            raise failure("Disconnected", "the test is over")
        self.taken += 1
        return task

    def put(self, kind, stream, buffers, contained):
        number = len(self.states)
        self.states[number] = FakeBuffer(kind, stream, buffers, contained)
        return number

    def get(self, ids, timeout_ms):
        return [self.states[one] for one in ids]

    def put_result(self, task, index, kind, stream, buffers, contained):
        self.results[task.sequence, index] = FakeBuffer(kind, stream, buffers, contained)

    def put_results(self, task, results, first):
        for index in range(first, len(results)):
            self.put_result(task, index, *results[index])
        return len(results)

    def finish_task(self, task, error_text, wrote_output, failed, state=None):
        with self._changed:
            self.done[task.sequence] = (error_text, failed)
            self.order.append(task.sequence)
            if state is not None:
                self.state = state
            self._changed.notify_all()

    def await_end(self, sequence):
        with self._changed:
            assert self._changed.wait_for(lambda: sequence in self.done, WAIT_SECONDS)


class Worker:
    """What the test asks of the worker, from its own thread."""

    def __init__(self, cls, max_concurrency, state=None):
        self._state = state
        self.client = WorkerClient()
        self.session = session.Session(self.client, session.WORKER_MODE)
        # The class itself, not a copy, so that it can speak with the test.
        self.session.functions._loaded[FUNCTION_ID] = cls
        self.executor = executor.Executor(self.session, FakeOutput())
        self._template = FakeTemplate(
            FUNCTION_ID,
            cls.__name__,
            {},
            1,
            {"max_concurrency": max_concurrency},
            kind=KIND_ACTOR_CREATION,
        )
        self._sequence = 0
        self._class = cls

    def create(self, **arguments):
        return self._send(self._template, (), arguments)

    def call(self, method, *args, timeout_ms=0, **kwargs):
        template = FakeTemplate(
            FUNCTION_ID,
            f"{self._class.__name__}.{method}",
            {},
            1,
            {"timeout_ms": timeout_ms},
            kind=KIND_ACTOR_CALL,
            actor=FakeActorId(1),
            method=method,
        )
        return self._send(template, args, kwargs)

    def result(self, sequence):
        self.client.await_end(sequence)
        return serialization.deserialize(self.client.results[sequence, 0])

    def saved(self):
        """The state that the node has."""
        return serialization.deserialize(self.client.states[self.client.state])

    def interrupt(self, sequence, reason):
        """As the node does it."""
        self.client.interrupted = (sequence, reason)
        os.kill(os.getpid(), signal.SIGURG)

    def _send(self, template, args, kwargs):
        self._sequence += 1
        stream, buffers, _, _ = signature.encode(args, kwargs, template.name)
        encoded = None if stream is None else FakeBuffer(KIND_PICKLE, stream, buffers)
        task = FakeTask(self._sequence, template, encoded)
        if self._state is not None and template.kind == KIND_ACTOR_CREATION:
            task.state = self.client.put(*serialization.serialize(self._state))
        self.client.tasks.put(task)
        return self._sequence


def drive(cls, steps, max_concurrency=1, state=None, arguments=None):
    """Makes an actor and runs `steps(worker)`; what they raise, is raised.

    `state` is what an earlier life of the actor has left.
    """
    worker = Worker(cls, max_concurrency, state)
    failures = []

    def play():
        try:
            worker.create(**(arguments or {}))
            steps(worker)
        except BaseException as error:
            failures.append(error)
        finally:
            worker.client.tasks.put(None)

    before = session.set_current(worker.session)
    handler = signal.getsignal(signal.SIGURG)
    thread = threading.Thread(target=play)
    try:
        worker.executor.interrupts.install()
        thread.start()
        worker.executor.serve()
    except Exception as error:
        assert getattr(error, "code", None) == "Disconnected", error
    finally:
        thread.join(WAIT_SECONDS)
        if worker.executor._coroutines is not None:
            worker.executor._coroutines.close()
        signal.signal(signal.SIGURG, handler)
        session.set_current(before)
    if failures:
        raise failures[0]
