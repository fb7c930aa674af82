"""The name of an actor's class in its own code: it is the class, and makes actors all the same."""

import typing

import pytest

import rayx

T = typing.TypeVar("T")


@rayx.remote
class Base(typing.Generic[T]):
    """Code as people write it for plain classes."""

    made = 0

    def __init__(self, value):
        self.value = value

    def show(self):
        return f"Base {self.value}"

    def facts(self):
        return {
            "itself": isinstance(self, Base),
            "another": isinstance(Base("x"), Base),
            "other": isinstance(3, Base),
            "subclass": issubclass(type(self), Base),
            "parameters": Base[int] is not None,
            "name": Base.__name__,
            "remote": hasattr(self, "remote"),
        }

    def count(self):
        Base.made += 1
        return type(self).made

    def another_actor(self):
        actor = Base.options(num_cpus=0).remote("inner")
        return rayx.get(actor.show.remote())

    def itself(self):
        return Base.cls is Base, Base

    def give_instance(self):
        return Base("given")


@rayx.remote
class Child(Base):
    def __init__(self, value):
        Base.__init__(self, value)
        super(Child, self).__init__(value + 1)  # noqa: UP008  (as it was written before)

    def show(self):
        return "Child of " + super(Child, self).show()  # noqa: UP008

    def has_remote_of_its_own(self):
        return Child.remote("x") is not None and isinstance(self, Base)


@pytest.fixture(params=[rayx.SILENT_MODE, rayx.PYTHON_MODE])
def session(request):
    with rayx.init(num_cpus=2, driver_mode=request.param):
        yield


def test_the_class_is_known_by_its_name(session):
    base = Base.remote(1)
    facts = rayx.get(base.facts.remote())
    assert facts.pop("other") is False
    assert facts.pop("remote") is False
    assert facts.pop("name") == "Base"
    assert all(facts.values()), facts
    assert rayx.get([base.count.remote(), base.count.remote()])[-1] >= 2


def test_it_makes_actors_all_the_same(session):
    assert rayx.get(Base.remote(1).another_actor.remote(), timeout=60) == "Base inner"


def test_in_classes_that_inherit(session):
    child = Child.remote(1)
    assert rayx.get(child.show.remote()) == "Child of Base 2"
    assert all(v for k, v in rayx.get(child.facts.remote()).items() if k not in ("other", "remote"))
    assert rayx.get(child.another_actor.remote(), timeout=60) == "Base inner"
    assert rayx.get(child.has_remote_of_its_own.remote())


def test_instances_come_back_as_those_of_the_drivers_class(session):
    given = rayx.get(Base.remote(1).give_instance.remote())
    assert type(given) is Base.cls
    assert isinstance(given, Base)
    assert given.show() == "Base given"
    is_class, returned = rayx.get(Base.remote(1).itself.remote())
    assert is_class
    assert returned is Base.cls


def test_the_remote_class_answers_for_its_class(session):
    assert isinstance(Base.cls(1), Base)
    assert not isinstance(1, Base)
    assert issubclass(Child.cls, Base)
    assert Base[int] == Base.cls[int]

    @rayx.remote
    def is_base(value):
        return isinstance(value, Base), isinstance(3, Base)

    assert rayx.get(is_base.remote(Base.cls(1))) == (True, False)
