import os
import threading
import time

import pytest

import rayx


@pytest.fixture(scope="module")
def session():
    with rayx.init(num_cpus=2, object_store_memory=1 << 26) as context:
        yield context


@rayx.remote
class Counter:
    def add(self):
        return 1


@rayx.remote
def fail():
    raise ValueError("no such thing")


@rayx.remote
def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.001)  # task work


def test_the_node_and_its_driver(session):
    (node,) = rayx.state.nodes()
    assert node.alive
    assert node.resources == {"CPU": 2.0}
    assert node.object_store_memory == 1 << 26
    assert os.path.exists(f"/proc/{node.pid}")
    (driver,) = rayx.state.drivers()
    assert (driver.pid, driver.node_id, driver.ended_at) == (os.getpid(), node.node_id, None)
    assert driver.driver_id == session["driver_id"]


def test_tasks_are_listed_until_they_end(session, tmp_path):
    gate = str(tmp_path / "gate")
    running = [wait_for.remote(gate) for _ in range(3)]
    listed = [task for task in rayx.state.tasks() if task.name == "wait_for"]
    assert {task.task_id for task in listed} == {one.hex()[:32] for one in running}
    assert {task.state for task in listed} <= {"waiting", "running"}
    (function,) = {task.function_id for task in listed}
    assert [one.name for one in rayx.state.functions() if one.function_id == function] == [
        "wait_for"
    ]
    open(gate, "w").close()
    rayx.get(running)
    assert [task for task in rayx.state.tasks() if task.name == "wait_for"] == []


def test_an_actor_is_listed_and_why_it_is_dead(session):
    counter = Counter.options(name="joe").remote()
    rayx.get(counter.add.remote())
    (actor,) = rayx.state.actors()
    assert (actor.class_name, actor.name, actor.state, actor.restarts, actor.cause) == (
        "Counter",
        "joe",
        "alive",
        0,
        "",
    )
    rayx.kill(counter)
    with pytest.raises(rayx.ActorDiedError):
        rayx.get(counter.add.remote())
    (actor,) = rayx.state.actors()
    assert actor.state == "dead"
    assert "kill" in actor.cause


def test_objects_the_largest_first(session):
    small, large = rayx.put(b"s"), rayx.put(bytes(3_000_000))
    listed = rayx.state.objects()
    assert listed[0].object_id == large.hex()
    assert listed[0].nbytes > 3_000_000
    assert listed[0].in_shared_memory
    (of_small,) = [one for one in listed if one.object_id == small.hex()]
    assert not of_small.in_shared_memory
    assert of_small.references == 1


def test_of_many_objects_the_largest_are_listed_and_the_others_counted(session):
    kept = [rayx.put(bytes(size)) for size in range(100, 120)]
    with pytest.warns(UserWarning, match=r"objects, of which 3 are listed") as told:
        listed = rayx.state.objects(limit=3)
    sizes = [one.nbytes for one in listed]
    assert sizes == sorted(sizes, reverse=True)
    assert int(str(told[0].message).split()[2].replace(",", "")) == len(rayx.state.objects())
    del kept


def test_errors_are_those_of_error_info(session):
    rayx.wait([fail.remote()])
    assert rayx.state.errors() == rayx.error_info()
    assert rayx.state.errors()[-1]["function"] == "fail"


def test_what_is_left_out_is_told(session, tmp_path):
    gate = str(tmp_path / "gate")
    running = [wait_for.remote(gate) for _ in range(3)]
    with pytest.warns(UserWarning, match=r"there are \d tasks, of which 2 are listed"):
        assert len(rayx.state.tasks(limit=2)) == 2
    open(gate, "w").close()
    rayx.get(running)


@pytest.mark.parametrize("limit", [0, -1, 1.5, "9"])
def test_a_limit_is_a_whole_number(session, limit):
    with pytest.raises((TypeError, ValueError), match="limit"):
        rayx.state.tasks(limit=limit)


def test_a_task_may_ask(session):
    @rayx.remote
    def look():
        return [task.name for task in rayx.state.tasks()]

    assert "look" in rayx.get(look.remote())[0]


def test_several_threads_may_ask(session):
    counts = []
    threads = [
        threading.Thread(target=lambda: counts.append(len(rayx.state.nodes()))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1] * 4


def test_in_python_mode_only_errors_are_listed():
    if rayx.is_initialized():
        rayx.shutdown()
    with rayx.init(driver_mode=rayx.PYTHON_MODE):
        rayx.wait([fail.remote()])
        assert rayx.state.tasks() == rayx.state.drivers() == []
        assert rayx.state.nodes()[0].node_id == rayx.nodes()[0].node_id
        assert rayx.state.errors() == rayx.error_info()
        assert len(rayx.state.errors()) == 1


def test_without_a_session_there_is_an_error():
    with pytest.raises(rayx.NotInitializedError):
        rayx.state.tasks()
