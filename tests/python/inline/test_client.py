"""PYTHON_MODE, as its users see it."""

import os
import pickle
import threading

import numpy as np
import pytest

import rayx
from rayx import session
from rayx.launch.init_options import InitOptions


@pytest.fixture
def inline():
    with rayx.init(num_cpus=2, num_gpus=2, driver_mode=rayx.PYTHON_MODE) as addresses:
        yield addresses


@rayx.remote
def add_one(x):
    return x + 1


@rayx.remote
def fail(text):
    raise ValueError(text)


def test_tasks_run_here_and_now(inline):
    @rayx.remote
    def who():
        return os.getpid(), threading.get_ident()

    assert rayx.get(who.remote()) == (os.getpid(), threading.get_ident())
    assert inline["session_dir"] == ""
    assert rayx.is_initialized()


def test_arguments_and_results_are_copies(inline):
    @rayx.remote
    def change(values):
        values.append(4)
        return values

    values = [1]
    changed = change.remote(values)
    assert values == [1]
    first = rayx.get(changed)
    first.append(5)
    assert rayx.get(changed) == [1, 4]


def test_globals_are_copies_too(inline):
    counted = [0]

    @rayx.remote
    def count():
        counted[0] += 1
        return counted[0]

    rayx.get(count.remote())
    assert counted == [0]


def test_arrays_are_read_only(inline):
    @rayx.remote
    def look(array):
        return array.flags.writeable

    array = np.arange(10)
    assert rayx.get(look.remote(array)) is False
    got = rayx.get(rayx.put(array))
    assert not got.flags.writeable
    np.testing.assert_array_equal(got, array)
    rayx.shutdown()
    np.testing.assert_array_equal(got, array)


def test_ids_stand_for_values(inline):
    assert rayx.get(add_one.remote(add_one.remote(rayx.put(1)))) == 3
    object_id = rayx.put(1)
    (inner,) = rayx.get(rayx.put([object_id]))
    assert inner == object_id
    assert rayx.get(inner) == 1


def test_objects_go_with_their_ids(inline):
    client = session.current().client
    ids = [rayx.put(b"x" * 10000) for _ in range(5)]
    assert client._objects._used_bytes == 50000
    nested = rayx.put([ids[0]])
    del ids
    assert 10000 < client._objects._used_bytes < 10500
    del nested
    assert client._objects._used_bytes == 0


def test_errors(inline, capfd):
    failed = fail.remote("out of luck")
    told = capfd.readouterr().err
    assert told.count("ValueError: out of luck") == 1
    assert f"pid={os.getpid()}" in told
    with pytest.raises(ValueError, match="out of luck") as caught:
        rayx.get(failed)
    assert isinstance(caught.value, rayx.TaskError)
    with pytest.raises(ValueError):
        rayx.get(add_one.remote(failed))
    assert capfd.readouterr().err == ""
    (record,) = rayx.error_info()
    assert (record.function, record.kind) == ("fail", "TaskError")
    assert record.driver_id == inline["driver_id"]
    assert record.task_id == failed.hex()[:32]


def test_exits_are_failures_but_ctrl_c_is_not(inline, capfd):
    @rayx.remote
    def leave(error):
        raise error

    with pytest.raises(rayx.TaskError, match=r"sys\.exit"):
        rayx.get(leave.remote(SystemExit(3)))
    with pytest.raises(KeyboardInterrupt):
        leave.remote(KeyboardInterrupt())
    assert rayx.get(add_one.remote(1)) == 2
    assert session.current().mode == rayx.PYTHON_MODE


@pytest.mark.parametrize("value", [5, (1,), (1, 2, 3)])
def test_numbers_of_results_are_checked(inline, value, capfd):
    @rayx.remote(num_return_vals=2)
    def two():
        return value

    first, second = two.remote()
    for one in (first, second):
        with pytest.raises((TypeError, ValueError), match="num_return_vals=2"):
            rayx.get(one)


def test_what_cannot_be_pickled(inline, capfd):
    with pytest.raises(rayx.SerializationError, match="argument 0 of add_one"):
        add_one.remote(threading.Lock())

    @rayx.remote
    def lock():
        return threading.Lock()

    with pytest.raises(rayx.TaskError, match="the result of lock"):
        rayx.get(lock.remote())


def test_tasks_within_tasks(inline):
    @rayx.remote
    def outer(n):
        inner = [add_one.remote(i) for i in range(n)]
        kept = rayx.put(n)
        return sum(rayx.get(inner)), rayx.wait(inner, num_returns=n)[1], kept

    total, remaining, kept = rayx.get(outer.remote(3))
    assert (total, remaining) == (6, [])
    assert rayx.get(kept) == 3


def test_init_and_shutdown_in_a_task(inline, capfd):
    @rayx.remote
    def begin():
        rayx.shutdown()  # does nothing, as in a worker
        add_one.remote(1)
        rayx.init()

    with pytest.raises(rayx.AlreadyInitializedError, match="called by the task begin"):
        rayx.get(begin.remote())
    with pytest.raises(rayx.AlreadyInitializedError, match="a second time"):
        rayx.init()


def test_wait(inline):
    ids = [add_one.remote(i) for i in range(3)]
    assert rayx.wait(ids, num_returns=2) == (ids[:2], ids[2:])
    assert rayx.wait(ids, num_returns=3, timeout=0) == (ids, [])


def test_resources(inline, capfd):
    assert rayx.cluster_resources() == {"CPU": 2.0, "GPU": 2.0}

    @rayx.remote(num_gpus=1)
    def use():
        devices = os.environ["CUDA_VISIBLE_DEVICES"]
        return rayx.get_gpu_ids(), devices, rayx.available_resources()["GPU"]

    assert rayx.get(use.remote()) == ([0], "0", 1.0)
    assert rayx.available_resources() == {"CPU": 2.0, "GPU": 2.0}
    assert rayx.get_gpu_ids() == []
    with pytest.raises(rayx.InfeasibleError, match="asks for 3 CPU, of which there are 2"):
        rayx.get(add_one.options(num_cpus=3).remote(1))


def test_a_full_store():
    with rayx.init(driver_mode=rayx.PYTHON_MODE, object_store_memory=1 << 20):
        kept = rayx.put(b"x" * 900_000)
        with pytest.raises(rayx.ObjectStoreFullError, match="no room"):
            rayx.put(b"x" * 900_000)
        del kept
        assert len(rayx.get(rayx.put(b"x" * 900_000))) == 900_000


def ids_of_a_program(seed):
    @rayx.remote
    def outer():
        return rayx.put(1), add_one.remote(1)

    with rayx.init(driver_mode=rayx.PYTHON_MODE, object_id_seed=seed):
        first = outer.remote()
        return [first.binary(), *(one.binary() for one in rayx.get(first)), rayx.put(1).binary()]


def test_the_same_seed_gives_the_same_ids():
    first = ids_of_a_program(3)
    assert ids_of_a_program(3) == first
    assert len(set(first)) == 4
    assert not set(first) & set(ids_of_a_program(4))


def test_functions_and_ids_that_are_pickled(inline):
    object_id = rayx.put(1)
    assert pickle.loads(pickle.dumps(object_id)) == object_id

    @rayx.remote
    def apply(function, x):
        return rayx.get(function.remote(x))

    assert rayx.get(apply.remote(add_one, 1)) == 2

    @rayx.remote
    def factorial(n):
        return 1 if n == 0 else n * rayx.get(factorial.remote(n - 1))

    assert rayx.get(factorial.remote(5)) == 120


def test_threads_have_their_own_tasks(inline):
    inside, go = threading.Event(), threading.Event()

    def driver():
        inside.wait()
        found.append(session.current().running)
        found.append(rayx.get(add_one.remote(1)))
        go.set()

    found = []
    Gate.events = (inside, go)

    @rayx.remote
    def task():
        inside, go = Gate.events
        inside.set()
        go.wait()
        return session.current().running

    thread = threading.Thread(target=driver)
    thread.start()
    assert rayx.get(task.remote()) == "task"
    thread.join()
    assert found == [None, 2]


class Gate:
    """Known by name, so that tasks share it."""

    events = None


def test_setups_run_here(inline):
    rayx.run_on_all_workers(lambda: os.environ.__setitem__("RAYX_TEST_SETUP", "1"))
    assert os.environ.pop("RAYX_TEST_SETUP") == "1"


def test_templates_outlive_sessions():
    for _ in range(2):
        with rayx.init(driver_mode=rayx.PYTHON_MODE):
            assert rayx.get(add_one.remote(1)) == 2


def test_a_fork_goes_on(inline):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if rayx.get(add_one.remote(1)) == 2 else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_the_end(inline):
    kept = rayx.put(1)
    rayx.shutdown()
    with pytest.raises(rayx.NotInitializedError):
        rayx.get(kept)


def test_preload():
    with pytest.raises(rayx.StartError, match="preload: nothing_of_that_name"):
        rayx.init(driver_mode=rayx.PYTHON_MODE, preload=["nothing_of_that_name"])
    assert InitOptions.checked(driver_mode=rayx.PYTHON_MODE).driver_mode == rayx.PYTHON_MODE
    assert not rayx.is_initialized()
