"""Actors that fail, die, are ended, and are misused."""

import os
import signal
import threading
import time

import pytest
from session_watch import poll_until

import rayx


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2):
        yield


@rayx.remote
class Counter:
    def __init__(self, log=None):
        self.value = 0
        if log is not None:
            with open(log, "a") as file:
                file.write("made\n")

    def increment(self):
        self.value += 1
        return self.value

    def pid(self):
        return os.getpid()

    def fail(self):
        raise KeyError("lost")

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def leave(self, code):
        os._exit(code)

    def exit(self):
        raise SystemExit(3)

    def spin(self, path=None):
        if path is not None:
            with open(path, "w") as file:
                file.write("spins")
        while True:
            time.sleep(0.001)  # task work

    def bad_result(self):
        return {"lock": __import__("threading").Lock()}

    def two_of_three(self):
        return 1, 2

    def call_itself(self, me):
        return rayx.get(me.increment.remote())

    def wait_for_itself(self, me):
        return len(rayx.wait([me.increment.remote()], timeout=50)[0])


class TestMistakesOfTheCaller:
    @pytest.mark.parametrize(
        ("mistake", "error", "text"),
        [
            (lambda c: Counter(), TypeError, r"use Counter\.remote\(\) for an actor"),
            (lambda c: c.increment(), TypeError, r"use \.increment\.remote\(\)"),
            (lambda c: c.incremnt.remote(), AttributeError, "did you mean 'increment'"),
            (lambda c: c.value, AttributeError, "no method 'value'"),
            (lambda c: setattr(c, "value", 1), AttributeError, "cannot be set from outside"),
            (lambda c: c.increment.remote(1), TypeError, r"Counter\.increment\(\) takes 0 posit"),
            (lambda c: c.increment.remote(by=1), TypeError, "unexpected keyword argument 'by'"),
            (lambda c: c.leave.remote(), TypeError, "missing 1 required positional argument"),
            (lambda c: Counter.remote(1, 2), TypeError, r"Counter\(\) takes from 0 to 1 positi"),
            (lambda c: Counter.options(num_cpus=-1), ValueError, "num_cpus"),
            (lambda c: Counter.options(max_restarts=1.5), TypeError, "max_restarts"),
            (lambda c: Counter.options(max_retries=1), TypeError, "has max_restarts"),
            (lambda c: c.increment.options(num_gpus=1), TypeError, "no option 'num_gpus'"),
            (lambda c: rayx.get(c), TypeError, "takes an ObjectID"),
            (lambda c: rayx.kill(c.increment), TypeError, "takes the handle of an actor"),
            (lambda c: rayx.cancel(c), TypeError, r"use rayx\.kill"),
            (lambda c: rayx.remote(Counter), TypeError, "is a remote class already"),
            (
                lambda c: Counter.options(num_gpus=1).remote(),
                rayx.InfeasibleError,
                "asks for 1 GPU, of which there are 0 in all",
            ),
            (
                lambda c: Counter.options(num_cpus=100).remote(),
                rayx.InfeasibleError,
                "asks for 100 CPU, of which there are 2 in all",
            ),
        ],
    )
    def test_is_an_error_at_once(self, mistake, error, text):
        counter = Counter.remote()
        with pytest.raises(error, match=text):
            mistake(counter)
        assert rayx.get(counter.increment.remote()) == 1


class TestFailures:
    def test_a_method_that_raises_leaves_the_actor_alive(self):
        counter = Counter.remote()
        failed, after = counter.fail.remote(), counter.increment.remote()
        with pytest.raises(KeyError, match=r"task Counter\.fail\(\) failed") as caught:
            rayx.get(failed)
        assert caught.value.function == "Counter.fail"
        assert rayx.get(after) == 1

    def test_exits_are_failures(self):
        counter = Counter.remote()
        with pytest.raises(rayx.TaskError, match=r"called sys\.exit\(3\)"):
            rayx.get(counter.exit.remote())
        assert rayx.get(counter.increment.remote()) == 1

    def test_results_that_cannot_be_stored(self):
        counter = Counter.remote()
        with pytest.raises(rayx.SerializationError, match=r"the result of Counter\.bad_result"):
            rayx.get(counter.bad_result.remote())
        for object_id in counter.two_of_three.options(num_return_vals=3).remote():
            with pytest.raises(ValueError, match="num_return_vals=3"):
                rayx.get(object_id)

    def test_a_failed_argument(self):
        @rayx.remote
        def fail():
            raise LookupError("first")

        counter = Counter.remote()
        with pytest.raises(LookupError, match="first"):
            rayx.get(counter.leave.remote(fail.remote()))
        assert rayx.get(counter.increment.remote()) == 1

    def test_f5_a_constructor_that_raises(self):
        @rayx.remote
        class Broken:
            def __init__(self, cause):
                raise ValueError(cause)

            def method(self):
                return 1

        broken = Broken.remote("not today")
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(ValueError, match="not today") as caught:
                rayx.get(broken.method.remote(), timeout=5)
        assert caught.value.function == "Broken.__init__"
        assert "raise ValueError(cause)" in str(caught.value)
        assert time.monotonic() - began < 2

    def test_f5_a_constructor_that_never_returns(self):
        @rayx.remote
        class Endless:
            def __init__(self):
                while True:
                    time.sleep(0.001)  # task work

            def method(self):
                return 1

        endless = Endless.remote()
        with pytest.raises(rayx.GetTimeoutError):
            rayx.get(endless.method.remote(), timeout=0.3)
        rayx.kill(endless)
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(endless.method.remote(), timeout=5)

    def test_a_class_that_cannot_be_loaded_there(self):
        def fails():
            raise RuntimeError("not here")

        class Unloadable:
            def __reduce__(self):
                return fails, ()

        @rayx.remote
        class Holder:
            data = Unloadable()

            def method(self):
                return 1

        with pytest.raises(rayx.SerializationError, match="RuntimeError: not here"):
            rayx.get(Holder.remote().method.remote(), timeout=10)


class TestDeaths:
    @pytest.mark.parametrize("how", ["die", "leave"])
    def test_f4_in_a_method(self, how):
        counter, other = Counter.remote(), Counter.remote()
        rayx.get([counter.increment.remote(), other.increment.remote()])
        began = time.monotonic()
        dying = counter.die.remote() if how == "die" else counter.leave.remote(3)
        later = [counter.increment.remote() for _ in range(3)]
        for object_id in (dying, *later, counter.increment.remote()):
            with pytest.raises(rayx.ActorDiedError, match="Counter"):
                rayx.get(object_id, timeout=5)
        assert time.monotonic() - began < 3
        assert rayx.get(other.increment.remote()) == 2

    def test_f4_while_idle(self):
        counter = Counter.remote()
        os.kill(rayx.get(counter.pid.remote()), signal.SIGKILL)
        began = time.monotonic()
        with pytest.raises(rayx.ActorDiedError, match="SIGKILL"):
            rayx.get(counter.increment.remote(), timeout=5)
        assert time.monotonic() - began < 2

    def test_f4_in_the_constructor(self):
        @rayx.remote
        class Suicidal:
            def __init__(self):
                os.kill(os.getpid(), signal.SIGKILL)

            def method(self):
                return 1

        with pytest.raises(rayx.ActorDiedError):
            rayx.get(Suicidal.remote().method.remote(), timeout=5)

    def test_restarts_run_the_constructor_again(self, tmp_path):
        log = tmp_path / "log"
        counter = Counter.options(max_restarts=2).remote(str(log))
        assert rayx.get([counter.increment.remote() for _ in range(2)]) == [1, 2]
        for _ in range(2):
            with pytest.raises(rayx.ActorDiedError):
                rayx.get(counter.die.remote(), timeout=10)
            assert rayx.get(counter.increment.remote(), timeout=10) == 1
        assert log.read_text() == "made\n" * 3
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(counter.die.remote(), timeout=10)
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(counter.increment.remote(), timeout=10)

    def test_calls_that_had_not_begun_run_after_a_restart(self):
        counter = Counter.options(max_restarts=1).remote()
        rayx.get(counter.increment.remote())
        dying = counter.die.remote()
        later = [counter.increment.remote() for _ in range(3)]
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(dying, timeout=10)
        assert rayx.get(later, timeout=10) == [1, 2, 3]

    def test_kill_at_any_moment(self):
        """Also while the news that it is made is on its way: no call has a value it never had."""
        for number in range(100):
            counter = Counter.options(max_restarts=-1).remote()
            calls = [counter.spin.remote(), counter.increment.remote()]
            threading.Event().wait(0.0004 * (number % 25))  # the moments are what is tested
            rayx.kill(counter)
            for object_id in (*calls, counter.increment.remote()):
                with pytest.raises(rayx.ActorDiedError):
                    rayx.get(object_id, timeout=5)

    def test_kill_is_for_good(self):
        counter = Counter.options(max_restarts=-1).remote()
        running = counter.spin.remote()
        queued = counter.increment.remote()
        rayx.kill(counter)
        for object_id in (running, queued, counter.increment.remote()):
            with pytest.raises(rayx.ActorDiedError, match="kill"):
                rayx.get(object_id, timeout=5)


class Account:
    """Loses nothing that somebody has seen."""

    def __init__(self):
        self.entries = []

    def add(self, entry):
        self.entries.append(entry)
        return len(self.entries)

    def get(self):
        return self.entries

    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def __rayx_save__(self):
        return self.entries

    def __rayx_restore__(self, state):
        self.entries = list(state)


class TestStates:
    def test_nothing_acknowledged_is_lost(self):
        account = rayx.remote(max_restarts=-1)(Account).remote()
        for lives in range(1, 4):
            for entry in range(5):
                rayx.get(account.add.remote((lives, entry)), timeout=10)
            with pytest.raises(rayx.ActorDiedError):
                rayx.get(account.die.remote(), timeout=10)
            assert len(rayx.get(account.get.remote(), timeout=10)) == 5 * lives

    def test_ids_and_handles_in_a_state_stay(self):
        account = rayx.remote(max_restarts=1)(Account).remote()
        rayx.get(account.add.remote([rayx.put("kept"), Counter.remote()]))
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(account.die.remote(), timeout=10)
        ((object_id, counter),) = rayx.get(account.get.remote(), timeout=10)
        assert rayx.get(object_id, timeout=10) == "kept"
        assert rayx.get(counter.increment.remote(), timeout=10) == 1

    def test_saved_with_every_third_call(self):
        account = rayx.remote(max_restarts=1, save_every=3)(Account).remote()
        rayx.get([account.add.remote(entry) for entry in range(5)])
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(account.die.remote(), timeout=10)
        assert rayx.get(account.get.remote(), timeout=10) == [0, 1, 2]


class TestInterrupts:
    @pytest.fixture
    def spinning(self, tmp_path):
        """(actor, its call that runs without end)"""
        counter = Counter.remote()
        started = tmp_path / "started"
        call = counter.spin.remote(str(started))
        poll_until(started.exists, 10, "the call runs")
        return counter, call

    def test_cancelling_a_running_call(self, spinning):
        counter, call = spinning
        rayx.cancel(call)
        with pytest.raises(rayx.TaskCancelledError):
            rayx.get(call, timeout=5)
        assert rayx.get(counter.increment.remote(), timeout=5) == 1

    def test_cancelling_a_queued_call(self, spinning):
        counter, call = spinning
        queued, last = counter.increment.remote(), counter.increment.remote()
        rayx.cancel(queued)
        with pytest.raises(rayx.TaskCancelledError):
            rayx.get(queued, timeout=5)
        rayx.cancel(call)
        assert rayx.get(last, timeout=5) == 1

    def test_a_timeout_of_a_call(self):
        counter = Counter.remote()
        call = counter.spin.options(timeout=0.2).remote()
        with pytest.raises(rayx.TaskTimeoutError, match=r"0\.2 seconds") as caught:
            rayx.get(call, timeout=10)
        assert "in spin" in str(caught.value)
        assert isinstance(caught.value, TimeoutError)
        assert rayx.get(counter.increment.remote(), timeout=5) == 1

    def test_cancelling_tasks(self, tmp_path):
        started = tmp_path / "started"

        @rayx.remote
        def spin():
            started.write_text("spins")
            while True:
                time.sleep(0.001)  # task work

        running = spin.remote()
        poll_until(started.exists, 10, "the task runs")
        rayx.cancel(running)
        with pytest.raises(rayx.TaskCancelledError):
            rayx.get(running, timeout=5)

    def test_a_task_that_will_not_hear(self, tmp_path):
        started = tmp_path / "started"

        @rayx.remote
        def deaf():
            started.write_text("spins")
            while True:
                try:
                    time.sleep(0.001)  # task work
                except rayx.TaskCancelledError:
                    continue

        for force in (False, True):
            running = deaf.remote()
            poll_until(started.exists, 10, "the task runs")
            rayx.cancel(running, force=force)
            with pytest.raises(rayx.TaskCancelledError):
                rayx.get(running, timeout=10)
            started.unlink()

    def test_a_timeout_of_a_task(self):
        @rayx.remote(timeout=0.2)
        def slow():
            while True:
                time.sleep(0.001)  # task work

        with pytest.raises(
            rayx.TaskTimeoutError, match=r"slow ran for longer than .*0\.2"
        ) as caught:
            rayx.get(slow.remote(), timeout=10)
        assert "time.sleep(0.001)" in str(caught.value)

    def test_what_has_ended_stays(self):
        counter = Counter.remote()
        call = counter.increment.remote()
        assert rayx.get(call) == 1
        rayx.cancel(call)
        assert rayx.get(call) == 1


class TestDeadlocks:
    def test_f24_an_actor_that_waits_for_itself(self):
        counter = Counter.remote()
        with pytest.raises(rayx.DeadlockError, match="waits for a call of itself"):
            rayx.get(counter.call_itself.remote(counter), timeout=10)
        assert rayx.get(counter.increment.remote(), timeout=5) == 2

    def test_f24_with_a_time_limit_it_is_no_deadlock(self):
        counter = Counter.remote()
        assert rayx.get(counter.wait_for_itself.remote(counter), timeout=10) == 0

    def test_f24_two_that_wait_for_each_other(self):
        @rayx.remote
        class Polite:
            def after_you(self, other, me):
                return rayx.get(other.after_you.remote(me, other), timeout=0.3)

        first, second = Polite.remote(), Polite.remote()
        with pytest.raises(rayx.GetTimeoutError):
            rayx.get(first.after_you.remote(second, first), timeout=20)
