import abc
import collections
import dataclasses
import pickle
import subprocess
import sys
import typing

import pytest

from rayx.values import class_pickling, serialization

T = typing.TypeVar("T")


class Plain:
    class Inner:
        @dataclasses.dataclass
        class Innermost:
            x: int = 1


class Base:
    __slots__ = ("a",)


class Derived(Base):
    __slots__ = ("b",)


class Private:
    __slots__ = ("__hidden", "a", "b")

    def hide(self, value):
        self.__hidden = value
        return self

    def hidden(self):
        return self.__hidden


class Aliased:
    __slots__ = ("a", "b")
    alias = None


Aliased.alias = Aliased.a


class Documented:
    __slots__ = {"a": "of a", "b": "of b"}  # noqa: RUF023


class Single:
    __slots__ = "a"  # noqa: PLC0205


class WithDictionary:
    __slots__ = ("__dict__", "__weakref__", "a")


class Typed(typing.Generic[T]):
    __slots__ = ("a", "b")


class Abstract(abc.ABC):
    __slots__ = ("a", "b")


@dataclasses.dataclass(slots=True, weakref_slot=True)
class Fields:
    a: int = 0
    b: int = 0


class Pair(typing.NamedTuple):
    a: int
    b: int = 2


Point = collections.namedtuple("Point", "a b")  # noqa: PYI024


def by_value(value, monkeypatch):
    """The pickle of `value`, whose class others cannot import."""
    monkeypatch.setattr(serialization.importable, "by_others", lambda one: not _is_here(one))
    return serialization.dumps(value, "value")[0]


def _is_here(one):
    return getattr(one, "__module__", None) == __name__


def elsewhere(pickled, expression):
    """What this process prints, which has never seen the class; `made` is what was pickled."""
    program = f"import pickle, sys\nmade = pickle.load(sys.stdin.buffer)\nprint(({expression}))"
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, input=pickled, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.mark.parametrize(
    "cls", [Derived, Aliased, Documented, WithDictionary, Typed, Abstract, Fields]
)
def test_slots(cls, monkeypatch):
    value = cls()
    value.a, value.b = 1, 2
    facts = "made.a, made.b, hasattr(made, '__dict__'), hasattr(made, '__weakref__')"
    here = (1, 2, hasattr(value, "__dict__"), hasattr(value, "__weakref__"))
    assert elsewhere(by_value(value, monkeypatch), facts) == str(here)


def test_one_slot_that_is_named_by_a_text(monkeypatch):
    value = Single()
    value.a = 1
    assert elsewhere(by_value(value, monkeypatch), "made.a, hasattr(made, '__dict__')") == (
        "(1, False)"
    )


def test_private_slots(monkeypatch):
    pickled = by_value(Private().hide(7), monkeypatch)
    assert elsewhere(pickled, "made.hidden(), made.hide(8).hidden()") == "(7, 8)"


def test_an_alias_of_a_slot(monkeypatch):
    value = Aliased()
    value.a = 3
    assert elsewhere(by_value(value, monkeypatch), "made.alias") == "3"


@pytest.mark.parametrize("value", [Pair(1), Point(1, 2)])
def test_named_tuples(value, monkeypatch):
    pickled = by_value(value, monkeypatch)
    assert elsewhere(pickled, "made, hasattr(made, '__dict__')") == f"({value!r}, False)"


def test_the_names_of_classes_in_others_and_in_functions(monkeypatch):
    @dataclasses.dataclass
    class Local:
        x: int = 1

    for value in (Plain.Inner.Innermost(), Local()):
        assert elsewhere(by_value(value, monkeypatch), "repr(made)") == repr(value)


def test_what_another_version_of_cloudpickle_makes_is_left_as_it_is():
    for reduced in (
        NotImplemented,
        "name",
        (dict, ()),
        (_make_skeleton_class, (type, "A")),
    ):
        assert class_pickling.completed(Base, reduced) is reduced


def _make_skeleton_class(*arguments):
    raise AssertionError("only its name is looked at")


def test_here_it_is_the_class_itself(monkeypatch):
    value = Derived()
    value.a, value.b = 1, 2
    assert type(pickle.loads(by_value(value, monkeypatch))) is Derived
