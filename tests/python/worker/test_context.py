from fake_node import FakeOutput, FakeTask, FakeTemplate
from fake_worker import WorkerClient

from rayx import session
from rayx.running.task_run import TaskRun
from rayx.worker.context import WorkerContext


def test_a_task_is_taken_and_run_with_what_all_tasks_of_the_worker_have():
    client = WorkerClient()
    owner = session.Session(client, session.WORKER_MODE)
    context = WorkerContext(owner, FakeOutput())
    task = FakeTask(1, FakeTemplate(b"f" * 16, "f", {}, 1, {}), None)
    client.tasks.put(task)
    assert context.next_task() is task
    run = context.new_run(task)
    assert type(run) is TaskRun
    assert run.task is task
    assert context.client is client
    assert not context.is_forked
    owner.forked = True
    assert context.is_forked
