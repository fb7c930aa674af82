import sys
import threading

import numpy as np
import pytest

import rayx
from rayx._raylet import KIND_TASK_ERROR
from rayx.running import task_failure
from rayx.values import serialization

FACTS = {
    "function": "f",
    "arguments": "1",
    "pid": 7,
    "task_id": "ab" * 16,
    "node_id": "cd" * 16,
}


class Buffer:
    def __init__(self, stored):
        self.kind = stored.kind
        self.stream = memoryview(stored.stream)
        self.buffers = []


def failed(error):
    """(the exception as a driver gets it, the text printed) for `error` raised in a task."""
    try:
        raise error
    except BaseException as caught:
        stored, text = task_failure.describe(caught, FACTS)
    assert stored.kind == KIND_TASK_ERROR
    return serialization.stored_error(Buffer(stored)), text


class WantsTwo(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")
        self.first = first
        self.second = second


class HoldsLock(Exception):
    def __init__(self, text):
        super().__init__(text, threading.Lock())
        self.lock = threading.Lock()
        self.code = 5


class Slotted(Exception):
    __slots__ = ("size",)


class NeverTravels(Exception):
    def __new__(cls, *args):
        if len(args) != 1 or args[0] != "here":
            raise RuntimeError("cannot be made elsewhere")
        return super().__new__(cls, *args)

    def __init__(self, text):
        super().__init__()


class NoText(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def test_type_text_and_facts():
    error, text = failed(ValueError("boom", 2))
    assert isinstance(error, ValueError)
    assert error.args == ("boom", 2)
    assert (error.function, error.pid, error.type_name) == ("f", 7, "ValueError")
    assert text == str(error)
    assert text.endswith("ValueError: ('boom', 2)")


def test_custom_init():
    error, _ = failed(WantsTwo(1, 2))
    assert isinstance(error, WantsTwo)
    assert (error.first, error.second, error.args) == (1, 2, ("1 and 2",))


def test_what_cannot_travel_stays_behind():
    error, _ = failed(HoldsLock("text"))
    assert isinstance(error, HoldsLock)
    assert error.code == 5
    assert error.args[0] == "text"
    assert "lock" in error.args[1]
    assert not hasattr(error, "lock")


def test_slots():
    slotted = Slotted("s")
    slotted.size = 3
    error, _ = failed(slotted)
    assert error.size == 3


def test_an_exception_that_cannot_be_made_elsewhere():
    error, text = failed(NeverTravels("here"))
    assert type(error) is rayx.TaskError
    assert error.type_name == "NeverTravels"
    assert "NeverTravels" in text


def test_local_types():
    class Local(Exception):
        pass

    error, _ = failed(Local("x"))
    assert isinstance(error, Local)


def test_an_exception_without_text():
    error, text = failed(NoText())
    assert isinstance(error, NoText)
    assert "NoText" in text


def test_notes_and_causes_are_shown():
    try:
        try:
            {}["a"]  # noqa: B018
        except KeyError as cause:
            raise ValueError("outer") from cause
    except ValueError as error:
        error.add_note("a note")
        _, text = failed(error)
    assert "KeyError: 'a'" in text
    assert "direct cause" in text
    assert text.endswith("ValueError: outer\na note")


def test_causes_come_along():
    def work():
        try:
            {}["a"]
        except KeyError as error:
            raise WantsTwo(1, 2) from error

    try:
        work()
    except WantsTwo as error:
        came, text = failed(error)
    assert "direct cause" in text
    assert type(came.cause) is WantsTwo
    assert repr(came.cause.__cause__) == "KeyError('a')"
    # Its text has them; who prints it must not see them twice.
    assert came.__cause__ is None


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("object().colour", "colour"),
        ("unknown", "unknown"),
        ("import no_such_module", "no_such_module"),
    ],
)
def test_the_name_that_was_not_found(code, name):
    try:
        exec(code)
    except Exception as error:
        came, _ = failed(error)
        assert came.name == came.cause.name == error.name == name


def test_groups():
    error, text = failed(ExceptionGroup("several", [ValueError(1), KeyError(2)]))
    assert isinstance(error, ExceptionGroup)
    assert len(error.exceptions) == 2
    assert "ValueError: 1" in text


def test_a_failure_of_another_task_keeps_its_type():
    inner, _ = failed(KeyError("deep"))
    outer, text = failed(inner)
    assert isinstance(outer, KeyError)
    assert type(outer.cause) is KeyError
    assert text.count("KeyError: 'deep'") == 1
    assert text.count("task f(1) failed") == 2


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SystemExit(3), "the task called sys.exit(3)"),
        (SystemExit(), "the task called sys.exit()"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_what_ends_processes(error, text):
    failure, printed = failed(error)
    assert type(failure) is rayx.TaskError
    assert text in str(failure)
    assert text in printed


def test_a_hint_for_who_writes_into_an_array():
    array = np.zeros(3)
    array.flags.writeable = False
    try:
        array[0] = 1
    except ValueError as error:
        failure, printed = failed(error)
    assert str(failure).endswith(
        "ValueError: assignment destination is read-only\n"
        "(arrays that come from objects are shared, so read-only: change a copy of it)"
    )
    assert printed == str(failure)


def test_frames_of_rayx_are_not_shown():
    def users(value):
        serialization.serialize(value)

    try:
        users(threading.Lock())
    except rayx.SerializationError as error:
        text = task_failure.traceback_of(error)
    assert "in users" in text
    assert "serialization.py" not in text


def test_text_with_half_characters_can_be_printed():
    _, text = failed(ValueError("half \ud800"))
    text.encode()


def test_long_recursions_are_short():
    def forever():
        return forever()

    try:
        forever()
    except RecursionError as error:
        assert len(task_failure.traceback_of(error)) < 3000


class BadRepr:
    def __repr__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((), {}, ""),
        ((1, "a"), {"k": None}, "1, 'a', k=None"),
        ((np.zeros((2, 3)),), {}, "<ndarray float64 (2, 3)>"),
        ((list(range(100)),), {}, "<list of 100>"),
        ((BadRepr(),), {}, "<BadRepr>"),
        (("line\nbreak",), {}, "'line\\nbreak'"),
        (tuple(range(8)), {}, "0, 1, 2, 3, 4, 5, … 2 more"),
    ],
)
def test_arguments_are_shortened(args, kwargs, text):
    assert task_failure.shorten_arguments(args, kwargs) == text


def test_a_huge_argument_is_not_shown_in_full():
    shown = task_failure.shorten_arguments(("x" * sys.maxunicode,), {"y": b"z" * 10**6})
    assert len(shown) < 100


# ---- user code that fails while it is asked ------------------------------------------------------


class Text(str):
    def __reduce__(self):
        raise RuntimeError


class TextIsNoPlainString(Exception):
    def __str__(self):
        return Text("text")


class TextExits(Exception):
    def __str__(self):
        raise SystemExit


class AsksForWhatIsNotThere(Exception):
    """A common mistake: without `response`, it asks itself for ever."""

    def __getattr__(self, name):
        return getattr(self.response, name)


class AsksInSlots(AsksForWhatIsNotThere):
    __slots__ = ("size",)


class PicklingExits(Exception):
    def __reduce__(self):
        raise SystemExit


class UnpicklingExits(Exception):
    def __reduce__(self):
        return sys.exit, (7,)


class HasNoClass(Exception):
    @property
    def __class__(self):
        raise RuntimeError


class HasNoArgs(Exception):
    @property
    def args(self):
        raise RuntimeError


class HasNoDictionary(Exception):
    @property
    def __dict__(self):
        raise RuntimeError


class HasNoAttributes(Exception):
    def __getattribute__(self, name):
        raise RuntimeError


class NotesExit(Exception):
    @property
    def __notes__(self):
        raise SystemExit


class NamelessType(type):
    @property
    def __name__(cls):
        raise RuntimeError


class OfNamelessType(Exception, metaclass=NamelessType):
    pass


@pytest.mark.parametrize(
    ("kind", "keeps_type"),
    [
        (TextIsNoPlainString, True),
        (TextExits, True),
        (AsksForWhatIsNotThere, True),
        (AsksInSlots, True),
        (PicklingExits, True),
        (UnpicklingExits, True),
        (HasNoClass, True),
        (HasNoArgs, False),
        (HasNoDictionary, False),
        (HasNoAttributes, False),
        (NotesExit, True),
        (OfNamelessType, True),
    ],
    ids=[str(number) for number in range(12)],  # pytest would ask the classes
)
def test_nothing_that_an_exception_does_stops_the_report(kind, keeps_type):
    error, text = failed(kind("text"))
    assert isinstance(error, rayx.TaskError)
    assert issubclass(type(error), kind) == keeps_type
    assert error.function == "f"
    assert error.type_name == type.__dict__["__name__"].__get__(kind)
    assert type(error.message) is type(error.traceback_text) is str
    assert text == str(error)
    assert error.type_name in text
    assert "in failed" in text  # where it was raised


def test_an_argument_cannot_stop_the_report():
    class Exits:
        def __repr__(self):
            raise SystemExit

    class Interrupts:
        def __repr__(self):
            raise KeyboardInterrupt

    shown = task_failure.shorten_arguments((Exits(), [Exits()], Interrupts()), {"k": Exits()})
    assert shown == "<Exits>, [<Exits>], <Interrupts>, k=<Exits>"


def test_a_long_text_is_cut_but_not_the_exception():
    error, text = failed(ValueError("x" * 10**6))
    assert len(text) < 300_000
    assert "more characters" in text
    assert len(error.args[0]) == 10**6


def test_without_cause():
    try:
        raise ValueError("boom", np.zeros(10**5))
    except ValueError as caught:
        stored, _ = task_failure.describe(caught, FACTS)
    brief = task_failure.without_cause(stored)
    assert len(brief.stream) < 10_000
    error = serialization.stored_error(Buffer(brief))
    assert type(error) is rayx.TaskError
    assert error.type_name == "ValueError"
    assert "boom" in str(error)
