import copy
import pickle

import pytest

import rayx
from rayx import errors

FACTS = {
    "function": "f",
    "arguments": "1, x=2",
    "pid": 7,
    "task_id": "ab" * 16,
    "node_id": "cd" * 16,
    "type_name": "ValueError",
    "message": "boom",
    "traceback_text": "Traceback (most recent call last):\nValueError: boom",
}


def make(cause):
    return errors.task_error(dict(FACTS), cause)


class Plain(Exception):
    pass


class WantsTwo(Exception):
    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")
        self.second = second


class Slotted(Exception):
    __slots__ = ("size",)


class Meta(type):
    pass


class WithMeta(Exception, metaclass=Meta):
    pass


class Refuses(Exception):
    def __init_subclass__(cls):
        raise RuntimeError("no subclasses")


def test_is_caught_as_both():
    error = make(ValueError("boom"))
    assert isinstance(error, ValueError)
    assert isinstance(error, rayx.TaskError)
    assert error.args == ("boom",)
    assert type(error.cause) is ValueError


def test_text_tells_task_then_traceback():
    text = str(make(ValueError("boom")))
    assert text.startswith("task f(1, x=2) failed (pid=7, node=cdcdcdcd, task=abab")
    assert text.endswith("ValueError: boom")
    assert text.count("boom") == 1


def test_class_is_made_once():
    assert type(make(KeyError("a"))) is type(make(KeyError("b")))


@pytest.mark.parametrize(
    "cause",
    [
        Plain(),
        WantsTwo(1, 2),
        KeyError("k"),
        WithMeta("m"),
        ExceptionGroup("several", [ValueError(1)]),
        rayx.GetTimeoutError("late"),
        StopIteration(3),
        AssertionError(),
        MemoryError(),
        ImportError("no", name="x"),
    ],
)
def test_any_exception_lends_its_type(cause):
    error = make(cause)
    assert isinstance(error, type(cause))
    assert error.args == cause.args
    assert error.cause is cause


def test_attributes_come_along():
    cause = WantsTwo(1, "second")
    assert make(cause).second == "second"
    slotted = Slotted("s")
    slotted.size = 3
    assert make(slotted).size == 3


def test_attributes_of_builtin_exceptions_come_along():
    error = make(FileNotFoundError(2, "missing", "/nowhere"))
    assert (error.errno, error.filename) == (2, "/nowhere")
    error = make(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"))
    assert (error.start, error.reason) == (0, "bad")
    assert make(StopIteration(5)).value == 5


@pytest.mark.parametrize("cause", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_what_ends_processes_does_not_lend_its_type(cause):
    error = make(cause)
    assert type(error) is rayx.TaskError
    assert not isinstance(error, type(cause))


def test_a_type_that_cannot_be_inherited_from_is_told_in_text_only():
    refuses = Exception.__new__(Refuses)
    error = make(refuses)
    assert type(error) is rayx.TaskError
    assert "ValueError: boom" in str(error)


def test_survives_pickle_and_copy():
    for again in (
        pickle.loads(pickle.dumps(make(ValueError("boom")))),
        copy.copy(make(ValueError("boom"))),
    ):
        assert isinstance(again, ValueError)
        assert isinstance(again, rayx.TaskError)
        assert str(again) == str(make(ValueError("boom")))


def test_name_is_public():
    assert f"{type(make(ValueError('boom'))).__module__}" == "rayx"
    assert type(make(ValueError("boom"))).__name__ == "TaskError(ValueError)"


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (1, rayx.WorkerCrashedError),
        (2, rayx.InfeasibleError),
        (3, rayx.ObjectLostError),
        (4, rayx.TaskCancelledError),
        (5, rayx.ObjectStoreFullError),
        (6, rayx.WorkerStartError),
        (7, rayx.ActorDiedError),
        (8, rayx.TaskTimeoutError),
        (99, rayx.RayxError),
    ],
)
def test_system_errors(code, cls):
    error = errors.from_system_error(bytes([code]) + "grüße".encode())
    assert type(error) is cls
    assert str(error) == "grüße"


def test_an_empty_system_error_is_an_error_still():
    assert type(errors.from_system_error(b"")) is rayx.RayxError


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        ("StoreFull", rayx.ObjectStoreFullError),
        ("TimedOut", rayx.GetTimeoutError),
        ("Disconnected", rayx.NodeDiedError),
        ("Forked", rayx.ForkedProcessError),
        ("Unavailable", rayx.ControlPlaneUnavailableError),
        ("Infeasible", rayx.InfeasibleError),
        ("IoError", rayx.RayxError),
    ],
)
def test_statuses(code, cls):
    assert type(errors.from_status(code, "text")) is cls


def test_builtin_relations():
    assert issubclass(rayx.GetTimeoutError, TimeoutError)
    assert issubclass(rayx.SerializationError, TypeError)
    for name in rayx.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(rayx, name), rayx.RayxError)


def test_an_attribute_of_the_exception_that_cannot_be_asked():
    class Failing(Exception):
        __slots__ = ("arguments",)  # never set

        @property
        def message(self):
            raise RuntimeError("not now")

    error = errors.task_error(dict(FACTS), Failing("text"))
    assert isinstance(error, Failing)
    assert (error.message, error.arguments) == (FACTS["message"], "1, x=2")
