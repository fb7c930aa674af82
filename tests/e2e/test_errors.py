"""Tasks that fail, and what the driver gets to see of it."""

import os
import pickle
import threading
import time

import numpy as np
import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


@rayx.remote
def fail(error):
    raise error


@rayx.remote
def identity(value):
    return value


@rayx.remote
def one():
    return 1


@pytest.fixture(autouse=True)
def works_again():
    """Whatever a test does, workers go on."""
    yield
    assert rayx.get([one.remote() for _ in range(4)], timeout=20) == [1] * 4


def failure(task, *args, **kwargs):
    with pytest.raises(rayx.TaskError) as caught:
        rayx.get(task.remote(*args, **kwargs), timeout=30)
    return caught.value


class TestText:
    def test_what_it_tells(self):
        @rayx.remote
        def divide(a, b, *, verbose=False):
            def inner():
                return a / b

            return inner()

        error = failure(divide, 1, 0, verbose=True)
        assert isinstance(error, ZeroDivisionError)
        assert type(error.cause) is ZeroDivisionError
        assert (error.function, error.type_name, error.message) == (
            "divide",
            "ZeroDivisionError",
            "division by zero",
        )
        assert error.arguments == "1, 0, verbose=True"
        assert error.pid not in (0, os.getpid())
        text = str(error)
        assert text.startswith("task divide(1, 0, verbose=True) failed ")
        assert f"pid={error.pid}" in text
        assert error.task_id in text
        assert "Traceback (most recent call last):" in text
        assert f'File "{__file__}"' in text
        assert "return a / b" in text
        assert "in inner" in text
        assert text.endswith("ZeroDivisionError: division by zero")
        assert "executor.py" not in text

    def test_arguments_are_shortened(self):
        @rayx.remote
        def f(*args, **kwargs):
            raise ValueError

        error = failure(f, "x" * 1000, np.zeros((30, 40)), list(range(10**4)), k={1: "y" * 1000})
        assert len(error.arguments) < 250
        assert "float64 (30, 40)" in error.arguments

    def test_causes_and_contexts(self):
        @rayx.remote
        def f():
            try:
                {}["key"]
            except KeyError as error:
                raise ValueError("above") from error

        error = failure(f)
        assert isinstance(error, ValueError)
        assert "KeyError: 'key'" in str(error)
        assert "direct cause" in str(error)

    def test_notes_and_groups(self):
        @rayx.remote
        def f():
            error = ValueError("inner")
            error.add_note("a note")
            raise ExceptionGroup("several", [error, TypeError("other")])

        error = failure(f)
        assert isinstance(error, ExceptionGroup)
        assert "a note" in str(error)
        assert "TypeError: other" in str(error)
        assert [type(part) for part in error.cause.exceptions] == [ValueError, TypeError]

    def test_the_function_is_found_in_a_chain(self):
        error = failure(identity, fail.remote(ValueError("first")))
        assert isinstance(error, ValueError)
        assert error.function == "fail"


class WithInit(Exception):
    def __init__(self, code, *, detail):
        super().__init__(f"code {code}")
        self.code = code
        self.detail = detail


class WithTwo(Exception):
    def __init__(self, a, b):
        self.a, self.b = a, b


class WithSlots(Exception):
    __slots__ = ("place",)


class WithLock(Exception):
    def __init__(self, message):
        super().__init__(message)
        self.lock = threading.Lock()
        self.kept = "kept"


class WithBadText(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class WithBadReduce(Exception):
    def __reduce__(self):
        raise RuntimeError("not this one")


class BadToLoad(Exception):
    def __reduce__(self):
        return int, ("not a number",)


class Meta(type):
    pass


class WithMeta(Exception, metaclass=Meta):
    pass


class TestTypes:
    @pytest.mark.parametrize(
        "error",
        [
            ValueError("x"),
            KeyError("k"),
            OSError(2, "No such file", "name"),
            FileNotFoundError(2, "missing"),
            UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"),
            StopIteration(3),
            ImportError("no", name="module"),
            AssertionError(),
            TimeoutError("late"),
            MemoryError("full"),
            RecursionError("deep"),
            NotImplementedError,
            ArithmeticError(1, [2]),
            rayx.GetTimeoutError("mine"),
            EOFError(),
        ],
        ids=lambda error: getattr(type(error), "__name__", ""),
    )
    def test_builtin_ones(self, error):
        found = failure(fail, error)
        expected = error if isinstance(error, BaseException) else error()
        assert isinstance(found, type(expected))
        assert type(found.cause) is type(expected)
        assert found.args == expected.args
        assert found.cause.args == expected.args
        with pytest.raises(type(expected)):
            raise found

    def test_attributes_of_builtin_ones(self):
        found = failure(fail, OSError(2, "No such file", "name"))
        assert (found.errno, found.strerror, found.filename) == (2, "No such file", "name")
        assert isinstance(found, FileNotFoundError)
        assert failure(fail, StopIteration(3)).value == 3
        assert failure(fail, ImportError("no", name="module")).name == "module"

    def test_an_init_of_its_own(self):
        @rayx.remote
        def f():
            raise WithInit(7, detail=[1])

        found = failure(f)
        assert isinstance(found, WithInit)
        assert (found.code, found.detail, found.args) == (7, [1], ("code 7",))
        assert "WithInit: code 7" in str(found)

    def test_an_init_that_hands_nothing_on(self):
        @rayx.remote
        def f():
            raise WithTwo(1, b=2)

        found = failure(f)
        assert isinstance(found, WithTwo)
        assert (found.a, found.b) == (1, 2)

    def test_slots(self):
        @rayx.remote
        def f():
            error = WithSlots("text")
            error.place = 5
            raise error

        found = failure(f)
        assert isinstance(found, WithSlots)
        assert found.place == 5

    def test_a_lock_inside(self):
        @rayx.remote
        def f():
            raise WithLock("locked")

        found = failure(f)
        assert isinstance(found, WithLock)
        assert found.kept == "kept"
        assert found.args == ("locked",)

    def test_a_lock_as_argument(self):
        @rayx.remote
        def f():
            raise ValueError("first", threading.Lock())

        found = failure(f)
        assert isinstance(found, ValueError)
        assert found.args[0] == "first"
        assert "lock" in found.args[1]

    @pytest.mark.parametrize("cls", [WithBadText, WithBadReduce, BadToLoad, WithMeta])
    def test_bad_manners(self, cls):
        @rayx.remote
        def f():
            raise cls("text")

        found = failure(f)
        assert found.type_name == cls.__name__
        assert cls.__name__ in str(found)

    def test_a_local_class(self):
        class Local(LookupError):
            pass

        @rayx.remote
        def f():
            raise Local("here")

        found = failure(f)
        assert isinstance(found, Local)
        assert isinstance(found, LookupError)

    def test_a_class_that_only_the_worker_has(self):
        @rayx.remote
        def f():
            class Theirs(LookupError):
                pass

            raise Theirs("there")

        found = failure(f)
        assert isinstance(found, LookupError)
        assert found.type_name == "Theirs"

    def test_the_exception_can_be_pickled_and_stored(self):
        found = failure(fail, ValueError("again"))
        for copy in (pickle.loads(pickle.dumps(found)), rayx.get(rayx.put(found))):
            assert isinstance(copy, ValueError)
            assert isinstance(copy, rayx.TaskError)
            assert str(copy) == str(found)
            assert copy.args == ("again",)

    def test_each_get_raises_a_new_one(self):
        failed = fail.remote(ValueError("x"))
        errors = []
        for _ in range(2):
            with pytest.raises(ValueError) as caught:
                rayx.get(failed)
            errors.append(caught.value)
        assert errors[0] is not errors[1]


class TestChains:
    def test_through_dependents(self):
        object_id = fail.remote(KeyError("origin"))
        for _ in range(20):
            object_id = identity.remote(object_id)
        with pytest.raises(KeyError, match="origin") as caught:
            rayx.get(object_id)
        assert caught.value.function == "fail"

    def test_through_nested_tasks(self):
        @rayx.remote
        def outer():
            return rayx.get(fail.remote(KeyError("origin")))

        found = failure(outer)
        assert isinstance(found, KeyError)
        assert found.function == "outer"
        assert "task fail(" in str(found), str(found)
        assert "KeyError: 'origin'" in str(found)

    def test_handled_by_a_task(self):
        @rayx.remote
        def outer():
            try:
                rayx.get(fail.remote(KeyError("origin")))
            except KeyError as error:
                return repr(error.cause)

        assert rayx.get(outer.remote()) == "KeyError('origin')"

    def test_one_of_a_list(self):
        ids = [one.remote(), fail.remote(ValueError("middle")), one.remote()]
        with pytest.raises(ValueError, match="middle"):
            rayx.get(ids)
        assert rayx.get([ids[0], ids[2]]) == [1, 1]


class TestWhatEndsAPython:
    @pytest.mark.parametrize("code", [0, 3, "bye", None])
    def test_system_exit(self, code):
        found = failure(fail, SystemExit(code))
        assert found.type_name == "SystemExit"
        assert not isinstance(found, SystemExit)
        assert "sys.exit" in str(found)

    def test_keyboard_interrupt(self):
        found = failure(fail, KeyboardInterrupt())
        assert found.type_name == "KeyboardInterrupt"
        assert not isinstance(found, KeyboardInterrupt)

    def test_generator_exit_and_strangers(self):
        class Stranger(BaseException):
            pass

        assert failure(fail, GeneratorExit()).type_name == "GeneratorExit"
        assert failure(fail, Stranger("x")).type_name == "Stranger"

    def test_recursion(self):
        @rayx.remote
        def f():
            def deeper():
                return deeper()

            return deeper()

        found = failure(f)
        assert isinstance(found, RecursionError)
        assert len(str(found)) < 10_000

    def test_memory(self):
        @rayx.remote
        def f():
            return len(bytearray(1 << 60))

        assert isinstance(failure(f), MemoryError)


class AttrDict(dict):
    """A common idiom: what is not there raises KeyError, where others raise AttributeError."""

    __getattr__ = dict.__getitem__


class ExitsWhenShown:
    def __repr__(self):
        raise SystemExit(3)


class HasNoShape:
    @property
    def shape(self):
        raise RuntimeError("no shape")


class ExitsWhenTold(Exception):
    def __str__(self):
        raise SystemExit(4)


class AsksForEver(Exception):
    def __getattr__(self, name):
        return getattr(self.response, name)


class Plain:
    def __init__(self, value=None, fails=False):
        if fails:
            raise ValueError("mine")

    def fail(self, value, error):
        raise error


class Asynchronous(Plain):
    async def fail(self, value, error):
        raise error


class TestTheReportDoesNotFail:
    """Whatever the task's arguments and its exception do when they are asked."""

    ARGUMENTS = (AttrDict, ExitsWhenShown, HasNoShape)
    ERRORS = (ExitsWhenTold("text"), AsksForEver("text"))

    def test_of_a_task(self):
        @rayx.remote(max_retries=0)
        def f(value, error):
            raise error

        for make in self.ARGUMENTS:
            assert isinstance(failure(f, make(), ValueError("mine")), ValueError)
            assert isinstance(failure(f, [make()], error=KeyError(make())), KeyError)
        for error in self.ERRORS:
            assert isinstance(failure(f, 1, error), type(error))

    @pytest.mark.parametrize(
        ("cls", "concurrency"), [(Plain, None), (Plain, 2), (Asynchronous, None)]
    )
    def test_of_an_actor(self, cls, concurrency):
        actor = rayx.remote(max_concurrency=concurrency)(cls).remote()
        for make in self.ARGUMENTS:
            assert isinstance(failure(actor.fail, make(), ValueError("mine")), ValueError)
        for error in self.ERRORS:
            assert isinstance(failure(actor.fail, 1, error), type(error))

    @pytest.mark.parametrize("cls", [Plain, Asynchronous])
    def test_of_a_constructor(self, cls):
        for make in self.ARGUMENTS:
            actor = rayx.remote(cls).remote(make(), fails=True)
            assert isinstance(failure(actor.fail, 1, 2), ValueError)


class TestErrorInfo:
    def test_what_failed(self):
        known = len(rayx.error_info())
        failure(fail, ValueError("for the table"))
        rayx.wait([identity.remote(fail.remote(KeyError("second")))])
        found = rayx.error_info()[known:]
        assert [info["function"] for info in found] == ["fail", "fail"]
        assert "ValueError: for the table" in found[0]["message"]
        assert found[0]["kind"] == "TaskError"
        assert set(found[0]) == {"driver_id", "task_id", "function", "kind", "message", "time"}
        assert abs(found[0]["time"] - time.time()) < 60

    def test_a_crash(self):
        known = len(rayx.error_info())
        crash = rayx.remote(max_retries=0)(lambda: os._exit(9))
        with pytest.raises(rayx.WorkerCrashedError):
            rayx.get(crash.remote(), timeout=30)
        assert [info["kind"] for info in rayx.error_info()[known:]] == ["WorkerCrashedError"]

    def test_from_a_task(self):
        failure(fail, ValueError("seen by a task"))
        messages = rayx.get(
            rayx.remote(lambda: [info["message"] for info in rayx.error_info()]).remote()
        )
        assert any("seen by a task" in message for message in messages)
