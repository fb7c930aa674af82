import collections
import functools
import threading

import cloudpickle
import pytest

from rayx.values import pickle_path

Point = collections.namedtuple("Point", "x y")


class Holder:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("inner",)


class Raises:
    def __reduce__(self):
        raise RuntimeError("not me")


class HidesInState:
    def __init__(self):
        self.lock = threading.Lock()

    def __getstate__(self):
        return {"secret": self.lock}


class BadRepr:
    def __repr__(self):
        raise ValueError("no")

    def __hash__(self):
        return 1


def find(value):
    return pickle_path.explain(value, "value", cloudpickle.dumps)


def lock():
    return threading.Lock()


def slotted():
    value = Slotted()
    value.inner = [lock()]
    return value


def capturing():
    captured = {"deep": lock()}
    return lambda: captured


LOCK = "cannot pickle '_thread.lock' object"


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lock, "value"),
        (lambda: [1, lock()], "value[1]"),
        (lambda: {"model": Holder(lock=lock())}, "value['model'].lock"),
        (lambda: (1, {"a": [lock()]}), "value[1]['a'][0]"),
        (lambda: Point(1, lock()), "value.y"),
        (slotted, "value.inner[0]"),
        (lambda: functools.partial(print, lock()), "value"),
        (lambda: Holder(method=Holder(lock=lock())), "value.method.lock"),
        (capturing, "value → captured variable 'captured'['deep']"),
        (lambda: lambda x=lock(): x, "value → default 0"),  # noqa: B008
        (lambda: collections.deque([1, lock()]), "value.__reduce__()[3][1]"),
    ],
)
def test_names_the_path(make, path):
    text = find(make())
    assert text.startswith(path)
    assert text.endswith(LOCK)


def test_a_reduce_that_raises_is_the_culprit():
    assert find({"x": Raises()}) == "value['x']: RuntimeError: not me"


def test_state_is_looked_into():
    assert LOCK in find([HidesInState()])
    assert find([HidesInState()]).startswith("value[0].")


def test_sets_and_keys():
    # Locks have a hash, so they can be in a set, and be keys.
    assert find({lock()}).startswith("value{<unlocked")
    assert find({lock(): 1}).startswith("value.keys()")


def test_a_long_key_is_shortened():
    assert len(find({"k" * 1000: lock()})) < 200


def test_a_key_without_a_repr_does_no_harm():
    assert LOCK in find({BadRepr(): lock()})


def test_a_cycle_ends():
    loop = []
    loop.append(loop)
    loop.append(lock())
    assert find(loop) == f"value[1]: {LOCK}"


def test_is_bounded():
    attempts = []

    def attempt(value):
        attempts.append(value)
        if isinstance(value, list):
            raise TypeError("the whole of it")

    assert pickle_path.explain([0] * 100_000, "value", attempt) == "value: the whole of it"
    assert len(attempts) <= 6000


def test_a_value_that_can_be_pickled_is_said_to_be():
    assert "second try" in find([1])


def test_captured_variables_of_a_nested_function():
    outer = 5

    def function():
        def inner():
            return outer, Point

        return inner

    names = {name for _, name, _ in pickle_path.captured_variables(function)}
    assert {"outer", "Point"} <= names
