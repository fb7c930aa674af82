"""A function that nobody can call any more is forgotten, with what it captured."""

import gc
import os
import re
import signal
import time

import numpy as np
import pytest
from session_watch import Parts, poll_until, read

import rayx
from rayx import questions

MIB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def addresses(open_for_good):
    with rayx.init(num_cpus=2, object_store_memory=64 * MIB) as found:
        open_for_good()
        yield found


def dump():
    return questions.dump(rayx.session.current().client, 10_000)


def functions_known():
    """But for those of this module."""
    gc.collect()
    known = int(re.search(r"and (\d+) functions;", dump()).group(1))
    return known - sum(function._reference.client is not None for function in (wait_for, call))


def is_empty():
    return functions_known() == 0 and re.search(r"store: 0 objects,.* used 0 bytes", dump())


@pytest.fixture(autouse=True)
def forgets_all():
    """After each test no function of it is left."""
    yield
    poll_until(is_empty, 15, "all functions and objects are gone")


def memory_of(pid):
    """Without what is shared, in bytes."""
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", read(f"/proc/{pid}/status")).group(1))


def servers(addresses):
    """The node and the control servers."""
    parts = Parts(addresses)
    return [parts.node, *parts.control]


def capturing(data):
    @rayx.remote
    def size():
        return len(data)

    return size


@rayx.remote
def wait_for(path):
    while not os.path.exists(path):
        time.sleep(0.01)  # task work
    return os.getpid()


@rayx.remote
def call(function, *args):
    return rayx.get(function.remote(*args))


class Gate:
    def __init__(self, path):
        self.path = str(path)

    def open(self):
        with open(self.path, "w"):
            pass


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path / "gate")


@pytest.mark.time_limit(120)
def test_what_functions_made_in_a_loop_capture_does_not_stay(addresses):
    assert rayx.get(capturing(b"").remote()) == 0
    before = [memory_of(pid) for pid in servers(addresses)]
    for i in range(40):
        data = np.full(5 * MIB, i, np.uint8)
        assert rayx.get(capturing(data).remote()) == 5 * MIB

    def is_low():
        return all(
            memory_of(pid) < least + 100 * MIB  # of 200
            for pid, least in zip(servers(addresses), before, strict=True)
        )

    poll_until(is_low, 20, "node and control servers have not kept them")
    poll_until(lambda: functions_known() == 0, 10, "all functions are forgotten")
    workers = Parts(addresses).workers()
    poll_until(lambda: all(memory_of(pid) < 100 * MIB for pid in workers), 20, "nor have workers")


def test_captured_ids_are_let_go():
    """The store has room for twelve of these."""
    for _ in range(30):
        stored = rayx.put(np.zeros(5 * MIB, np.uint8))

        @rayx.remote
        def size(stored=stored):
            return len(rayx.get(stored))

        assert rayx.get(size.remote()) == 5 * MIB
        del stored, size
        poll_until(lambda: " used 0 bytes" in dump(), 10, "the store is empty")


def test_tasks_that_wait_keep_their_function(gate):
    blockers = [wait_for.remote(gate.path) for _ in range(2)]
    function = capturing(b"12345")
    results = [function.remote() for _ in range(20)]
    del function
    gate.open()
    assert rayx.get(results) == [5] * 20
    rayx.get(blockers)


def test_a_task_that_is_tried_again_keeps_its_function(tmp_path):
    data = b"123"
    path = str(tmp_path / "crashed")

    @rayx.remote
    def crash_once():
        if not os.path.exists(path):
            with open(path, "w"):
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        return len(data)

    result = crash_once.remote()
    del crash_once
    assert rayx.get(result) == 3


def test_a_stored_remote_function_can_be_called():
    stored = rayx.put({"f": capturing(b"1234")})
    assert functions_known() == 1
    function = rayx.get(stored)["f"]
    del stored
    assert rayx.get(function.remote()) == 4
    assert function.function() == 4
    assert rayx.get(call.remote(function)) == 4
    copy = function.options(num_cpus=2)
    del function
    assert rayx.get(copy.remote()) == 4


def test_results_and_arguments_hold_functions():
    @rayx.remote
    def make(n):
        return capturing(bytes(n))

    functions = rayx.get([make.remote(n) for n in range(5)])
    assert rayx.get([function.remote() for function in functions]) == list(range(5))
    assert rayx.get([call.remote(function) for function in functions]) == list(range(5))


def test_a_function_that_another_captures():
    def make():
        inner = capturing(b"123")

        @rayx.remote
        def outer():
            return rayx.get(inner.remote())

        return outer

    outer = make()
    assert rayx.get(outer.remote()) == 3
    result = outer.remote()
    del outer
    assert rayx.get(result) == 3


def counting_down(data):
    @rayx.remote
    def down(n):
        return rayx.get(down.remote(n - 1)) if n > 0 else len(data)

    return down


def test_recursion():
    for i in range(5):
        down = counting_down(bytes(i))
        assert rayx.get(down.remote(3)) == i
        result = down.remote(3)
        del down
        gc.collect()
        assert rayx.get(result) == i
    poll_until(lambda: functions_known() == 0, 15, "workers have forgotten them")


def test_a_recursive_function_that_a_worker_keeps():
    @rayx.remote
    class Keeper:
        def keep(self, function):
            self.function = function

        def call(self):
            return rayx.get(self.function.remote(2))

    keeper = Keeper.remote()
    rayx.get(keeper.keep.remote(counting_down(b"12")))
    assert rayx.get(keeper.call.remote()) == 2
    gc.collect()
    # Longer than the node takes to tell workers to forget it.
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        assert rayx.get(keeper.call.remote()) == 2


def test_an_actor_and_its_restart_keep_the_class():
    def make(data):
        @rayx.remote(max_restarts=1)
        class Sized:
            def size(self):
                return len(data)

            def pid(self):
                return os.getpid()

            def another(self):
                return Sized.remote()

        return Sized.remote()

    actor = make(b"12")
    gc.collect()
    pid = rayx.get(actor.pid.remote())
    poll_until(lambda: functions_known() == 1, 5, "the actor keeps it")
    os.kill(pid, signal.SIGKILL)
    poll_until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "its worker is gone")
    assert rayx.get(actor.size.remote()) == 2
    other = rayx.get(actor.another.remote())
    rayx.kill(actor)
    assert rayx.get(other.size.remote()) == 2


def test_the_same_name_defined_again(interactive):
    source = "@rayx.remote\ndef f():\n    return data"
    for i in range(3):
        interactive(source, data=i)
        (result,) = interactive("rayx.get(f.remote())")
        assert result == i
    gc.collect()
    poll_until(lambda: functions_known() <= 1, 15, "those before are forgotten")


def test_what_was_pickled_for_others_is_kept(run_program):
    out, _ = run_program(
        """
import gc, pickle, rayx

with rayx.init(num_cpus=1):
    def make():
        @rayx.remote
        def f():
            return "kept"
        return f

    pickled = pickle.dumps(make())
    gc.collect()
    rayx.get(rayx.put(1))
    print(rayx.get(pickle.loads(pickled).remote()))
"""
    )
    assert out == "kept\n"


def test_a_function_that_is_forgotten_is_an_error():
    function = capturing(b"1")
    assert rayx.get(function.remote()) == 1
    name = function._reference.function_id
    del function
    poll_until(lambda: functions_known() == 0, 10, "it is forgotten")
    late = rayx.calls.remote_function.by_reference(name, "size", tuple(capturing(b"")._options))
    with pytest.raises(rayx.RayxError, match="(?s)not known to the node.*forgotten"):
        late.remote()
    with pytest.raises(rayx.RayxError, match="(?s)not known to the node.*forgotten"):
        rayx.get(call.remote(late))
