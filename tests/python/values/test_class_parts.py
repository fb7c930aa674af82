import enum

import pytest

from rayx.values import class_parts


class Weight(enum.Enum):
    LIGHT = (1, "g")
    HEAVY = (2, "kg")
    BIG = HEAVY

    def __init__(self, amount, unit):
        self.amount = amount
        self.unit = unit


def make_plain_enum(bases, name, qualname, members, *more):
    """As cloudpickle does it."""
    namespace = type(bases[-1]).__prepare__(name, bases)
    for member, value in members.items():
        namespace[member] = value
    return type(bases[-1])(name, bases, namespace)


make_plain_enum.__name__ = "_make_skeleton_enum"


def test_members_are_made_as_they_were():
    names = ("__init__", *Weight.__members__)
    state = ({name: vars(Weight)[name] for name in names}, {})
    reduced = (make_plain_enum, ((enum.Enum,), "Weight", "Weight", {}), state, None, None, set_all)
    make, arguments, state, _, _, set_state = class_parts.completed(Weight, reduced)
    copy = make(*arguments)
    set_state(copy, state)
    assert [(m.name, m.value, m.amount, m.unit) for m in copy] == [
        ("LIGHT", (1, "g"), 1, "g"),
        ("HEAVY", (2, "kg"), 2, "kg"),
    ]
    assert copy.BIG is copy.HEAVY
    assert copy((1, "g")) is copy.LIGHT
    assert copy.__init__ is Weight.__init__


def set_all(cls, state):
    for name, value in state[0].items():
        setattr(cls, name, value)


def make_class(metaclass, name, bases, namespace):
    return metaclass(name, bases, dict(namespace))


make_class.__name__ = "_make_skeleton_class"


class Base:
    made: list = []  # noqa: RUF012  (it is shared on purpose)

    def __init_subclass__(cls, kind):
        Base.made.append(kind)


class Child(Base, kind="child"): ...


def test_a_hook_that_wants_keywords_is_left_out():
    reduced = (make_class, (type, "Child", (Base,), {"size": 3}), ({}, {}), None, None, set_all)
    make, arguments, *_ = class_parts.completed(Child, reduced)
    copy = make(*arguments)
    assert (copy.__bases__, copy.size) == ((Base,), 3)
    assert Base.made == ["child"]
    with pytest.raises(TypeError, match="kind"):
        type("Another", (Base,), {})


class Meta(type):
    def __new__(mcs, name, bases, namespace, *, size):
        return super().__new__(mcs, name, bases, namespace | {"size": size})


class Sized(metaclass=Meta, size=2): ...


def test_a_metaclass_that_wants_keywords_is_not_asked():
    reduced = (make_class, (Meta, "Sized", (), {}), ({}, {}), None, None, set_all)
    make, arguments, *_ = class_parts.completed(Sized, reduced)
    assert type(make(*arguments)) is Meta


def test_other_classes_are_as_cloudpickle_has_them():
    class Plain: ...

    for reduced in (
        NotImplemented,
        "name",
        (make_class, (type, "Plain", (), {}), ({}, {}), None, None, set_all),
    ):
        assert class_parts.completed(Plain, reduced) is reduced
