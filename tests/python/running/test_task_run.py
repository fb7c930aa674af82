import pickle

import pytest
from fake_node import FakeBuffer, FakeClient, FakeOutput, FakeTask, FakeTemplate

import rayx
from rayx import session
from rayx._raylet import KIND_ACTOR_CALL, KIND_ACTOR_CREATION, KIND_PICKLE, KIND_TASK_ERROR
from rayx.process import driver_config
from rayx.process.gpus import TaskEnvironment
from rayx.running.task_run import TaskRun
from rayx.values import serialization

pytestmark = pytest.mark.usefixtures("own_environment")

RAN = []
FAILING = set()


def setup_one():
    RAN.append("one")


def setup_two():
    RAN.append("two")
    if "two" in FAILING:
        raise RuntimeError("setup two")


class WatchedRun(TaskRun):
    """Has room for what the tests note of it."""


@pytest.fixture
def start():
    """Makes runs of tasks in one worker."""
    client = FakeClient()
    worker = session.Session(client, session.WORKER_MODE)
    environment = TaskEnvironment({}, lambda: True)

    def start(*args, count=1, **options):
        template = FakeTemplate(b"f" * 16, "work", {}, count, {}, **options)
        encoded = FakeBuffer(KIND_PICKLE, pickle.dumps(args), None) if args else None
        task = FakeTask(1, template, encoded)
        task.results = [client.object_id(bytes([n] * 20)) for n in range(count)]
        run = WatchedRun(task, worker, FakeOutput(), environment)
        run.client, run.worker = client, worker
        return run

    yield start
    RAN.clear()
    FAILING.clear()


def results(run):
    return [run.client.objects[result.binary()] for result in run.task.results]


def test_from_arguments_to_results(start):
    run = start(1, "a", count=2)
    assert run.begins()
    run.prepare()
    assert (run.args, run.kwargs) == ((1, "a"), {})
    assert run.worker.running == "work"
    run.returned((3, 4))
    run.finish()
    assert [serialization.deserialize(one) for one in results(run)] == [3, 4]
    assert (run.args, run.task.args, run.worker.running) == ((), None, None)
    assert not run.client.failed


def test_an_argument_that_is_a_failure(start):
    run = start(count=2)
    run.task.values = [FakeBuffer(KIND_PICKLE, b"", None), FakeBuffer(KIND_TASK_ERROR, b"e", None)]
    assert not run.begins()
    run.finish()
    assert [(one.kind, bytes(one.stream)) for one in results(run)] == [(KIND_TASK_ERROR, b"e")] * 2
    assert run.client.failed
    assert run.client.finished == [(run.task, None)]


def test_a_failure(start):
    run = start()
    run.failed(KeyError("x"))
    run.finish()
    assert "task work() failed" in run.client.finished[0][1]
    assert run.client.failed
    with pytest.raises(KeyError):
        serialization.deserialize(results(run)[0])


def test_a_cancelled_task_is_not_printed(start):
    run = start()
    run.failed(rayx.TaskCancelledError("enough"))
    run.finish()
    assert run.client.finished == [(run.task, None)]
    with pytest.raises(rayx.TaskCancelledError, match="enough"):
        serialization.deserialize(results(run)[0])


def test_a_coroutine_is_no_result(start):
    async def coroutine():
        pass

    with pytest.raises(TypeError, match="work returned a coroutine"):
        start().returned(coroutine())


def test_setups_run_once_and_in_order(start):
    run = start()
    run.task.setups = [pickle.dumps(setup_one), pickle.dumps(setup_two)]
    assert run.begins()
    run.prepare()
    start().prepare()
    assert RAN == ["one", "two"]


def test_a_setup_that_fails_is_run_again(start):
    FAILING.add("two")
    run = start()
    run.task.setups = [pickle.dumps(setup_one), pickle.dumps(setup_two)]
    assert run.begins()
    for again in (run, start()):
        with pytest.raises(RuntimeError, match="setup two"):
            again.prepare()
    FAILING.clear()
    start().prepare()
    assert RAN == ["one", "two", "two", "two"]


def test_what_comes_with_a_task_that_does_not_run_is_not_lost(start, monkeypatch):
    """The node tells it once; the task may be one that has a failure for an argument."""
    applied = []
    monkeypatch.setattr(driver_config, "apply", applied.append)
    run = start()
    run.task.setups = [pickle.dumps(setup_one)]
    run.task.driver_config = b"config"
    run.task.values = [FakeBuffer(KIND_TASK_ERROR, b"", None)]
    assert not run.begins()
    run.finish()
    assert applied == [b"config"]
    later = start()
    assert later.begins()
    later.prepare()
    assert RAN == ["one"]


def test_the_environment_is_that_of_the_task_or_the_actor(start):
    creation = start(kind=KIND_ACTOR_CREATION)
    creation.task.gpu_ids = [1]
    creation.prepare()
    assert creation.worker.gpu_ids == [1]
    call = start(kind=KIND_ACTOR_CALL)
    call.prepare()
    assert call.worker.gpu_ids == [1]
    start().prepare()
    assert call.worker.gpu_ids == []


def test_a_creation_fails_as_its_constructor(start):
    run = start(kind=KIND_ACTOR_CREATION)
    run.failed(ValueError("x"))
    run.finish()
    assert "task work.__init__() failed" in run.client.finished[0][1]
