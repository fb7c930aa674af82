"""Classes of the program itself: what comes back from tasks is as it was made in them."""

import pytest

PROGRAM = """
import dataclasses, enum, typing
import rayx

class Base:
    __slots__ = ("a",)

class Derived(Base):
    __slots__ = ("b", "__hidden")
    def __init__(self, a, b):
        self.a, self.b, self.__hidden = a, b, a + b
    def hidden(self):
        return self.__hidden

@dataclasses.dataclass(slots=True)
class Slotted:
    x: int

@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: int

class Outer:
    @dataclasses.dataclass
    class Inner:
        x: int

class Pair(typing.NamedTuple):
    x: int

class Color(enum.Enum):
    RED = 1

class Descriptor:
    def __set_name__(self, owner, name):
        self.name = "_" + name
    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__[self.name]
    def __set__(self, instance, value):
        instance.__dict__[self.name] = value

class Described:
    x = Descriptor()
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return type(other) is Described and other.x == self.x
    __hash__ = None

class Node:
    def __init__(self):
        self.next = self

@rayx.remote
def make():
    of_one = [kind(1) for kind in (Slotted, Frozen, Outer.Inner, Pair, Color, Described)]
    return [Derived(1, 2), *of_one, Node()]

@rayx.remote
def again(values):
    assert type(values[0]) is Derived and type(values[3]) is Outer.Inner
    return values, repr(values[3]), values[0].hidden()

@rayx.remote
class Keeper:
    def keep(self, values):
        self.values = values
        return self.values
    def knows(self, values):
        return [type(one) is type(other) for one, other in zip(values, self.values)]

with rayx.init(num_cpus=2):
    made = rayx.get(make.remote())
    keeper = Keeper.remote()
    kept = rayx.get(keeper.keep.remote(made))
    returned, text, hidden = rayx.get(again.remote(make.remote()))
    for values in (made, kept, returned, rayx.get(rayx.put(made))):
        derived, *rest, node = values
        assert type(derived) is Derived and (derived.a, derived.b, derived.hidden()) == (1, 2, 3)
        assert not hasattr(derived, "__dict__")
        assert rest == [Slotted(1), Frozen(1), Outer.Inner(1), Pair(1), Color.RED, Described(1)]
        assert [type(one) for one in rest] == [Slotted, Frozen, Outer.Inner, Pair, Color, Described]
        assert rest[4] is Color.RED
        assert node.next is node
    assert (text, hidden) == ("Outer.Inner(x=1)", 3)
    assert all(rayx.get(keeper.knows.remote(make.remote())))
print("all as they were")
"""


STARTER = """
import subprocess, sys

way, program = sys.argv[1:]
given = {"-c": ["-c", program], "stdin": ["-"]}[way]
subprocess.run([sys.executable, *given], input=program, text=True, check=True)
"""


def test_instances_made_in_tasks_and_sent_to_them(run_program):
    out, _ = run_program(PROGRAM)
    assert out == "all as they were\n"


@pytest.mark.parametrize("way", ["-c", "stdin"])
def test_the_same_in_a_program_without_a_file(run_program, way):
    out, _ = run_program(STARTER, way, PROGRAM)
    assert out == "all as they were\n"
