"""The examples in docstrings do what they say.

Those for users, in the modules from which `rayx` exports, know `rayx` and nothing else, as if typed
into a new interpreter; unless one begins a session itself, there is one with 4 CPUs and 2 GPUs.
All others know what stands in their module, and have no session.
"""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import rayx

PACKAGE = Path(rayx.__file__).parent
PROMPT = re.compile(r"^\s*>>> ", re.MULTILINE)
SOURCES = {
    f"rayx.{path.stem}" if path.stem != "__init__" else "rayx": path.read_text()
    for path in sorted(PACKAGE.glob("*.py"))
}
MODULES = [name for name, source in SOURCES.items() if ">>>" in source]
FOR_USERS = {"rayx"} | {
    getattr(getattr(rayx, name), "__module__", "rayx.session") for name in rayx.__all__
}
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def docstrings(name):
    """Those of a module that have examples, each with a namespace of its own."""
    module = importlib.import_module(name)
    known = {"rayx": rayx} if name in FOR_USERS else vars(module)
    found = doctest.DocTestFinder(recurse=True, exclude_empty=True).find(
        module, name, module=module, globs=known, extraglobs={"__name__": "__main__"}
    )
    return [docstring for docstring in found if docstring.examples]


def run(docstring):
    told = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(docstring, out=told.append)
    assert result.failed == 0, "".join(told)


def test_there_are_modules_with_examples():
    assert {"rayx", "rayx.actor", "rayx.api", "rayx.objects"} <= set(MODULES) & FOR_USERS


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
