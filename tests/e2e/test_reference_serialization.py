"""The code blocks of the reference's chapter *Serialization in the Object Store*.

What it lists as limitations works: its text is tested the other way round.
"""

import pickle

import numpy as np
import pytest

import rayx


@pytest.fixture(scope="module", autouse=True)
def session(shared_session):
    yield


@rayx.remote
def echo(value):
    return value


def trips(value):
    """The value after each of the three ways into the store: put, result, argument."""
    yield rayx.get(rayx.put(value))
    yield rayx.get(echo.remote(value))
    yield rayx.get(echo.remote([value]))[0]
    yield rayx.get(echo.remote(rayx.put(value)))


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, 2**62, 2**63, -(2**64), 10**100, 1.5, float("inf"), True, False, None),
        *("text", "", "ünï\0cödé \U0001f600", "\ud800", b"", b"bytes\0", bytearray(b"x"), 1 + 2j),
        [1, [2, [3]], (4, {"five": 6})],
        {1: {(2, 3): [4]}, None: {}, "a": ()},
        {1, 2, 3},
        frozenset("ab"),
        range(3),
        ...,
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_is_handled(value):
    for copy in trips(value):
        assert copy == value
        assert type(copy) is type(value)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(0),
        np.array(5),
        np.arange(24).reshape(2, 3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(20)[::3],
        np.array(["a", "bcd"]),
        np.array([1, "x", None, [2]], dtype=object),
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["2020-01-01", "NaT"], dtype="M8[s]"),
        np.array([True, False]),
        np.ones((300, 300), dtype=np.complex64),
    ],
    ids=lambda array: f"{array.dtype.kind}{array.shape}",
)
def test_arrays_are_handled(array):
    for copy in trips(array):
        np.testing.assert_array_equal(copy, array)
        assert (copy.dtype, copy.shape) == (array.dtype, array.shape)
    assert rayx.get(rayx.put(np.float32(2.5))) == np.float32(2.5)


def test_a_list_of_arrays_shares_memory():
    data = [np.arange(10**5) + number for number in range(3)]
    data_id = rayx.put(data)
    once, again = rayx.get(data_id), rayx.get(data_id)
    assert type(once) is list
    for first, second, original in zip(once, again, data, strict=True):
        np.testing.assert_array_equal(first, original)
        assert np.shares_memory(first, second)


def test_shared_references(interactive):
    same, other = interactive("""
l1 = [0]
l2 = [l1, l1]
l3 = rayx.get(rayx.put(l2))

l2[0] is l2[1] # True.
l3[0] is l3[1] # False.
""")
    assert same is True
    assert other is True  # where the reference had False


def test_recursive_objects(interactive):
    interactive("""
l = []
l.append(l)

# Try to put this list that recursively contains itself in the object store.
rayx.put(l)
""")
    (copy,) = interactive("rayx.get(rayx.put(l))")
    assert len(copy) == 1
    assert copy[0] is copy

    loop = {}
    loop["me"] = [loop]
    for copy in trips(loop):
        assert copy["me"][0] is copy


class Point:
    """A class that no other process can import."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return type(other).__name__ == "Point" and vars(self) == vars(other)

    __hash__ = None


class Slotted:
    __slots__ = ("a", "b")


class Words(list):
    """A list that also has an attribute."""


class Table(dict):
    def __missing__(self, key):
        return "missing"


class Pair(tuple):
    __slots__ = ()


class Text(str):
    __slots__ = ()


def test_objects_as_they_are():
    for copy in trips(Point(1, [Point(2, 3)])):
        assert copy == Point(1, [Point(2, 3)])
    slotted = Slotted()
    slotted.a = 1
    for copy in trips(slotted):
        assert copy.a == 1
        assert not hasattr(copy, "b")


def test_subclasses_of_containers():
    words = Words(["a", "b"])
    words.language = "en"
    for value in (words, Table(a=1), Pair((1, 2)), Text("t")):
        for copy in trips(value):
            assert copy == value
            assert type(copy).__name__ == type(value).__name__
            assert isinstance(copy, type(value).__mro__[1])
    assert rayx.get(rayx.put(words)).language == "en"
    assert rayx.get(rayx.put(Table()))["k"] == "missing"


def test_an_object_keeps_its_class_in_the_process_that_has_it():
    assert type(rayx.get(rayx.put(Point(1, 2)))) is Point


def test_last_resort(interactive):
    assert (
        interactive("""
import pickle

@rayx.remote
def f(complicated_object):
    # Deserialize the object manually.
    obj = pickle.loads(complicated_object)
    return "Successfully passed {} into f.".format(obj)

# Define a complicated object.
l = []
l.append(1)

# Manually serialize the object and pass it in as a string.
rayx.get(f.remote(pickle.dumps(l))) # prints 'Successfully passed [...] into f.'
""")[-1]
        == "Successfully passed [1] into f."
    )
    recursive = []
    recursive.append(recursive)
    assert interactive("rayx.get(f.remote(pickled))", pickled=pickle.dumps(recursive)) == [
        "Successfully passed [[...]] into f."
    ]
