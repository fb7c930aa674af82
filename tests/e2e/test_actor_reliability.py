"""Faults of actors: each F of the list of promises, with its number in the name of its test.

F5, and more of F4 and F24, are in test_actor_errors.py.
"""

import os
import re
import signal
import time

import pytest
from session_watch import Parts, poll_until, read

import rayx


def make_victim():
    """A class made here, so that new workers need not import this module to have it."""

    class Victim:
        """Holds a CPU, so that it is seen whether that comes back."""

        def __init__(self, started=None):
            if started is not None:
                self.spin(started)
            self.value = 0

        def pid(self):
            return os.getpid()

        def increment(self):
            self.value += 1
            return self.value

        def spin(self, started):
            with open(started, "w") as file:
                file.write(str(os.getpid()))
            while True:
                time.sleep(0.001)  # task work

        def reply(self, size):
            """Dies while its result is being copied into the pool."""
            pid = os.getpid()
            if os.fork() == 0:
                while shared_kilobytes(pid) < 10_000:
                    pass
                os.kill(pid, signal.SIGKILL)
                os._exit(0)
            return bytes(size)

    return Victim


Victim = make_victim()


def shared_kilobytes(pid):
    found = re.search(r"RssShmem:\s+(\d+)", read(f"/proc/{pid}/status"))
    return int(found.group(1)) if found else 10_000


def kill_idle(victim, started):
    os.kill(rayx.get(victim.pid.remote(), timeout=10), signal.SIGKILL)
    return []


def kill_in_a_method(victim, started):
    running = victim.spin.remote(str(started))
    os.kill(spinning_pid(started), signal.SIGKILL)
    return [running]


def kill_in_a_reply(victim, started):
    return [victim.reply.remote(500 << 20)]


def kill_in_the_constructor(victim, started):
    os.kill(spinning_pid(started), signal.SIGKILL)
    return []


def spinning_pid(started):
    return int(poll_until(lambda: started.exists() and started.read_text(), 10, "it runs"))


KILLS = {
    "idle": kill_idle,
    "in_a_method": kill_in_a_method,
    "in_a_reply": kill_in_a_reply,
    "in_the_constructor": kill_in_the_constructor,
}


@pytest.fixture
def parts():
    """A session with room for two actors that hold a CPU, and for tasks."""
    with rayx.init(num_cpus=3, object_store_memory=1 << 30) as addresses:
        yield Parts(addresses)


@pytest.mark.parametrize("moment", KILLS)
def test_F4_actor_kill(parts, tmp_path, moment):
    victims = rayx.remote(num_cpus=1)(Victim)
    started = tmp_path / "started"
    other = victims.remote()
    assert rayx.get(other.increment.remote(), timeout=20) == 1
    victim = victims.remote(*([str(started)] if moment == "in_the_constructor" else []))
    in_flight = KILLS[moment](victim, started)
    in_flight += [victim.increment.remote() for _ in range(3)]
    began = time.monotonic()
    for call in in_flight:
        with pytest.raises(rayx.ActorDiedError, match="Victim.*SIGKILL"):
            rayx.get(call, timeout=10)
    # Copying what is too much for the reply takes its time too.
    assert time.monotonic() - began <= (3 if moment == "in_a_reply" else 1)
    began = time.monotonic()
    with pytest.raises(rayx.ActorDiedError, match="Victim.*SIGKILL"):
        rayx.get(victim.increment.remote(), timeout=10)
    assert time.monotonic() - began <= 1
    poll_until(lambda: rayx.available_resources()["CPU"] == 2, 1, "the actor's CPU is free")
    assert rayx.get(other.increment.remote(), timeout=10) == 2
    assert rayx.get([rayx.remote(abs).remote(-1) for _ in range(10)], timeout=10) == [1] * 10
    poll_until(lambda: not parts.zombies(), 2, "no zombies")
    # What a dead actor had half written holds no room: there would not be that much beside it.
    rayx.put(bytes(700 << 20))


@pytest.mark.time_limit(120)
def test_F18_100_actors_killed(parts):
    """They leave no zombies, no processes and no descriptors."""

    @rayx.remote
    class Small:
        def pid(self):
            return os.getpid()

    def end_some(count, how):
        made = [Small.remote() for _ in range(count)]
        pids = rayx.get([actor.pid.remote() for actor in made], timeout=60)
        for actor, pid in zip(made, pids, strict=True):
            rayx.kill(actor) if how == "kill" else os.kill(pid, signal.SIGKILL)
        for actor in made:
            with pytest.raises(rayx.ActorDiedError):
                rayx.get(actor.pid.remote(), timeout=20)
        poll_until(lambda: not set(pids) & set(parts.workers()), 10, "all are gone")

    def descriptors():
        return len(os.listdir(f"/proc/{parts.node}/fd"))

    end_some(10, "kill")
    poll_until(lambda: not parts.zombies(), 5, "no zombies")
    before = descriptors()
    for how in ("kill", "signal") * 5:
        end_some(10, how)
    poll_until(lambda: not parts.zombies(), 5, "no zombies")
    poll_until(lambda: abs(descriptors() - before) <= 4, 5, "the node's descriptors")


def test_F24_actors_that_wait_for_each_other(parts):
    """Nobody can see it at once; a time limit is kept, and the two can be ended."""

    @rayx.remote
    class Polite:
        def after_you(self, other, me):
            return rayx.get(other.after_you.remote(me, other))

        def answer(self):
            return 1

    first, second = Polite.remote(), Polite.remote()
    assert rayx.get([first.answer.remote(), second.answer.remote()], timeout=20) == [1, 1]
    waiting = first.after_you.remote(second, first)
    began = time.monotonic()
    with pytest.raises(rayx.GetTimeoutError):
        rayx.get(waiting, timeout=0.5)
    assert 0.5 <= time.monotonic() - began < 2
    rayx.kill(second)
    with pytest.raises(rayx.ActorDiedError, match="ended by rayx.kill"):
        rayx.get(waiting, timeout=10)
    assert rayx.get(first.answer.remote(), timeout=10) == 1


def test_F24_a_self_call_in_a_list(parts):
    """Among others, by `wait`, and through a method that calls another."""

    @rayx.remote
    class Lonely:
        def get_several(self, me, others):
            return rayx.get([*others, me.answer.remote()])

        def wait_for_all(self, me, others):
            return rayx.wait([*others, me.answer.remote()], num_returns=len(others) + 1)

        def wait_for_one(self, me, others):
            ready, _ = rayx.wait([me.answer.remote(), *others])
            return rayx.get(ready)

        def answer(self):
            return 1

    lonely = Lonely.remote()
    others = [rayx.put(2)]
    for method in (lonely.get_several, lonely.wait_for_all):
        began = time.monotonic()
        with pytest.raises(rayx.DeadlockError, match="Lonely waits for a call of itself"):
            rayx.get(method.remote(lonely, others), timeout=10)
        assert time.monotonic() - began <= 2
    assert rayx.get(lonely.wait_for_one.remote(lonely, others), timeout=10) == [2]


@pytest.mark.parametrize(
    ("options", "demand"), [({"num_cpus": 100}, "CPU: 100"), ({"num_gpus": 2}, "GPU: 2")]
)
def test_F30_infeasible_demand(parts, options, demand):
    """An error at once, which names what is asked for and what there is."""
    began = time.monotonic()
    never = rayx.remote(**options)(abs).remote(-1)
    with pytest.raises(rayx.InfeasibleError, match=rf"{demand}.* has \{{CPU: 3\}} in all"):
        rayx.get(never, timeout=5)
    assert rayx.wait([never], timeout=1000) == ([never], [])
    dependent = rayx.remote(abs).remote(never)
    with pytest.raises(rayx.InfeasibleError):
        rayx.get(dependent, timeout=5)
    with pytest.raises(rayx.InfeasibleError, match="Victim asks for"):
        rayx.remote(**options)(Victim).remote()
    assert time.monotonic() - began <= 5
    assert rayx.get(rayx.remote(abs).remote(-1), timeout=10) == 1


def test_F30_what_is_only_in_use_waits(parts):
    @rayx.remote
    def hold(path):
        while not os.path.exists(path):
            time.sleep(0.001)  # task work
        return "held"

    path = f"{parts.directory}/go"
    holding = hold.options(num_cpus=2).remote(path)
    waiting = rayx.remote(num_cpus=3)(abs).remote(-1)
    with pytest.raises(rayx.GetTimeoutError):
        rayx.get(waiting, timeout=0.3)
    open(path, "w").close()
    assert rayx.get([holding, waiting], timeout=10) == ["held", 1]
