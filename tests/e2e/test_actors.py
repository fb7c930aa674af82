"""Actors as their users see them: state, order, handles, names, ends."""

import os
import time

import numpy as np
import pytest
from session_watch import poll_until

import rayx


@pytest.fixture(scope="module", autouse=True)
def session():
    with rayx.init(num_cpus=2, resources={"disk": 2}):
        yield


@rayx.remote
class Counter:
    """Counts."""

    def __init__(self, value=0, step=1):
        self.value = value
        self.step = step

    def increment(self, by=None):
        self.value += self.step if by is None else by
        return self.value

    def get(self):
        return self.value

    def pid(self):
        return os.getpid()


@rayx.remote
def increment_all(handles):
    return rayx.get([handle.increment.remote() for handle in handles])


def is_alive(pid):
    return os.path.exists(f"/proc/{pid}")


class TestState:
    def test_calls_share_it(self):
        counter = Counter.remote(10)
        assert rayx.get([counter.increment.remote() for _ in range(5)]) == [11, 12, 13, 14, 15]
        assert rayx.get(counter.increment.remote(by=5)) == 20

    def test_actors_do_not(self):
        counters = [Counter.remote(step=n) for n in range(5)]
        assert rayx.get([counter.increment.remote() for counter in counters]) == [0, 1, 2, 3, 4]
        assert len(set(rayx.get([counter.pid.remote() for counter in counters]))) == 5

    def test_a_thousand_calls_in_order(self):
        counter = Counter.remote()
        ids = [counter.increment.remote() for _ in range(1000)]
        assert rayx.get(ids) == list(range(1, 1001))

    def test_large_state_arguments_and_results(self):
        @rayx.remote
        class Model:
            def __init__(self, weights):
                self.weights = weights

            def add(self, other):
                self.weights = self.weights + other
                return self.weights

        weights = np.ones(10**6)
        model = Model.remote(weights)
        model.add.remote(weights)
        np.testing.assert_array_equal(rayx.get(model.add.remote(rayx.put(weights))), weights * 3)


class TestOrder:
    def test_a_call_that_waits_for_an_argument_holds_up_the_later_ones(self, tmp_path):
        gate = str(tmp_path / "gate")
        os.mkfifo(gate)

        @rayx.remote
        def wait_for_gate():
            with open(gate) as file:
                return len(file.read())

        counter = Counter.remote()
        first = counter.increment.remote(wait_for_gate.remote())
        second = counter.increment.remote(100)
        ready, _ = rayx.wait([second], timeout=100)
        assert not ready
        with open(gate, "w") as file:
            file.write("12345")
        assert rayx.get([first, second]) == [5, 105]

    def test_of_each_of_several_callers(self):
        @rayx.remote
        class Log:
            def __init__(self):
                self.lines = []

            def add(self, who, number):
                self.lines.append((who, number))

            def get(self):
                return self.lines

        @rayx.remote(num_cpus=0)
        def write(log, who):
            rayx.get([log.add.remote(who, number) for number in range(100)])

        log = Log.remote()
        rayx.get([write.remote(log, who) for who in range(4)])
        lines = rayx.get(log.get.remote())
        assert len(lines) == 400
        for who in range(4):
            assert [number for name, number in lines if name == who] == list(range(100))


class TestClasses:
    def test_of_all_kinds(self):
        class Base:
            def __init__(self):
                self.words = ["base"]

            def say(self):
                return self.words

            def inherited(self):
                return "inherited"

        @rayx.remote
        class Derived(Base):
            def __init__(self):
                super().__init__()
                self.words.append("derived")

            @staticmethod
            def static(x):
                return x

            @classmethod
            def of_class(cls):
                return cls.__name__

            def __call__(self):
                return "called"

            @rayx.method(num_return_vals=2)
            def two(self):
                return 1, 2

        derived = Derived.remote()
        assert rayx.get(derived.say.remote()) == ["base", "derived"]
        assert rayx.get(derived.inherited.remote()) == "inherited"
        assert rayx.get(derived.static.remote(5)) == 5
        assert rayx.get(derived.of_class.remote()) == "Derived"
        assert rayx.get(derived.__call__.remote()) == "called"
        assert rayx.get(derived.two.remote()) == [1, 2]

    def test_without_a_constructor(self):
        @rayx.remote
        class Bare:
            def get(self):
                return 5

        assert rayx.get(Bare.remote().get.remote()) == 5

    def test_by_a_call_of_remote(self):
        class Plain:
            def get(self):
                return 5

        assert rayx.get(rayx.remote(Plain).remote().get.remote()) == 5

    def test_a_class_of_c(self):
        table = rayx.remote(dict).remote(a=1)
        rayx.get(table.update.remote(b=2))
        assert rayx.get(table.get.remote("b")) == 2

    def test_arguments_of_all_kinds(self):
        @rayx.remote
        class Echo:
            def __init__(self, *args, **kwargs):
                self.given = (args, kwargs)

            def get(self, *args, **kwargs):
                return self.given, (args, kwargs)

        echo = Echo.remote(1, rayx.put(2), key=rayx.put(3))
        assert rayx.get(echo.get.remote(rayx.put(4), other=5)) == (
            ((1, 2), {"key": 3}),
            ((4,), {"other": 5}),
        )

    def test_a_class_defined_again_is_another(self, interactive):
        assert interactive("""
@rayx.remote
class A:
    def get(self):
        return 1

first = A.remote()

@rayx.remote
class A:
    def get(self):
        return 2

rayx.get([first.get.remote(), A.remote().get.remote()])
""") == [[1, 2]]

    def test_an_actor_that_makes_actors(self):
        @rayx.remote
        class Parent:
            def __init__(self):
                self.children = [Counter.remote(n) for n in range(3)]

            def increment(self):
                return rayx.get([child.increment.remote() for child in self.children])

            def first(self):
                return self.children[0]

        parent = Parent.remote()
        assert rayx.get(parent.increment.remote()) == [1, 2, 3]
        assert rayx.get(rayx.get(parent.first.remote()).increment.remote()) == 2


class TestHandles:
    def test_in_tasks_actors_and_objects(self):
        counters = [Counter.remote() for _ in range(3)]
        assert rayx.get(increment_all.remote(counters)) == [1, 1, 1]
        assert rayx.get(increment_all.remote(rayx.put(counters))) == [2, 2, 2]

        @rayx.remote
        class Keeper:
            def keep(self, handle):
                self.handle = handle

            def increment(self):
                return rayx.get(self.handle.increment.remote())

            def give(self):
                return self.handle

        keeper = Keeper.remote()
        keeper.keep.remote(counters[0])
        assert rayx.get(keeper.increment.remote()) == 3
        assert rayx.get(keeper.give.remote()) == counters[0]

    def test_to_a_process_without_the_class(self, run_program, tmp_path):
        """The description is enough: nobody imports the module that has the class."""
        (tmp_path / "has_the_class.py").write_text("""
import rayx

@rayx.remote
class Hidden:
    def two(self, x):
        return 2 * x
""")
        out, _ = run_program(
            """
import sys
sys.path.insert(0, sys.argv[1])
import rayx
from has_the_class import Hidden

@rayx.remote
def call(handle):
    import sys
    try:
        handle.two.remote()
    except TypeError as error:
        return rayx.get(handle.two.remote(4)), str(error), "has_the_class" in sys.modules

with rayx.init(num_cpus=2):
    print(rayx.get(call.remote(Hidden.remote())))
""",
            str(tmp_path),
        )
        assert out.startswith("(8, \"Hidden.two() missing 1 required positional argument: 'x'\"")
        assert out.endswith("False)\n")

    def test_equality(self):
        counter = Counter.remote()
        (same,) = rayx.get(rayx.put([counter]))
        assert same == counter
        assert hash(same) == hash(counter)
        assert Counter.remote() != counter

    def test_a_method_as_an_argument(self):
        @rayx.remote
        def apply(method):
            return rayx.get(method.remote(by=7))

        assert rayx.get(apply.remote(Counter.remote().increment)) == 7


class TestEnds:
    def test_when_the_last_handle_is_gone(self):
        counter = Counter.remote()
        pid = rayx.get(counter.pid.remote())
        assert is_alive(pid)
        del counter
        poll_until(lambda: not is_alive(pid), 5, "the actor's process ends")

    def test_not_before_its_calls_have_run(self, tmp_path):
        done = tmp_path / "done"

        @rayx.remote
        class Writer:
            def write(self, path):
                time.sleep(0.1)  # task work
                with open(path, "w") as file:
                    file.write("done")

        Writer.remote().write.remote(str(done))
        poll_until(done.exists, 5, "the call has run")

    def test_a_handle_in_an_object_keeps_it(self):
        counter = Counter.remote()
        pid = rayx.get(counter.pid.remote())
        stored = rayx.put({"counter": counter})
        del counter
        assert rayx.get(increment_all.remote([rayx.get(stored)["counter"]])) == [1]
        assert is_alive(pid)
        del stored

        def has_ended():
            rayx.available_resources()  # that a small object is not needed goes with a message
            return not is_alive(pid)

        poll_until(has_ended, 5, "the actor's process ends")

    def test_by_kill(self):
        counter = Counter.remote()
        pid = rayx.get(counter.pid.remote())
        rayx.kill(counter)
        poll_until(lambda: not is_alive(pid), 5, "the actor's process ends")
        with pytest.raises(rayx.ActorDiedError):
            rayx.get(counter.increment.remote(), timeout=5)

    def test_resources_come_back(self):
        actors = [Counter.options(resources={"disk": 1}).remote() for _ in range(2)]
        rayx.get([actor.get.remote() for actor in actors])
        assert rayx.available_resources().get("disk", 0) == 0
        waiting = Counter.options(resources={"disk": 1}).remote()
        call = waiting.increment.remote()
        ready, _ = rayx.wait([call], timeout=50)
        assert not ready
        rayx.kill(actors[0])
        assert rayx.get(call, timeout=10) == 1
        del actors, waiting, call
        poll_until(lambda: rayx.available_resources().get("disk", 0) == 2, 5, "all is free")


class TestNames:
    def test_found_by_name(self):
        Counter.options(name="hits").remote(5)
        assert rayx.get(rayx.get_actor("hits").increment.remote()) == 6

        @rayx.remote
        def elsewhere():
            return rayx.get(rayx.get_actor("hits").increment.remote())

        assert rayx.get(elsewhere.remote()) == 7
        with pytest.raises(ValueError, match="'hits' is taken by an actor of class Counter"):
            Counter.options(name="hits").remote()
        rayx.kill(rayx.get_actor("hits"))

        def is_gone():
            try:
                rayx.get_actor("hits")
            except ValueError:
                return True
            return False

        poll_until(is_gone, 5, "the name is free")
        again = Counter.options(name="hits").remote(1)
        assert rayx.get(again.get.remote()) == 1
        rayx.kill(again)

    def test_a_name_nobody_has(self):
        with pytest.raises(ValueError, match="no actor of the name 'nobody'"):
            rayx.get_actor("nobody")


class TestNumbers:
    def test_more_actors_than_cpus(self):
        counters = [Counter.remote(n) for n in range(30)]
        assert rayx.get([counter.increment.remote() for counter in counters]) == list(range(1, 31))

    def test_tasks_run_beside_actors_without_cpus(self):
        counters = [Counter.remote() for _ in range(10)]
        rayx.get([counter.get.remote() for counter in counters])

        @rayx.remote(num_cpus=2)
        def all_cpus():
            return "ran"

        assert rayx.get(all_cpus.remote(), timeout=10) == "ran"

    def test_an_actor_may_hold_cpus_for_life(self):
        holder = Counter.options(num_cpus=1.5).remote()
        rayx.get(holder.get.remote())
        assert rayx.available_resources()["CPU"] == 0.5
        rayx.kill(holder)
        poll_until(lambda: rayx.available_resources().get("CPU", 0) == 2, 5, "the CPUs are free")
