"""Each option is declared once; what the node is told of it, and what users read, follow."""

import inspect
import re
from pathlib import Path
from typing import NamedTuple, get_type_hints

import pytest

import rayx
from rayx._raylet import DEFAULT_OPTIONS, TaskTemplate
from rayx.calls import call_options
from rayx.calls.actor_description import MethodOptions
from rayx.calls.actor_handle import ActorMethod
from rayx.calls.actor_options import ActorOptions
from rayx.calls.call_options import Option, declared, fields
from rayx.calls.task_options import TaskOptions

KINDS = [TaskOptions, ActorOptions, MethodOptions]
ROOT = Path(rayx.__file__).parents[2]
SCHEMA = ROOT / "cpp/common/protocol/call_options.fbs"


@pytest.mark.parametrize("kind", KINDS)
def test_each_option_is_declared(kind):
    assert [name for name, _ in declared(kind)] == list(kind._fields)
    assert all(isinstance(option, Option) for _, option in declared(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_pass_their_checks(kind):
    assert call_options.checked(kind()) == kind()


@pytest.mark.parametrize("kind", [TaskOptions, MethodOptions])
def test_defaults_are_those_of_the_message(kind):
    assert fields(kind()).items() <= DEFAULT_OPTIONS.items()


def test_an_actor_is_not_made_anew_unless_told():
    assert fields(ActorOptions()) == {"max_retries": 0}
    assert ActorOptions().fields(is_async=False) == {"max_retries": 0, "max_concurrency": 1}


def test_the_doorway_knows_the_fields_of_the_schema():
    table = SCHEMA.read_text().partition("table CallOptions {")[2]
    defaults = re.findall(r"^  (\w+):\w+(?: = (\d+))?;", table, re.MULTILINE)
    assert dict(DEFAULT_OPTIONS) == {name: int(default or 0) for name, default in defaults}


@pytest.mark.parametrize("name", DEFAULT_OPTIONS)
def test_each_field_is_some_option(name):
    told = {option.field for kind in KINDS for _, option in declared(kind)}
    assert name in told | {"max_concurrency"}, "which depends on the class, too"


def test_options_reach_the_template():
    options = TaskOptions().replaced({"timeout": 1.5, "priority": -3, "num_returns": "stream"})
    template = TaskTemplate(b"f" * 16, "f", {}, 1, fields(options))
    told = {"timeout_ms": 1500, "priority": -3, "stream_window": 16}
    assert template.options == {**DEFAULT_OPTIONS, **told}
    assert TaskTemplate(b"f" * 16, "f", {}, 1, {}).options is DEFAULT_OPTIONS


def test_what_the_message_has_no_field_for_is_refused():
    with pytest.raises(ValueError, match="no option 'prority'"):
        TaskTemplate(b"f" * 16, "f", {}, 1, {"prority": 1})
    with pytest.raises(OverflowError):
        TaskTemplate(b"f" * 16, "f", {}, 1, {"timeout_ms": -1})


@pytest.mark.parametrize(
    ("kind", "doc", "types"),
    [
        (TaskOptions, rayx.remote.__doc__, ["Options", "FunctionOptions"]),
        (ActorOptions, rayx.remote.__doc__, ["Options", "ClassOptions"]),
        (MethodOptions, ActorMethod.options.__doc__, ["MethodOptions"]),
    ],
)
def test_users_and_type_checkers_are_told_of_each(kind, doc, types):
    stub = (ROOT / "python/rayx/calls/option_types.pyi").read_text()
    typed = set()
    for name in types:
        body = re.search(rf"^class {name}\(.*?(?=^class |\Z)", stub, re.MULTILINE | re.DOTALL)
        typed |= set(re.findall(r"^    (\w+):", body.group(), re.MULTILINE))
    # What `num_return_vals` is decides what a call returns, and so it stands in overloads.
    assert typed | {"num_return_vals"} == set(kind._fields) | {"num_return_vals"}
    for name in kind._fields:
        assert f"`{name}`" in doc, name


def test_checkers_see_the_plain_types():
    assert get_type_hints(TaskOptions)["max_retries"] is int
    assert inspect.signature(TaskOptions).parameters["max_retries"].default == 3


def test_a_new_option_is_one_line():
    class Options(NamedTuple):
        weight: call_options.Annotated[int, Option(call_options.between(0, 9), "weight")] = 1

    assert fields(Options(weight=5)) == {"weight": 5}
    with pytest.raises(ValueError, match="weight must be between 0 and 9, not 10"):
        call_options.checked(Options(weight=10))


def test_timeouts():
    assert call_options.timeout_ms(None) == 0
    assert call_options.timeout_ms(0.0001) == 1
    assert call_options.timeout_ms(2) == 2000
