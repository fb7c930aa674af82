"""Things that a program's `__main__` defines, and its tasks use: each as plain Python has it."""

import subprocess
import sys
import textwrap

import pytest

BEGIN = """
import abc, dataclasses, datetime, enum, functools, pickle, sys, typing
import rayx

@rayx.remote
def call(function, *args):
    return function(*args)

def both(function, *args):
    here = function(*args)
    assert rayx.get(call.remote(function, *args)) == here
    return here
"""

PROGRAMS = {
    "a cached function by the name of one of ours": """
        @functools.lru_cache
        def main(x):
            return ("mine", x)

        @rayx.remote
        def task(x):
            return main(x), main(x), main.cache_info().hits, main.__name__
        assert rayx.get(task.remote(2)) == (("mine", 2), ("mine", 2), 1, "main")
    """,
    "a cached function that calls itself": """
        @functools.cache
        def fib(n):
            "Fibonacci."
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        fib.note = "mine"
        assert both(fib, 80) == 23416728348467685
        describe = lambda: (fib.__name__, fib.__doc__, fib.note, fib.cache_parameters())
        assert both(describe)[3] == {"maxsize": None, "typed": False}
    """,
    "cached methods and properties": """
        class Model:
            def __init__(self, size):
                self.size = size
            @functools.lru_cache(maxsize=7)
            def area(self, height):
                return self.size * height
            @functools.cached_property
            def double(self):
                return 2 * self.size
            def __eq__(self, other):
                return self.size == other.size
            def __hash__(self):
                return self.size
        assert both(lambda m: (m.area(3), m.area(3), m.double), Model(4)) == (12, 12, 8)
        assert rayx.get(rayx.put(Model(4))).double == 8
    """,
    "functions that dispatch": """
        @functools.singledispatch
        def describe(value):
            return "something"
        @describe.register
        def _(value: int):
            return f"int {value}"
        @describe.register(list)
        def of_list(value):
            return [describe(one) for one in value]

        class Describer:
            @functools.singledispatchmethod
            def describe(self, value):
                return "any"
            @describe.register
            def _(self, value: str):
                return "text"
        assert both(describe, [1, "a", [2]]) == ["int 1", "something", ["int 2"]]
        assert both(lambda: (Describer().describe(1), Describer().describe("a"))) == ("any", "text")
        assert both(lambda: describe.__name__) == "describe"
    """,
    "names of typing": """
        UserId = typing.NewType("UserId", int)
        T, P, Ts = typing.TypeVar("T"), typing.ParamSpec("P"), typing.TypeVarTuple("Ts")

        class Wrapper(typing.Generic[P, T]):
            def __init__(self, function: typing.Callable[P, T], *args: P.args, **kwargs: P.kwargs):
                self.value = function(*args, **kwargs)
        class Shape(typing.Generic[*Ts]): ...

        def use(user: UserId) -> tuple[UserId, str]:
            Shape[int, str]
            return UserId(user), Wrapper[[int], str](str, user).value
        assert both(use, UserId(5)) == (5, "5")
        for one in (UserId, T, P, Ts):
            assert rayx.get(rayx.put(one)) is one, one
            assert rayx.get(call.remote(lambda: one)) is one, one
        assert rayx.get(call.remote(lambda: UserId)).__name__ == "UserId"
    """,
    "enums with attributes, aliases and all kinds of values": """
        class Planet(enum.Enum):
            EARTH = (5.9e24, 6.3e6)
            HOME = EARTH
            MARS = (6.4e23, 3.4e6)
            def __init__(self, mass, radius):
                self.mass, self.radius = mass, radius
            @property
            def density(self):
                return self.mass / self.radius**3
            @enum.nonmember
            def helper():
                return 3
            limit = enum.nonmember(7)
        assert both(lambda: [(p.name, p.value, p.mass, p.density) for p in Planet])
        assert both(lambda: (Planet.HOME is Planet.EARTH, Planet["HOME"].name))
        assert both(lambda: list(Planet.__members__)) == ["EARTH", "HOME", "MARS"]
        assert both(lambda: (Planet.limit, Planet.helper(), Planet((6.4e23, 3.4e6)) is Planet.MARS))
        assert rayx.get(call.remote(lambda p: p, Planet.MARS)) is Planet.MARS
        assert rayx.get(call.remote(lambda p: p is Planet.MARS, Planet.MARS))
        assert Planet.MARS.mass == 6.4e23

        class Unit(bytes, enum.Enum):
            def __new__(cls, value, label):
                made = bytes.__new__(cls, [value])
                made._value_ = value
                made.label = label
                return made
            PX, CM = (0, "pixel"), (2, "centimeter")
        assert both(lambda: [(bytes(u), u.value, u.label, Unit(u.value) is u) for u in Unit])

        class Color(enum.Flag, boundary=enum.KEEP):
            RED, GREEN = enum.auto(), enum.auto()
            BOTH = RED | GREEN
        assert both(lambda: [Color.RED.value, (Color.RED | Color.GREEN).value, Color.BOTH.name])
        assert both(lambda: (~Color.RED is Color.GREEN, Color(8).value, len(Color)))

        class Bits(enum.IntFlag):
            A, B = 1, 2
        assert both(lambda: ((Bits.A | Bits.B) == 3, isinstance(Bits.A, int), Bits.A + 5))
        class Number(enum.IntEnum):
            ONE, TWO = 1, 2
        assert both(lambda: (Number.ONE + 1, sorted(Number), f"{Number.TWO}", Number(2).name))
        class Text(enum.StrEnum):
            A = enum.auto()
            B = "b"
        assert both(lambda: ([f"{t}" for t in Text], Text("b").name, "x" + Text.A))
        class Day(datetime.date, enum.Enum):
            FIRST = 2020, 1, 1
        assert both(lambda: (Day.FIRST.year, Day.FIRST.value))
        class Pair(tuple, enum.Enum):
            A = (1, 2)
        assert both(lambda: (Pair.A[1], Pair.A.value))
        class Lists(enum.Enum):
            A, B = [1], [2]
        assert both(lambda: (Lists([2]).name, Lists.A.value))
        @dataclasses.dataclass
        class Size:
            legs: int
            tail: bool = True
        class Animal(Size, enum.Enum):
            DOG = 4
            APE = 2, False
        assert both(lambda: [(a.name, a.legs, a.tail) for a in Animal])
        class Op(enum.Enum):
            ADD = "+"
            def __call__(self, a, b):
                return Op.ADD is self and a + b
            @classmethod
            def _missing_(cls, value):
                return cls.ADD
        assert both(lambda: (Op.ADD(1, 2), Op("?").name)) == (3, "ADD")
    """,
    "classes that want keywords, or attributes, to be made": """
        class Base:
            known = []
            def __init_subclass__(cls, /, kind, **keywords):
                super().__init_subclass__(**keywords)
                cls.kind = kind
                Base.known.append(kind)
        class Child(Base, kind="child"):
            def value(self):
                return super().__thisclass__.__name__, self.kind
        assert both(lambda: Child().value()) == ("Child", "child")
        assert rayx.get(call.remote(lambda: Child.__base__ is Base and Base is not None))
        assert rayx.get(call.remote(lambda: Base.known)) == ["child"]

        class Meta(type):
            def __new__(mcs, name, bases, body, *, size):
                made = super().__new__(mcs, name, bases, body)
                made.size = size
                return made
            def __init__(cls, name, bases, body, *, size):
                super().__init__(name, bases, body)
            def doubled(cls):
                return 2 * cls.size
        class Sized(metaclass=Meta, size=3):
            def get(self):
                return self.size
        assert both(lambda: (Sized().get(), Sized.doubled(), type(Sized) is Meta)) == (3, 6, True)

        class AbstractMeta(abc.ABCMeta):
            def __new__(mcs, name, bases, body, *, size):
                return super().__new__(mcs, name, bases, body | {"size": size})
        class Abstract(metaclass=AbstractMeta, size=1):
            @abc.abstractmethod
            def run(self): ...
        class Concrete(Abstract, size=2):
            def run(self):
                return self.size
        assert both(lambda: (Concrete().run(), isinstance(Concrete(), Abstract))) == (2, True)

        class Named:
            def __init_subclass__(cls, **keywords):
                super().__init_subclass__(**keywords)
                cls.title = cls.name.title()  # an attribute that a class without a body has not
        class Mine(Named):
            name = "mine"
        assert both(lambda: Mine().title) == "Mine"
        class Later(Mine, Base, kind="later"): ...
        assert both(lambda: (Later.kind, Later.title)) == ("later", "Mine")
        class After(Base, kind="after"): ...
        assert Base.known[-1] == "after"  # the hook is there again
    """,
    "what pickle may find in a worker's __main__": """
        def names():
            return [name for name in vars(sys.modules["__main__"]) if not name.startswith("__")]
        assert rayx.get(call.remote(names)) == []
        def find(name):
            try:
                pickle.loads(b"c__main__\\n" + name.encode() + b"\\n.")
            except AttributeError:
                return "not there"
        for name in ("main", "Template", "restore_environment", "os"):
            assert rayx.get(call.remote(find, name)) == "not there"
    """,
    "what travels by its name only": """
        class Sentinel:
            def __reduce__(self):
                return "MISSING"
        MISSING = Sentinel()
        for attempt in (lambda: rayx.put({"a": [MISSING]}), lambda: call.remote(lambda: MISSING)):
            try:
                attempt()
            except rayx.SerializationError as error:
                assert "'MISSING'" in str(error) and "module that other processes" in str(error)
            else:
                raise AssertionError("it went")
    """,
    "other things that people write in notebooks": """
        @dataclasses.dataclass(frozen=True, slots=True, order=True)
        class Point:
            x: int
            y: list = dataclasses.field(default_factory=list, compare=False)
        class Row(typing.NamedTuple):
            a: int
            b: str = "x"
        class Options(typing.TypedDict, total=False):
            size: int
        class Runs(typing.Protocol):
            def run(self) -> int: ...
        class Box(typing.Generic[typing.TypeVar("T")]):
            item = functools.partialmethod(lambda self, x: x, 5)
        assert both(lambda: [f.name for f in dataclasses.fields(Point)]) == ["x", "y"]
        assert both(lambda p: dataclasses.replace(p, x=2), Point(1)) == Point(2)
        assert both(lambda r: r._replace(b="y"), Row(1)) == Row(1, "y")
        assert both(lambda: (Options(size=1), Options.__total__)) == ({"size": 1}, False)
        assert both(lambda: (Box[int]().item(), hasattr(Runs, "run"))) == (5, True)
    """,
}


def run_program(tmp_path, text):
    path = tmp_path / "program.py"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what", PROGRAMS)
def test_what_plain_python_can_do(tmp_path, what):
    body = textwrap.dedent(PROGRAMS[what])
    run_program(tmp_path, BEGIN + body.replace("\n", "\nrayx.init(num_cpus=2)\n", 1))
