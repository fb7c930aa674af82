import functools
import threading

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import rayx
from rayx.calls import signature


def f0(): ...


def f1(a): ...


def f2(a, b=1): ...


def f3(a, /, b, *, c, d=2): ...


def f4(*args): ...


def f5(a, *args, b, **kwargs): ...


def f6(a=1, /, **kwargs): ...


CALLS = [
    ((), {}),
    ((1,), {}),
    ((1, 2), {}),
    ((1, 2, 3), {}),
    ((), {"a": 1}),
    ((1,), {"a": 2}),
    ((1,), {"b": 2}),
    ((1, 2), {"c": 3}),
    ((1,), {"b": 2, "c": 3, "d": 4}),
    ((1, 2), {"c": 3, "e": 4}),
]


@pytest.mark.parametrize("function", [f0, f1, f2, f3, f4, f5, f6, lambda x, y=1: x])
@pytest.mark.parametrize(("args", "kwargs"), CALLS)
def test_complains_as_python_does(function, args, kwargs):
    def complaint(call):
        try:
            call(*args, **kwargs)
        except TypeError as error:
            return str(error)
        return None

    assert complaint(signature.make_checker(function)) == complaint(function)


def test_the_function_does_not_run():
    def function(a):
        raise AssertionError("it ran")

    signature.make_checker(function)(1)


def test_methods_partials_and_builtins():
    check = signature.make_checker(functools.partial(f2, 1))
    check(2)
    with pytest.raises(TypeError, match="too many positional"):
        check(1, 2)
    signature.make_checker(print)("anything", sep="")
    signature.make_checker(max)(1, 2)  # has no signature to look at


class Buffer:
    def __init__(self, stream, buffers):
        self.kind = 1
        self.stream = stream
        self.buffers = [memoryview(bytes(buffer)) for buffer in buffers or ()]
        self.pickle = None if self.buffers else stream


def there_and_back(args, kwargs, ids):
    """As a call travels; `ids` maps each id to its value."""
    stream, buffers, _, dependencies = signature.encode(args, kwargs, "f")
    given = [ids[object_id] for object_id in dependencies or ()]
    encoded = None if stream is None else Buffer(stream, buffers)
    return signature.decode(encoded, given)


@pytest.fixture
def ids(node):
    return {node.object_id(bytes([n]) * 20): f"value {n}" for n in range(5)}


def test_nothing_is_pickled_for_nothing():
    assert signature.encode((), {}, "f") == (None, None, None, None)
    assert signature.decode(None, []) == ((), {})


def test_nothing_is_pickled_for_ids_only(ids):
    a, b, *_ = ids
    assert signature.encode((a, b, a), {}, "f") == (None, None, None, [a, b, a])
    assert there_and_back((a, b, a), {}, ids) == (("value 0", "value 1", "value 0"), {})


@pytest.mark.parametrize("plain", [(1,), (1, "a", None, 2.5, True, b"b")])
def test_plain_arguments(plain):
    assert there_and_back(plain, {}, {}) == (plain, {})


def test_places_of_ids(ids):
    a, b, *_ = ids
    args, kwargs = there_and_back((1, a, 2, b), {"k": 3, "l": a, "m": [4]}, ids)
    assert args == (1, "value 0", 2, "value 1")
    assert kwargs == {"k": 3, "l": "value 0", "m": [4]}
    assert there_and_back((), {"k": a}, ids) == ((), {"k": "value 0"})


def test_ids_inside_arguments_stay_ids(ids):
    a, *_ = ids
    _, _, contained, dependencies = signature.encode(([a],), {}, "f")
    assert contained == [a] and dependencies is None
    assert there_and_back(([a],), {}, ids) == (([a],), {})


def test_arrays_travel_beside_the_stream():
    _, buffers, _, _ = signature.encode((np.zeros(1000),), {"k": np.ones(1000)}, "f")
    assert [len(buffer) for buffer in buffers] == [8000, 8000]
    args, kwargs = there_and_back((np.zeros(3),), {"k": np.ones(3)}, {})
    assert args[0].sum() == 0
    assert kwargs["k"].sum() == 3


def test_names_the_argument_that_cannot_be_pickled():
    with pytest.raises(rayx.SerializationError, match=r"argument 1 of f\['x'\]: cannot pickle"):
        signature.encode((1, {"x": threading.Lock()}), {}, "f")
    with pytest.raises(rayx.SerializationError, match="argument 'key' of f: cannot pickle"):
        signature.encode((1,), {"key": threading.Lock()}, "f")


VALUES = st.one_of(st.integers(), st.text(), st.lists(st.integers()), st.sampled_from(range(5)))


@hypothesis.settings(
    deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(
    st.lists(VALUES | st.integers(0, 4).map(lambda n: ("id", n)), max_size=6),
    st.dictionaries(
        st.text(max_size=3), VALUES | st.integers(0, 4).map(lambda n: ("id", n)), max_size=4
    ),
)
def test_any_call_arrives_as_it_was(ids, args, kwargs):
    by_number = list(ids)

    def sent(value):
        return by_number[value[1]] if isinstance(value, tuple) else value

    def expected(value):
        return f"value {value[1]}" if isinstance(value, tuple) else value

    received = there_and_back(
        tuple(map(sent, args)), {name: sent(value) for name, value in kwargs.items()}, ids
    )
    assert received == (
        tuple(map(expected, args)),
        {name: expected(value) for name, value in kwargs.items()},
    )


def test_parameters_of_methods():
    def f(self, a, /, b=1, *rest, key, other=2, **more): ...

    def positional_only_self(self, /, a): ...

    def loose(*args): ...

    assert signature.parameters_of(f) == "self, a, /, b=None, *rest, key, other=None, **more"
    assert signature.parameters_of(f, True) == "a, /, b=None, *rest, key, other=None, **more"
    assert signature.parameters_of(positional_only_self, True) == "a"
    assert signature.parameters_of(loose, True) == "*args"
    assert signature.parameters_of(len) is None


def test_checkers_of_parameters():
    check = signature.checker_of("Some.method", "a, b=None")
    check(1)
    with pytest.raises(TypeError, match=r"^Some\.method\(\) missing 1 required positional argum"):
        check()
    signature.checker_of("Some.method", None)(1, 2, 3)
    signature.checker_of("Some.method", ".0, a")(1, 2, 3)
