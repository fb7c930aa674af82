import functools

import pytest

import rayx
from rayx.calls import actor_description
from rayx.calls.actor_description import ActorDescription, MethodDescription, constructor_parameters


class Base:
    def __init__(self, a, *rest, key):
        pass

    def inherited(self, x):
        pass


class Example(Base):
    data = 5
    function_of_c = len
    partial = functools.partial(pow, 2)

    class Nested:
        pass

    def plain(self, a, b=1, /, *c, d, e=2, **f):
        pass

    def loose(*args):
        pass

    @rayx.method(num_return_vals=3)
    @classmethod
    def of_class(cls, a):
        pass

    @rayx.method(num_return_vals=2)
    @staticmethod
    def static(a):
        pass

    @property
    def shown(self):
        raise AssertionError("it was read")

    def generator(self):
        yield

    async def stream(self):
        yield

    def __len__(self):
        return 0


CLASS_ID = b"c" * 16


@pytest.fixture
def description():
    return ActorDescription.of_class(Example, CLASS_ID)


def test_what_is_a_method(description):
    assert description.methods == {
        "inherited": MethodDescription("x"),
        "plain": MethodDescription("a, b=None, /, *c, d, e=None, **f"),
        "loose": MethodDescription("*args"),
        "of_class": MethodDescription("a", 3),
        "static": MethodDescription("a", 2),
        "generator": MethodDescription("", 1, True),
        "stream": MethodDescription("", 1, True),
        "function_of_c": MethodDescription(None),
        "partial": MethodDescription(None),
    }
    assert description.class_name == "Example"


def test_travels_and_is_shared(description):
    again = ActorDescription.unpacked(description.packed)
    assert again.methods == description.methods
    assert (again.class_id, again.class_name) == (CLASS_ID, "Example")
    assert ActorDescription.unpacked(bytes(description.packed)) is again


def test_checkers(description):
    assert description.checker("plain") is description.checker("plain")
    description.checker("plain")(1, 2, 3, d=4, z=5)
    with pytest.raises(TypeError, match=r"Example\.plain\(\) missing 1 required keyword-only"):
        description.checker("plain")(1)
    description.checker("function_of_c")(1, 2, 3)
    with pytest.raises(TypeError, match=r"Example\.stream is a generator"):
        description.checker("stream")()
    description.checker("stream", streams=True)()
    with pytest.raises(TypeError, match="takes 0 positional arguments but 1 was"):
        description.checker("stream", streams=True)(1)


def test_unknown_methods(description):
    assert "did you mean 'inherited'?" in description.unknown_method("inherit")
    assert "it has function_of_c, generator" in description.unknown_method("xyz")
    empty = ActorDescription.of_class(type("Empty", (), {}), CLASS_ID)
    assert "it has none" in empty.unknown_method("f")


def test_constructors():
    assert constructor_parameters(Example) == "a, *rest, key"
    assert constructor_parameters(type("Bare", (), {})) == ""
    assert constructor_parameters(type("Made", (), {"__new__": lambda cls, x: None})) == "x"
    assert constructor_parameters(dict) is None


def test_async():
    class Sync:
        def f(self):
            pass

        def generator(self):
            yield

    class Streaming(Sync):
        async def generator(self):
            yield

    class Async(Sync):
        async def g(self):
            pass

    class Static:
        @staticmethod
        async def f():
            pass

    assert not actor_description.is_async(Sync)
    assert actor_description.is_async(Async)
    assert actor_description.is_async(type("Heir", (Async,), {}))
    assert actor_description.is_async(Static)
    assert actor_description.is_async(Streaming)
    assert actor_description.is_async(Example), "it has an asynchronous generator"


def test_names():
    def make():
        class Local:
            class Inner:
                pass

        return Local.Inner

    assert actor_description.shown_name(make()) == "Local.Inner"
