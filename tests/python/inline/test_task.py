from rayx import _raylet
from rayx._raylet import KIND_ACTOR_CALL, KIND_PICKLE, TaskTemplate, detached_object_id
from rayx.inline.objects import InlineObject
from rayx.inline.task import InlineTask, arguments

TASK = b"t" * 16


def test_has_all_that_a_worker_s_task_has():
    task = InlineTask(TASK, b"d" * 16, TaskTemplate(b"f" * 16, "f", {}, 1, {}), None, None)
    for name in dir(_raylet.RunnableTask):
        if not name.startswith("_"):
            assert hasattr(task, name), name


def test_a_function():
    template = TaskTemplate(b"f" * 16, "f", {"CPU": 2.0}, 2, {"timeout_ms": 5})
    task = InlineTask(TASK, b"d" * 16, template, None, None)
    assert (task.function_id, task.name, task.num_return_vals) == (b"f" * 16, "f", 2)
    assert (task.num_cpus, task.options["timeout_ms"], task.actor_id) == (2.0, 5, bytes(16))
    assert task.results == [TASK + bytes(4), TASK + b"\1\0\0\0"]


def test_a_call():
    actor = detached_object_id(b"a" * 20)
    template = TaskTemplate(
        b"c" * 16, "C.m", {}, 1, {}, kind=KIND_ACTOR_CALL, actor=actor, method="m"
    )
    task = InlineTask(TASK, b"d" * 16, template, None, None)
    assert (task.actor_id, task.method, task.num_cpus) == (b"a" * 16, "m", 0.0)


def test_arguments():
    assert arguments(None, None, None) is None
    made = arguments(b"s", [b"b"], None)
    assert isinstance(made, InlineObject)
    assert made.kind == KIND_PICKLE
    task = InlineTask(TASK, b"d" * 16, TaskTemplate(b"f" * 16, "f", {}, 1, {}), made, None)
    task.release()
    assert task.args is None
