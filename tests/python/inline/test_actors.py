"""Actors in PYTHON_MODE."""

import asyncio
import os
import threading

import pytest

import rayx


@pytest.fixture(autouse=True)
def inline():
    with rayx.init(num_cpus=2, num_gpus=2, driver_mode=rayx.PYTHON_MODE) as addresses:
        yield addresses


@rayx.remote
class Counter:
    def __init__(self, value=0):
        self.value = value

    def add(self, by=1):
        self.value += by
        return self.value

    def add_later(self, me):
        return me.add.remote(), self.value

    def wait_for_itself(self, me):
        return rayx.get(me.add.remote())

    def fail(self):
        raise KeyError("no")


def test_calls_run_in_order():
    counter = Counter.remote(10)
    assert rayx.get([counter.add.remote(), counter.add.remote(by=2)]) == [11, 13]
    with pytest.raises(KeyError):
        rayx.get(counter.fail.remote())
    assert rayx.get(counter.add.remote()) == 14


def test_state_is_the_actor_s_own():
    values = [1]

    @rayx.remote
    class Holder:
        def __init__(self, values):
            self.values = values

        def get(self):
            return self.values

    holder = Holder.remote(values)
    values.append(2)
    got = rayx.get(holder.get.remote())
    got.append(3)
    assert rayx.get(holder.get.remote()) == [1]


def test_a_call_of_itself_runs_after_the_present_one():
    counter = Counter.remote()
    later, before = rayx.get(counter.add_later.remote(counter))
    assert before == 0
    assert rayx.get(later) == 1
    with pytest.raises(rayx.DeadlockError):
        rayx.get(counter.wait_for_itself.remote(counter))


def test_a_task_can_need_what_comes_later():
    @rayx.remote
    def double(x):
        return 2 * x

    @rayx.remote
    class Caller:
        def value(self):
            return 21

        def start(self, me):
            doubled = double.remote(me.value.remote())
            ready, _ = rayx.wait([doubled], timeout=0)
            with pytest.raises(rayx.GetTimeoutError):
                rayx.get(doubled, timeout=0)
            return doubled, bool(ready)

    caller = Caller.remote()
    doubled, was_ready = rayx.get(caller.start.remote(caller))
    assert not was_ready
    assert rayx.get(doubled) == 42


def test_a_failing_constructor(capfd):
    @rayx.remote
    class Bad:
        def __init__(self):
            raise ValueError("not today")

        def m(self):
            pass

    bad = Bad.remote()
    for _ in range(2):
        with pytest.raises(ValueError, match="not today"):
            rayx.get(bad.m.remote())
    assert capfd.readouterr().err.count("not today") == 2  # once, and its source line


def test_kill():
    counter = Counter.remote()
    rayx.kill(counter)
    with pytest.raises(rayx.ActorDiedError, match=r"rayx\.kill"):
        rayx.get(counter.add.remote())


def test_names():
    made = Counter.options(name="hits").remote(5)
    assert rayx.get_actor("hits") == made
    with pytest.raises(ValueError, match="taken"):
        Counter.options(name="hits").remote()
    del made
    assert rayx.get(rayx.get_actor("hits").add.remote()) == 6
    rayx.kill(rayx.get_actor("hits"))
    with pytest.raises(ValueError, match="no actor"):
        rayx.get_actor("hits")


def test_ends_with_its_last_handle():
    ended = threading.Event()

    class Plain:
        def __init__(self, number):
            self.number = number

        def gpus(self):
            return rayx.get_gpu_ids(), os.environ["CUDA_VISIBLE_DEVICES"]

    actor = rayx.remote(num_gpus=1)(Plain).remote(1)
    assert rayx.get(actor.gpus.remote()) == ([0], "0")
    other = rayx.remote(num_gpus=1)(Plain).remote(2)
    assert rayx.get(other.gpus.remote()) == ([1], "1")
    assert rayx.available_resources()["GPU"] == 0
    del actor, other
    assert rayx.available_resources()["GPU"] == 2
    assert not ended.is_set()


def test_coroutines():
    @rayx.remote
    class Server:
        async def answer(self, x):
            await asyncio.sleep(0)  # task work
            return await rayx.put(x)

        def plain(self):
            return "plain"

    server = Server.remote()
    assert rayx.get(server.answer.remote(4)) == 4
    assert rayx.get(server.plain.remote()) == "plain"

    async def main():
        return await server.answer.remote(5)

    assert asyncio.run(main()) == 5


def test_other_threads_wait_for_their_turn():
    counter = Counter.remote()
    threads = [
        threading.Thread(target=lambda: [counter.add.remote() for _ in range(50)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rayx.get(counter.add.remote()) == 201
