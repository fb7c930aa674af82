import sys

import pytest

import rayx
from rayx.values import redefinitions

CELL = """
import rayx

def helper(x):
    return x + offset

offset = 1

@rayx.remote
def add(x):
    return [helper(y) for y in (x,)][0]

@rayx.remote
def twice(x):
    return 2 * rayx.get(add.remote(x))
"""


@pytest.fixture
def cell(node, monkeypatch):
    """What has been typed into an interpreter, which is no module of ours."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(redefinitions, "_noted", {})
    monkeypatch.setattr(redefinitions, "_renewed", {})
    space = {"__name__": "__main__"}
    exec(CELL, space)
    return space


def results(space):
    return rayx.get([space["add"].remote(1), space["twice"].remote(1)])


def test_helpers_and_globals_that_were_defined_anew(cell):
    other = cell["add"].options(max_retries=0)
    assert results(cell) == [2, 4]
    exec("def helper(x): return x + 100", cell)
    assert rayx.get(cell["add"].remote(1)) == 101
    assert rayx.get(other.remote(1)) == 101
    assert results(cell) == [101, 202]
    exec("def helper(x): return x + offset", cell)
    cell["offset"] = 1000
    assert results(cell) == [1001, 2002]


def test_what_is_the_same_is_not_exported_again(cell):
    results(cell)
    before = cell["add"]._reference.function_id, cell["twice"]._reference.function_id
    cell["offset"] = int("1")
    cell["other"] = 5
    results(cell)
    assert (cell["add"]._reference.function_id, cell["twice"]._reference.function_id) == before


def test_it_stays_a_key(cell):
    by_function = {cell["add"]: "add"}
    results(cell)
    cell["offset"] = 7
    results(cell)
    assert by_function[cell["add"]] == "add"


def test_what_was_replaced_is_not_kept(cell):
    class Large: ...

    cell["offset"] = Large()
    exec("def helper(x): return offset is not None", cell)
    rayx.get(cell["add"].remote(1))
    (references,) = redefinitions._noted.values()
    (held,) = [one.value for one in references if one.name == "offset"]
    assert held() is cell["offset"]
    del cell["offset"]
    assert held() is None


def test_programs_pay_nothing(node, monkeypatch):
    monkeypatch.delattr(sys, "ps1", raising=False)
    monkeypatch.setattr(redefinitions, "_noted", {})
    space = {"__name__": "__main__"}
    exec(CELL, space)
    assert results(space) == [2, 4]
    assert redefinitions._noted == {}
    assert space["add"]._check.__name__ == "add"  # the mere check of arguments


def test_the_number_of_notes_is_bounded(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    monkeypatch.setattr(redefinitions, "_noted", {})
    monkeypatch.setattr(redefinitions, "_NOTED_MAX", 3)
    for number in range(5):
        redefinitions.note(bytes([number]), len)
    assert list(redefinitions._noted) == [b"\2", b"\3", b"\4"]
