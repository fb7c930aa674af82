import pytest

import rayx
from rayx.process.gpus import CUDA_VISIBLE_DEVICES, THREAD_VARIABLES, TaskEnvironment


def environment(variables, has_gpus=True):
    return TaskEnvironment(variables, lambda: has_gpus)


def test_gpus_are_named():
    variables = {}
    assert environment(variables).apply([0, 3], 1.0) == [0, 3]
    assert variables[CUDA_VISIBLE_DEVICES] == "0,3"


def test_a_task_without_gpus_sees_none():
    variables = {}
    found = environment(variables)
    assert found.apply([], 1.0) == []
    assert variables[CUDA_VISIBLE_DEVICES] == ""
    found.apply([1], 1.0)
    found.apply([], 1.0)
    assert variables[CUDA_VISIBLE_DEVICES] == ""


@pytest.mark.parametrize(("has_gpus", "seen"), [(True, ""), (False, "2,3")])
def test_a_variable_of_the_user_stays_where_there_are_no_gpus_to_give(has_gpus, seen):
    variables = {CUDA_VISIBLE_DEVICES: "2,3"}
    environment(variables, has_gpus).apply([], 1.0)
    assert variables[CUDA_VISIBLE_DEVICES] == seen


def test_the_users_gpus_are_those_that_are_given():
    variables = {CUDA_VISIBLE_DEVICES: "4, GPU-8a5,7"}
    found = environment(variables)
    assert found.apply([0, 2], 1.0) == [4, 7]
    assert variables[CUDA_VISIBLE_DEVICES] == "4,7"
    assert found.apply([1], 1.0) == ["GPU-8a5"]
    assert found.apply([5], 1.0) == [5]


@pytest.mark.parametrize(("cpus", "threads"), [(0.0, "1"), (0.5, "1"), (1.0, "1"), (2.5, "2")])
def test_threads_follow_the_cpus(cpus, threads):
    variables = {"OMP_NUM_THREADS": "7"}
    found = environment(variables)
    found.apply([], 3.0)
    found.apply([], cpus)
    assert variables.pop("OMP_NUM_THREADS") == "7"
    assert {variables[name] for name in THREAD_VARIABLES[1:]} == {threads}


def test_in_tasks_and_actors(node):
    node.total = {"CPU": 2.0, "GPU": 2.0}

    @rayx.remote
    def task():
        import os

        return rayx.get_gpu_ids(), os.environ[CUDA_VISIBLE_DEVICES]

    @rayx.remote(num_gpus=2, num_cpus=2)
    class Actor:
        def __init__(self):
            import os

            os.environ["MINE"] = "1"
            self.seen = (rayx.get_gpu_ids(), os.environ[CUDA_VISIBLE_DEVICES])
            os.environ[CUDA_VISIBLE_DEVICES] = "7"

        def get(self):
            import os

            return self.seen, rayx.get_gpu_ids(), os.environ[CUDA_VISIBLE_DEVICES]

    assert rayx.get(task.remote()) == ([], "")
    assert rayx.get(task.options(num_gpus=1).remote()) == ([0], "0")
    assert rayx.get(Actor.remote().get.remote()) == (([0, 1], "0,1"), [0, 1], "7")


def test_a_driver_has_none(node):
    assert rayx.get_gpu_ids() == []


def test_needs_a_session():
    with pytest.raises(rayx.NotInitializedError):
        rayx.get_gpu_ids()


def test_libraries_are_told_when_the_number_changes():
    told = []
    variables = {"OMP_NUM_THREADS": "7"}
    found = TaskEnvironment(variables, lambda: False, lambda *given: told.append(given))
    for cpus in (1.0, 1.0, 0.5, 2.0):
        found.apply([], cpus)
    assert [threads for threads, _ in told] == [1, 2]
    assert set(told[0][1]) == set(THREAD_VARIABLES[1:])
