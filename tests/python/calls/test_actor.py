import pickle
import pydoc

import pytest

import rayx
from rayx import session
from rayx.calls import actor
from rayx.calls.actor import ActorClass


@rayx.remote
class Counter:
    """Counts."""

    def __init__(self, value=0):
        self.value = value

    def increment(self, by=1):
        self.value += by
        return self.value

    def fail(self):
        raise KeyError("lost")

    def own_class(self):
        return Counter

    def nested(self):
        return rayx.get(Counter.remote(5).increment.remote())


@rayx.remote
class Bare:
    kind = "bare"

    def what(self):
        return self.kind


def test_looks_like_the_class():
    assert Counter.__name__ == "Counter"
    assert Counter.__doc__ == "Counts."
    assert Counter.__module__ == __name__
    assert repr(Counter) == "<rayx.remote class Counter>"
    assert Counter.cls(2).increment() == 3


def test_help_is_about_the_class(node):
    shown = pydoc.render_doc(Bare, renderer=pydoc.plaintext)
    assert "what(self)" in shown and "ActorDescription" not in shown
    # Who has a mere reference has no class to show.
    assert not hasattr(pickle.loads(pickle.dumps(Bare)), "__origin__")


def test_state_stays(node):
    counter = Counter.remote(10)
    assert rayx.get([counter.increment.remote() for _ in range(3)]) == [11, 12, 13]
    assert rayx.get(counter.increment.remote(by=2)) == 15
    assert rayx.get(Counter.remote().increment.remote()) == 1


def test_arguments_are_checked_where_they_are_given(node):
    with pytest.raises(TypeError, match=r"^Counter\(\) takes from 0 to 1 positional arguments"):
        Counter.remote(1, 2)
    with pytest.raises(TypeError, match=r"^Bare\(\) takes 0 positional arguments but 1 was given"):
        Bare.remote(1)
    assert not node.submitted
    assert rayx.get(Bare.remote().what.remote()) == "bare"


def test_arguments_may_be_ids(node):
    counter = Counter.remote(rayx.put(3))
    assert rayx.get(counter.increment.remote(rayx.put(4))) == 7


def test_a_class_that_only_makes_instances_its_own_way(node):
    @rayx.remote
    class Made:
        def __new__(cls, x):
            return super().__new__(cls)

    Made.remote(1)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Made.remote()


def test_what_the_node_is_told(node):
    actor_class = Counter.options(
        num_cpus=1, num_gpus=0.5, resources={"disk": 1}, max_restarts=-1, max_concurrency=3
    )
    node.total = {"CPU": 2.0, "GPU": 1.0, "disk": 1.0}
    actor_class.remote()
    template, _ = node.submitted[0]
    assert template.resources == {"CPU": 1.0, "GPU": 0.5, "disk": 1.0}
    assert (template.options["max_retries"], template.options["max_concurrency"]) == (-1, 3)
    assert (template.num_return_vals, template.name) == (1, "Counter")
    assert (template.actor_name, template.actor_info) == ("", b"")
    Counter.remote()
    assert node.submitted[1][0].resources == {"CPU": 0.0}
    assert node.exports == ["Counter"]


def test_coroutines_run_side_by_side_unless_told_otherwise(node):
    @rayx.remote
    class Waiter:
        async def wait(self):
            pass

    Waiter.remote()
    Waiter.options(max_concurrency=1).remote()
    assert [template.options["max_concurrency"] for template, _ in node.submitted] == [1000, 1]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"num_gpus": 1}, "asks for 1 GPU, of which there are 0 in all"),
        ({"num_cpus": 3}, "asks for 3 CPU, of which there are 2 in all"),
        ({"resources": {"disk": 0.5}, "num_cpus": 2}, "asks for 0.5 disk, of which there are 0"),
    ],
)
def test_what_there_will_never_be(node, options, text):
    with pytest.raises(rayx.InfeasibleError, match=text):
        Counter.options(**options).remote()
    assert not node.submitted


def test_what_another_node_may_have(node):
    node.is_in_cluster = True
    Counter.options(num_gpus=1).remote()
    assert len(node.submitted) == 1


def test_a_constructor_that_raises(node):
    @rayx.remote
    class Broken:
        def __init__(self):
            raise ValueError("not today")

        def method(self):
            return 1

    broken = Broken.remote()
    for object_id in (broken.method.remote(), broken.method.remote()):
        with pytest.raises(ValueError, match="not today") as caught:
            rayx.get(object_id)
        assert caught.value.function == "Broken.__init__"
    assert node.failed


def test_a_method_that_raises_leaves_the_actor(node):
    counter = Counter.remote()
    with pytest.raises(KeyError, match=r"task Counter\.fail\(\) failed"):
        rayx.get(counter.fail.remote())
    assert rayx.get(counter.increment.remote()) == 1


def test_names(node):
    Counter.options(name="hits").remote(5)
    found = rayx.get_actor("hits")
    assert rayx.get(found.increment.remote()) == 6
    with pytest.raises(ValueError, match="'hits' is taken by an actor of class Counter"):
        Bare.options(name="hits").remote()
    rayx.kill(found)
    with pytest.raises(ValueError, match="there is no actor of the name 'hits'"):
        rayx.get_actor("hits")
    with pytest.raises(TypeError):
        rayx.get_actor(None)
    with pytest.raises(TypeError, match="name must be a string"):
        rayx.get_actor(5)


def test_killing(node):
    counter = Counter.remote()
    rayx.get(counter.increment.remote())
    rayx.kill(counter)
    with pytest.raises(rayx.ActorDiedError, match="killed"):
        rayx.get(counter.increment.remote())
    with pytest.raises(TypeError, match=r"takes the handle of an actor, .*use rayx\.cancel"):
        rayx.kill(rayx.put(1))
    with pytest.raises(TypeError, match="not <rayx.remote class Counter>"):
        rayx.kill(Counter)


def test_the_class_travels_by_reference(node):
    again = pickle.loads(pickle.dumps(Counter.options(max_restarts=2)))
    assert again == Counter.options(max_restarts=2)
    assert again != Counter
    assert hash(again) == hash(Counter)
    assert rayx.get(again.remote(1).increment.remote()) == 2
    with pytest.raises(TypeError, match="unexpected keyword argument 'start'"):
        again.remote(start=2)
    counter = Counter.remote()
    assert rayx.get(counter.own_class.remote()) is Counter.cls
    assert rayx.get(counter.nested.remote()) == 6


def test_inheriting_from_a_remote_class(node):
    class Double(Counter):
        def increment(self, by=1):
            return super().increment(2 * by)

    assert type(Double) is type
    assert Double(1).increment() == 3
    assert rayx.get(rayx.remote(Double).remote(1).increment.remote()) == 3


def test_mistakes(node):
    with pytest.raises(TypeError, match=r"cannot be made directly: use Counter\.remote\(\)"):
        Counter(1)
    with pytest.raises(AttributeError, match=r"has no attribute 'increment': methods are called"):
        Counter.increment.remote()
    with pytest.raises(TypeError, match="is a remote class already"):
        rayx.remote(Counter)
    with pytest.raises(TypeError, match="no option 'num_return_vals': put @rayx.method"):
        Counter.options(num_return_vals=2)
    with pytest.raises(rayx.SerializationError, match="Holder"):

        @rayx.remote
        class Holder:
            lock = __import__("threading").Lock()

        Holder.remote()


def test_needs_a_session():
    with pytest.raises(rayx.NotInitializedError):
        Counter.remote()
    with pytest.raises(rayx.NotInitializedError):
        rayx.get_actor("x")


def test_forms():
    assert isinstance(rayx.remote(dict), ActorClass)
    assert isinstance(rayx.remote(max_restarts=1)(dict), ActorClass)
    assert isinstance(rayx.remote(num_gpus=1)(dict), ActorClass)
    assert session.peek() is None
    assert actor.make_remote(dict, Counter._options).cls is dict


class Saving:
    def __rayx_save__(self):
        return None

    def __rayx_restore__(self, state):
        pass

    def get(self):
        return 5


def test_saving(node):
    saving = rayx.remote(save_every=5)(Saving).remote()
    assert rayx.get(saving.get.remote()) == 5
    assert rayx.get(rayx.remote(Saving).options(save_every=2).remote().get.remote()) == 5


def test_saving_that_has_no_meaning():
    half = type("Half", (), {"__rayx_save__": lambda self: None})
    with pytest.raises(TypeError, match="Half has a __rayx_save__, so it must have a __rayx_rest"):
        rayx.remote(half)
    with pytest.raises(TypeError, match="save_every=2 has no meaning for the class Counter"):
        Counter.options(save_every=2)
    with pytest.raises(ValueError, match="save_every must be between 1"):
        rayx.remote(save_every=0)
