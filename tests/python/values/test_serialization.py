import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import pickle
import sys
import threading
import types
import uuid

import hypothesis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import rayx
from rayx._raylet import (
    KIND_BYTES,
    KIND_PICKLE,
    KIND_SYSTEM_ERROR,
    KIND_TASK_ERROR,
    ObjectID,
)
from rayx.values import serialization

PROFILE = hypothesis.settings(deadline=None, max_examples=150)


class Stored:
    """The parts of an object as they lie in memory: 64-byte aligned, read-only."""

    def __init__(self, kind, stream, buffers=(), contained=()):
        sizes = [len(buffer) for buffer in buffers]
        room = 64 + sum(size + 64 for size in sizes)
        memory = np.zeros(room, np.uint8)
        place = -memory.ctypes.data % 64
        places = []
        for buffer, size in zip(buffers, sizes, strict=True):
            memory[place : place + size] = np.frombuffer(buffer, np.uint8)
            places.append((place, size))
            place += -(-size // 64) * 64
        memory.flags.writeable = False
        view = memoryview(memory)
        self.kind = kind
        self.stream = memoryview(bytes(stream))
        self.buffers = [view[start : start + size] for start, size in places]
        self.pickle = self.stream if kind == KIND_PICKLE and not self.buffers else None


def there_and_back(value):
    return serialization.deserialize(Stored(*serialization.serialize(value)))


class Color(enum.Enum):
    RED = 1


class Flags(enum.IntFlag):
    A = 1
    B = 2


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Data:
    a: int
    b: list


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int


class Slotted:
    __slots__ = ("__dict__", "a")

    def __init__(self, a):
        self.a = a

    def __eq__(self, other):
        return type(other) is type(self) and other.a == self.a


class MyList(list):
    pass


class MyDict(dict):
    extra = None


class MyInt(int):
    pass


class MyStr(str):
    pass


class OurError(Exception):
    pass


VALUES = [
    None,
    True,
    0,
    -1,
    2**63,
    -(2**200),
    10**1000,
    1.5,
    float("inf"),
    1j,
    "",
    "grüße\0\ud800",
    b"",
    b"x" * 4095,
    b"x" * 4096,
    b"x" * 100_000,
    bytearray(b"abc" * 10_000),
    [],
    [1, [2, [3]]],
    (),
    (1,),
    {},
    {"a": 1, 2: "b", (3,): None},
    {1, 2},
    frozenset({1}),
    range(3, 9, 2),
    slice(1, 2),
    ...,
    NotImplemented,
    int,
    len,
    Color.RED,
    Flags.A | Flags.B,
    Point(1, [2]),
    Data(1, [2]),
    Frozen(1),
    Slotted(5),
    MyList([1, 2]),
    MyDict(a=1),
    MyInt(5),
    MyStr("s"),
    collections.OrderedDict(b=1, a=2),
    collections.defaultdict(list, a=[1]),
    collections.Counter("aab"),
    collections.deque([1, 2], maxlen=3),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    uuid.UUID(int=5),
    types.SimpleNamespace(a=1),
    np.float32(1.5),
    np.dtype("i4"),
    np.datetime64("2020-01-01"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
def test_comes_back_equal(value):
    again = there_and_back(value)
    assert again == value
    assert type(again) is type(value)


def test_subclasses_keep_their_attributes():
    value = MyDict(a=1)
    value.extra = [2]
    assert there_and_back(value).extra == [2]


def test_shared_and_recursive_references():
    inner = [0]
    again = there_and_back([inner, inner])
    assert again[0] is again[1]
    loop = []
    loop.append(loop)
    again = there_and_back(loop)
    assert again[0] is again
    graph = {"self": None}
    graph["self"] = graph
    assert (again := there_and_back(graph))["self"] is again


def test_lambdas_closures_and_local_classes():
    captured = 3

    class Local:
        def __init__(self):
            self.value = captured

        def __eq__(self, other):
            return type(self) is type(other) and self.value == other.value

    assert there_and_back(lambda x: x + captured)(1) == 4
    assert there_and_back(Local()) == Local()
    assert there_and_back([Local, Local()])[0] is Local


def test_exceptions():
    again = there_and_back(OurError("a", 2))
    assert type(again) is OurError
    assert again.args == ("a", 2)


def test_values_of_main_travel_by_value(monkeypatch):
    code = "class InMain:\n    def __init__(self, a): self.a = a\ndef function(): return 5\n"
    main = types.ModuleType("__main__")
    exec(code, main.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", main)
    for value in (main.InMain(1), main.InMain, main.function, [main.InMain(2)]):
        stream = serialization.serialize(value).stream
        assert b"__main__\x94\x8c\x06InMain\x94\x93" not in stream
    stored = serialization.serialize([main.InMain(7), main.function])
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    value, function = serialization.deserialize(Stored(*stored))
    assert (value.a, function()) == (7, 5)


def test_values_of_modules_others_cannot_import_travel_by_value(monkeypatch):
    module = types.ModuleType("made_of_nothing")
    exec("class Thing:\n    size = 3\ndef function(): return Thing.size", module.__dict__)
    monkeypatch.setitem(sys.modules, "made_of_nothing", module)
    stored = serialization.serialize([module.Thing(), module.function])
    monkeypatch.delitem(sys.modules, "made_of_nothing")
    value, function = serialization.deserialize(Stored(*stored))
    assert (value.size, function()) == (3, 3)


# ---- bytes and arrays ----------------------------------------------------------------------------


def test_large_bytes_are_stored_as_they_are():
    stored = serialization.serialize(b"a" * serialization.RAW_BYTES_MIN)
    assert stored.kind == KIND_BYTES
    assert stored.stream == b"a" * serialization.RAW_BYTES_MIN
    assert serialization.serialize(b"a").kind == KIND_PICKLE
    assert serialization.serialize(MyList()).kind == KIND_PICKLE


@pytest.mark.parametrize(
    "array",
    [
        np.arange(1000.0),
        np.arange(10, dtype=np.int16),
        np.arange(12).reshape(3, 4),
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.zeros((0, 3)),
        np.array(5),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["ab", "c"]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.arange(4) + 1j,
        np.array([True, False]),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_are_read_only_views(array):
    stored = Stored(*serialization.serialize({"a": array, "b": [array]}))
    again = serialization.deserialize(stored)
    np.testing.assert_array_equal(again["a"], array)
    assert again["a"].dtype == array.dtype
    assert again["a"] is again["b"][0]
    assert not again["a"].flags.writeable
    if array.size and array.ndim:
        assert again["a"].ctypes.data % 64 == 0
        assert np.shares_memory(again["a"], np.frombuffer(stored.buffers[0], np.uint8))


def test_arrays_that_are_not_contiguous_and_arrays_of_objects():
    for array in (np.arange(10)[::2], np.array([1, "a", None], dtype=object)):
        np.testing.assert_array_equal(there_and_back(array), array)


def test_large_data_is_not_in_the_stream():
    stored = serialization.serialize([np.zeros(10**6), np.ones(10**6)])
    assert len(stored.stream) < 1000
    assert [len(buffer) for buffer in stored.buffers] == [8 * 10**6] * 2


def test_arrow_tables_and_batches():
    table = pa.table({"a": list(range(1000)), "b": ["x"] * 1000})
    again = there_and_back({"table": table})["table"]
    assert again.equals(table)
    batch = table.to_batches()[0]
    assert there_and_back(batch).equals(batch)
    assert there_and_back(pa.array([1, None, 3])).equals(pa.array([1, None, 3]))


def test_an_arrow_table_lies_in_the_stored_memory():
    table = pa.table({"a": np.arange(10_000)})
    stored = Stored(*serialization.serialize(table))
    assert bytes(stored.buffers[0][:4]) == b"\xff\xff\xff\xff"  # how an IPC stream begins
    column = serialization.deserialize(stored).column("a").chunk(0)
    start = np.frombuffer(stored.buffers[0], np.uint8).ctypes.data
    assert start <= column.buffers()[1].address < start + len(stored.buffers[0])


def test_a_slice_of_a_table_is_stored_alone():
    table = pa.table({"a": np.arange(100_000)})
    assert len(serialization.serialize(table.slice(0, 10)).buffers[0]) < 2000


def test_data_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": np.arange(5.0), "b": list("abcde")})
    pd.testing.assert_frame_equal(there_and_back(frame), frame)


# ---- ids -----------------------------------------------------------------------------------------


def test_ids_inside_values_are_told(node):

    first, second = (node.put(KIND_PICKLE, b"N.", [], []) for _ in range(2))
    stored = serialization.serialize({"a": first, "b": [second, lambda: first]})
    assert set(stored.contained) == {first, second}
    again = serialization.deserialize(Stored(*stored))
    assert again["a"] == first
    assert type(again["a"]) is ObjectID


def test_ids_met_in_a_failed_first_attempt_are_told_once(node):
    object_id = node.put(KIND_PICKLE, b"N.", [], [])
    assert serialization.serialize([object_id, lambda: 0]).contained == [object_id]


def test_nobody_collects_outside():
    assert not serialization.collect(object())


# ---- failures ------------------------------------------------------------------------------------


def test_what_cannot_be_pickled_is_named_by_its_path():
    with pytest.raises(rayx.SerializationError, match=r"value\['model'\]\.lock: cannot pickle"):
        serialization.serialize({"model": types.SimpleNamespace(lock=threading.Lock())})
    with pytest.raises(TypeError):
        serialization.serialize(threading.Lock())


def test_a_reduce_that_raises():
    class Raises:
        def __reduce__(self):
            raise RuntimeError("not me")

    with pytest.raises(rayx.SerializationError, match=r"value\[0\]: RuntimeError: not me"):
        serialization.serialize([Raises()])


def test_nested_too_deeply():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(rayx.SerializationError, match="nested too deeply"):
        serialization.serialize(value)


def test_after_a_failure_all_is_as_before():
    with pytest.raises(rayx.SerializationError):
        serialization.serialize([np.arange(10), threading.Lock()])
    assert not serialization.collect(object())
    stored = serialization.serialize([np.arange(10), lambda: 0])  # a second attempt
    assert len(stored.buffers) == 1


def fails_to_load():
    raise RuntimeError("not here")


class FailsToLoad:
    def __reduce__(self):
        return fails_to_load, ()


def test_a_value_that_cannot_be_loaded():
    with pytest.raises(rayx.SerializationError, match="RuntimeError: not here"):
        there_and_back(FailsToLoad())


def test_error_objects_raise():
    facts = {"function": "f", "arguments": "", "pid": 1, "task_id": "", "node_id": ""}
    facts |= {"type_name": "OurError", "message": "m", "traceback_text": "OurError: m"}
    stream = pickle.dumps((facts, pickle.dumps(OurError("m"))))
    with pytest.raises(OurError) as caught:
        serialization.deserialize(Stored(KIND_TASK_ERROR, stream))
    assert caught.value.function == "f"
    with pytest.raises(rayx.InfeasibleError, match="too much"):
        serialization.deserialize(Stored(KIND_SYSTEM_ERROR, b"\x02too much"))
    with pytest.raises(rayx.RayxError, match="kind 77"):
        serialization.deserialize(Stored(77, b""))


def test_an_exception_that_cannot_be_loaded_is_told_in_text():
    facts = {"function": "f", "arguments": "", "pid": 1, "task_id": "", "node_id": ""}
    facts |= {"type_name": "FailsToLoad", "message": "m", "traceback_text": "FailsToLoad: m"}
    stream = pickle.dumps((facts, pickle.dumps(FailsToLoad())))
    with pytest.raises(rayx.TaskError, match="FailsToLoad: m\n.*RuntimeError: not here") as caught:
        serialization.deserialize(Stored(KIND_TASK_ERROR, stream))
    assert caught.value.cause is None


# ---- properties ----------------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(max_size=10_000)
    | st.complex_numbers(allow_nan=False)
)
TREES = st.recursive(
    SCALARS,
    lambda children: (
        st.lists(children, max_size=5)
        | st.tuples(children, children)
        | st.dictionaries(st.text() | st.integers(), children, max_size=5)
        | st.builds(Data, st.integers(), st.lists(children, max_size=3))
        | st.builds(MyList, st.lists(children, max_size=3))
    ),
    max_leaves=30,
)


@PROFILE
@hypothesis.given(TREES)
def test_any_tree_comes_back(value):
    assert there_and_back(value) == value


@PROFILE
@hypothesis.given(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, min_side=0)))
def test_any_array_comes_back(array):
    again = there_and_back([array])[0]
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()
    assert not again.flags.writeable


@PROFILE
@hypothesis.given(st.data())
def test_a_stream_that_was_cut_raises_nothing_else(data):
    stream = serialization.serialize({"a": [1, 2], "b": "text"}).stream
    cut = data.draw(st.integers(0, len(stream) - 1))
    with pytest.raises(rayx.SerializationError):
        serialization.deserialize(Stored(KIND_PICKLE, stream[:cut]))


def test_functions_by_value_keep_their_file_and_lines():
    """Else tracebacks of tasks would show no source."""

    def outer():
        return (lambda: 1).__code__

    pickled, _ = serialization.dump_by_value(outer, "outer")
    copy = pickle.loads(pickled)
    assert copy.__code__ == outer.__code__
    for ours, theirs in ((copy.__code__, outer.__code__), (copy(), outer())):
        assert (ours.co_filename, ours.co_firstlineno) == (__file__, theirs.co_firstlineno)
    assert serialization.dump_by_value(outer, "outer")[0] == pickled
