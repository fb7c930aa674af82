import collections
import dataclasses
import enum
import functools
import tracemalloc

import numpy as np
import pytest

import rayx
from rayx.text import value_text
from rayx.text.value_text import shown


class AttrDict(dict):
    """A common idiom: what is not there raises KeyError."""

    __getattr__ = dict.__getitem__


class BadRepr:
    def __init__(self, error=RuntimeError):
        self.error = error

    def __repr__(self):
        raise self.error


class BadShape:
    @property
    def shape(self):
        raise RuntimeError


class BadClass:
    @property
    def __class__(self):
        raise RuntimeError


class NamelessType(type):
    @property
    def __name__(cls):
        raise RuntimeError


class OfNamelessType(metaclass=NamelessType):
    pass


class Loud(str):
    def __str__(self):
        return self

    def __len__(self):
        raise RuntimeError

    def split(self):
        raise RuntimeError


class LoudRepr:
    def __repr__(self):
        return Loud("loud")


@dataclasses.dataclass
class Config:
    data: object


class Color(enum.Enum):
    RED = 1


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -1.5,
        "a",
        b"a",
        [],
        (),
        (1,),
        {},
        set(),
        frozenset(),
        [1, "a", {2: (3, 4)}],
        {5},
        frozenset({6}),
        Color.RED,
        Config([1]),
        Point(1, 2),
        range(3),
        ValueError("x", 1),
        collections.OrderedDict(a=1),
    ],
)
def test_small_values_look_as_repr_has_them(value):
    assert shown(value) == repr(value)


# With ids, since pytest would ask the values for them.
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AttrDict(a=1), "{'a': 1}"),
        (AttrDict(), "{}"),
        (BadRepr(), "<BadRepr>"),
        (BadRepr(SystemExit), "<BadRepr>"),
        ([1, BadRepr(SystemExit)], "[1, <BadRepr>]"),
        ({"k": BadRepr()}, "{'k': <BadRepr>}"),
        (BadShape(), "<BadShape>"),
        (BadClass(), "<BadClass>"),
        (LoudRepr(), "loud"),
        (np.zeros((2, 3)), "<ndarray float64 (2, 3)>"),
        (list(range(100)), "<list of 100>"),
        (10**5000, "<int>"),
        ("line\nbreak", "'line\\nbreak'"),
    ],
    ids=[str(number) for number in range(13)],
)
def test_what_cannot_be_described_is_named_by_its_type(value, text):
    assert shown(value) == text


def test_a_type_without_a_name():
    assert "OfNamelessType" in shown(OfNamelessType())
    assert value_text.type_name(OfNamelessType()) == "OfNamelessType"


def test_a_container_of_itself():
    endless = []
    endless.append(endless)
    assert len(shown(endless)) <= 100


@pytest.mark.parametrize(
    "make",
    [
        lambda data: data,
        lambda data: {"a": data},
        lambda data: [[data]],
        lambda data: Config(data),
        lambda data: Config([data]),
        lambda data: Point(data, data),
        lambda data: collections.deque([data]),
        lambda data: collections.defaultdict(list, a=data),
        lambda data: functools.partial(print, data),
        lambda data: ValueError(data),
        lambda data: Config(list(range(10**6))),
    ],
)
def test_large_values_cost_little(make):
    value = make(bytes(50 << 20))
    tracemalloc.start()
    text = shown(value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text) <= 100
    assert peak < 1 << 20


@pytest.mark.parametrize("stop", [KeyboardInterrupt, *rayx.errors.INTERRUPTIONS])
def test_who_stops_the_program_or_the_task_is_heard(stop):
    with pytest.raises(stop):
        shown([BadRepr(stop)])


def test_text_of_an_exception():
    class Exits(Exception):
        def __str__(self):
            raise SystemExit

    class Subclass(Exception):
        def __str__(self):
            return Loud("text")

    assert value_text.text_of(ValueError("a")) == "a"
    assert value_text.text_of(Exits()) == "(its text could not be made: SystemExit)"
    assert type(value_text.text_of(Subclass())) is str
    assert value_text.text_of(Subclass()) == "text"


def test_attributes():
    assert value_text.attribute(AttrDict(a=1), "a") == 1
    assert value_text.attribute(AttrDict(), "a") is None
    assert value_text.class_has(BadShape(), "shape")
    assert not value_text.class_has(AttrDict(), "shape")
