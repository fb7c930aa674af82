"""Exceptions of all kinds that tasks raise: what `get` raises is what a call would have raised."""

import copy
import dataclasses
import json
import subprocess
import urllib.error

import pytest

import rayx

pytestmark = pytest.mark.usefixtures("shared_session")


class KeywordOnly(Exception):
    def __init__(self, message, *, response, body):
        super().__init__(message)
        self.response = response
        self.body = body


class NoArguments(Exception):
    def __init__(self):
        super().__init__("there was another")


class OwnText(Exception):
    def __init__(self, code):
        self.code = code

    def __str__(self):
        return f"code {self.code}"


class MadeOfTwo(Exception):
    def __new__(cls, first, second):
        made = super().__new__(cls, first, second)
        made.total = first + second
        return made

    def __init__(self, first, second):
        super().__init__("sum")


class Slotted(Exception):
    __slots__ = ("size",)

    def __init__(self, size):
        self.size = size


@dataclasses.dataclass
class Fields(Exception):
    code: int
    reason: str = "none"


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


class CodedGroup(ExceptionGroup):
    def __new__(cls, message, exceptions, code):
        made = super().__new__(cls, message, exceptions)
        made.code = code
        return made

    def derive(self, exceptions):
        return CodedGroup(self.message, exceptions, self.code)


class OwnNames(Exception):
    """With attributes that TaskError has too, in each way in which a class can have them."""

    __slots__ = ("function",)
    pid = "of the class"

    def __init__(self, message, arguments):
        super().__init__(f"{message}: {arguments}")
        self.message = message
        self.arguments = arguments
        self.function = "of a slot"
        self.cause = "which is not seen"

    @property
    def type_name(self):
        return "of a property"


@rayx.remote
def fail(make):
    raise make()


@rayx.remote
def run(function):
    return function()


def caught(object_id):
    with pytest.raises(rayx.TaskError) as found:
        rayx.get(object_id)
    return found.value


@pytest.mark.parametrize(
    ("make", "attributes"),
    [
        (lambda: KeywordOnly("m", response={"a": 1}, body=b"x"), {"body": b"x", "args": ("m",)}),
        (NoArguments, {"args": ("there was another",)}),
        (lambda: OwnText(5), {"code": 5}),
        (lambda: MadeOfTwo(1, 2), {"total": 3, "args": ("sum",)}),
        (lambda: Slotted(3), {"size": 3}),
        (lambda: Fields(7, reason="r"), {"code": 7, "reason": "r"}),
        (lambda: Frozen(7), {"code": 7}),
        (lambda: urllib.error.HTTPError("http://x", 404, "No", {}, None), {"code": 404}),
        (lambda: subprocess.CalledProcessError(2, ["ls"], b"o", b"e"), {"stderr": b"e"}),
        (lambda: json.JSONDecodeError("m", "{", 1), {"pos": 1, "doc": "{"}),
        (lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "r"), {"object": b"\xff", "start": 0}),
        (lambda: FileNotFoundError(2, "No such file", "name"), {"errno": 2, "filename": "name"}),
        (lambda: SyntaxError("m", ("file.py", 3, 1, "a b")), {"lineno": 3, "filename": "file.py"}),
        (lambda: StopIteration(5), {"value": 5}),
        (lambda: AttributeError("m", name="n", obj=[1]), {"name": "n"}),
        (lambda: CodedGroup("g", [ValueError(1)], 9), {"code": 9, "message": "g"}),
    ],
    ids=lambda value: "" if callable(value) else "-".join(value),
)
def test_type_and_attributes(make, attributes):
    """Through one task, and through one that got it from another."""

    @rayx.remote
    def outer():
        return rayx.get(fail.remote(make))

    for object_id in (fail.remote(make), outer.remote()):
        error = caught(object_id)
        assert isinstance(error, type(make()))
        assert type(error.cause) is type(make())
        assert str(error.cause) == str(make())
        assert {name: getattr(error, name) for name in attributes} == attributes


def test_an_exception_has_its_own_attributes():
    """They have the names that TaskError gives its own; `except OwnNames` wants what is its."""

    def make():
        return OwnNames("failed", ["-i", "x"])

    @rayx.remote
    def outer():
        return rayx.get(fail.remote(make))

    for name, object_id in (("fail", fail.remote(make)), ("outer", outer.remote())):
        got = caught(object_id)
        for error in (got, copy.copy(got)):
            assert (error.message, error.arguments) == ("failed", ["-i", "x"])
            assert (error.function, error.pid) == ("of a slot", "of the class")
            assert error.type_name == "of a property"
            assert type(error.cause) is OwnNames
            assert f"task {name}(" in str(error)
            assert "OwnNames: failed: ['-i', 'x']" in str(error)
            assert repr(error).startswith(f"<TaskError(OwnNames) of {name}: ")
            assert len(error.task_id) == 32


def test_causes_and_notes():
    def work():
        try:
            try:
                1 / 0  # noqa: B018
            except ZeroDivisionError as error:
                raise KeyError("k") from error
        except KeyError:
            error = ValueError("v")
            error.add_note("while it was tested")
            raise error  # noqa: B904

    for object_id in (run.remote(work), run.remote(lambda: rayx.get(run.remote(work)))):
        error = caught(object_id)
        assert error.__notes__ == ["while it was tested"]
        assert error.cause.__notes__ == ["while it was tested"]
        assert isinstance(error.cause.__context__, KeyError)
        assert isinstance(error.cause.__context__.__cause__, ZeroDivisionError)
        assert error.cause.__cause__ is None
        for words in ("while it was tested", "direct cause", "During handling"):
            assert words in str(error)


def test_an_exception_that_is_got_twice_is_not_shared():
    object_id = fail.remote(lambda: ValueError("v"))
    first, second = caught(object_id), caught(object_id)
    first.add_note("of the first")
    assert not hasattr(second, "__notes__")


def test_groups_are_taken_apart():
    def work():
        inner = ExceptionGroup("inner", [KeyError("k")])
        raise ExceptionGroup("outer", [ValueError(1), TypeError("t"), inner])

    met = []
    try:
        rayx.get(run.remote(work))
    except* ValueError as group:
        met.append([repr(error) for error in group.exceptions])
    except* KeyError as group:
        met.append([repr(error) for error in group.exceptions])
    except* TypeError as group:
        met.append([repr(error) for error in group.exceptions])
    inner = "ExceptionGroup('inner', [KeyError('k')])"
    assert met == [["ValueError(1)"], [inner], ["TypeError('t')"]]


def test_one_that_is_no_group_is_taken_by_except_star():
    met = []
    try:
        rayx.get(fail.remote(lambda: FileNotFoundError(2, "No such file", "name")))
    except* FileNotFoundError as group:
        met = group.exceptions
    assert [error.filename for error in met] == ["name"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_would_end_a_program_does_not_end_the_driver(kind):
    error = caught(fail.remote(kind))
    assert error.type_name == kind.__name__
    assert not isinstance(error, kind)
