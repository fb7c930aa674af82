"""Public methods and parameters of rayx: how they are counted, and what the limits say."""

import json

import pytest
from checks import ratchet
from checks.interfaces import offers_of

SOURCE = """
class Client:
    @overload
    def get(self, one): ...
    @overload
    def get(self, one, two): ...
    def get(self, *ids, timeout=None): ...
    @property
    def size(self): ...
    @size.setter
    def size(self, value): ...
    async def wait(self, /, ids, count): ...
    def _hidden(self): ...
    @classmethod
    def made(cls, a, *, b, **rest): ...

    class Inner:
        def only(self): ...


def f(a, b=1, /, c=2, *, d): ...
"""


def test_what_is_counted():
    sizes = {(one.kind, one.name): one.size for one in offers_of(SOURCE)}
    assert sizes["methods", "Client"] == 4  # get, size, wait, made
    assert sizes["methods", "Client.Inner"] == 1
    assert sizes["parameters", "Client.wait"] == 2
    assert sizes["parameters", "Client.made"] == 2
    assert sizes["parameters", "f"] == 4
    assert offers_of("def (:") == []


def a_class(methods):
    return "class Wide:\n" + "".join(f"    def m{number}(self): ...\n" for number in range(methods))


def a_function(parameters):
    return f"def wide({', '.join(f'p{number}' for number in range(parameters))}): ...\n"


@pytest.mark.parametrize(
    ("source_of", "most", "rule", "kind", "name"),
    [
        (a_class, 15, "public-methods", "methods", "Wide"),
        (a_function, 6, "parameters", "parameters", "wide"),
    ],
)
def test_limits(tree_of, law, source_of, most, rule, kind, name):
    path = "python/rayx/calls/a.py"
    assert ratchet.check(tree_of({path: source_of(most)}), law) == []
    (finding,) = ratchet.check(tree_of({path: source_of(most + 1)}), law)
    assert (finding.rule, finding.path) == (rule, path)
    recorded = {"ci/ratchet.json": json.dumps({kind: {f"{path}::{name}": most + 1}})}
    assert ratchet.check(tree_of({path: source_of(most + 1)} | recorded), law) == []
    (finding,) = ratchet.check(tree_of({path: source_of(most + 2)}), law)
    assert "may only shrink" in finding.message
    tree = tree_of({path: source_of(most)})
    assert ratchet.update(tree) == [f"{path}::{name}: no longer over the limit"]
    assert ratchet.check(tree, law) == []


def test_tests_and_tools_may_be_wide(tree_of, law):
    tree = tree_of({"tests/python/test_a.py": a_class(30) + a_function(30), "ci/a.py": a_class(30)})
    assert ratchet.check(tree, law) == []
