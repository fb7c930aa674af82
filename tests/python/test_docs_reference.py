"""docs/api.md shows everything that `rayx` exports, once, with something said of it; README.md has
all functions."""

import ast
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

import rayx

ROOT = Path(__file__).parent.parent.parent
# `.. autofunction:: rayx.init` and the like.
ENTRY = re.compile(r"^\.\. (?:auto|py:)(?!module)(\w+):: rayx\.(\w+)$", re.MULTILINE)
ENTRIES = ENTRY.findall((ROOT / "docs" / "api.md").read_text())


def test_everything_is_shown_once():
    shown = Counter(name for _, name in ENTRIES)
    assert {name: count for name, count in shown.items() if count > 1} == {}
    assert set(shown) == set(rayx.__all__)


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_it_is_shown_as_what_it_is_and_explained(kind, name):
    exported = getattr(rayx, name)
    if kind == "data":  # explained by the page
        assert isinstance(exported, int) or exported is rayx.ObjectID
        return
    if kind == "function":
        assert inspect.isfunction(exported)
    else:
        is_error = isinstance(exported, type) and issubclass(exported, BaseException)
        assert kind == ("exception" if is_error else "class")
        assert isinstance(exported, type)
    assert inspect.getdoc(exported)


def test_the_readme_has_every_function():
    readme = (ROOT / "README.md").read_text()
    functions = [name for name in rayx.__all__ if inspect.isfunction(getattr(rayx, name))]
    missing = [name for name in functions if not re.search(rf"rayx\.{name}\b", readme)]
    assert missing == []


def test_object_id_is_explained_in_the_same_words_to_readers_and_to_type_checkers():
    stub = ast.parse((ROOT / "python" / "rayx" / "_raylet" / "ids.pyi").read_text())
    (typed,) = [
        node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == "ObjectID"
    ]
    assert ast.get_docstring(typed) == inspect.getdoc(rayx.ObjectID).strip()
    explained = 0
    for node in typed.body:
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            assert ast.get_docstring(node) == getattr(rayx.ObjectID, node.name).__doc__
            explained += 1
    assert explained >= 4
