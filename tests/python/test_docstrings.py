"""The examples in docstrings do what they say.

Those for users, in the modules from which `rayx` exports, know `rayx` and nothing else, as if typed
into a new interpreter; unless one begins a session itself, there is one with 4 CPUs and 2 GPUs.
All others know what stands in their module, and have no session.
"""

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

import rayx

PACKAGE = Path(rayx.__file__).parent
PROMPT = re.compile(r"^\s*>>> ", re.MULTILINE)


def module_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {
    module_of(path): path
    for path in sorted(PACKAGE.glob("**/*.py"))
    if "experimental" not in path.parts
}
SOURCES = {name: path.read_text() for name, path in PATHS.items()}
MODULES = [name for name, source in SOURCES.items() if ">>>" in source]
FOR_USERS = {"rayx"} | {
    node.module
    for node in ast.walk(ast.parse(SOURCES["rayx"]))
    if isinstance(node, ast.ImportFrom) and node.module != "rayx"
}
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Finder(doctest.DocTestFinder):
    """Public classes say that they are of `rayx`; they are looked for where they are defined."""

    def _from_module(self, module, object):
        if getattr(object, "__module__", None) == "rayx" and isinstance(object, type):
            return f"class {object.__name__}" in SOURCES[module.__name__]
        return super()._from_module(module, object)


def docstrings(name):
    """Those of a module that have examples, each with a namespace of its own."""
    module = importlib.import_module(name)
    known = {"rayx": rayx} if name in FOR_USERS else vars(module)
    found = Finder(recurse=True, exclude_empty=True).find(
        module, name, module=module, globs=known, extraglobs={"__name__": "__main__"}
    )
    return [docstring for docstring in found if docstring.examples]


def run(docstring):
    told = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(docstring, out=told.append)
    assert result.failed == 0, "".join(told)


def test_there_are_modules_with_examples():
    for name in ("rayx", "rayx.calls.actor", "rayx.launch.api", "rayx.results.objects"):
        assert name in MODULES
        assert name in FOR_USERS


@pytest.mark.parametrize("name", MODULES)
def test_examples(name, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    begins_session = []
    for docstring in docstrings(name):
        if "rayx.init(" not in docstring.docstring:
            continue
        begins_session.append(docstring.name)
        try:
            run(docstring)
        finally:
            rayx.shutdown()
    others = [docstring for docstring in docstrings(name) if docstring.name not in begins_session]
    if name not in FOR_USERS:
        for docstring in others:
            run(docstring)
    elif others:
        with rayx.init(num_cpus=4, num_gpus=2):
            for docstring in others:
                run(docstring)


@pytest.mark.parametrize("name", MODULES)
def test_what_looks_like_an_example_is_run(name):
    assert "doctest: +SKIP" not in SOURCES[name]
    examples = [example for docstring in docstrings(name) for example in docstring.examples]
    assert len(PROMPT.findall(SOURCES[name])) == SOURCES[name].count(">>>") == len(examples)
