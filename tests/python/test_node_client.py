"""Both clients, and the compiled module, are what the stubs say."""

import ast
import inspect
import pickle
import sys
from pathlib import Path

import pytest

import rayx
from rayx import _raylet
from rayx.inline.client import InlineClient
from rayx.inline.completions import InlineCompletions
from rayx.inline.objects import InlineObject

SOURCES = Path(rayx.__file__).parent
STUBS = sorted((SOURCES / "_raylet").glob("*.pyi"))


def classes_of(stub):
    """The classes of a stub by name."""
    body = ast.parse((SOURCES / stub).read_text()).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef)}


PROTOCOLS = classes_of("node_client.pyi") | classes_of("_raylet/buffers.pyi")


def methods_of(node):
    """The methods of a class by name, those of its bases in the same stubs among them."""
    found = {}
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in PROTOCOLS:
            found |= methods_of(PROTOCOLS[base.id])
    return found | {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}


def parameters_of(method):
    return [one.arg for one in [*method.args.posonlyargs, *method.args.args]]


def is_function(method):
    return not method.decorator_list


def made(kind):
    return InlineClient({}, 0) if kind is InlineClient else kind


@pytest.mark.parametrize(
    ("protocol", "count", "kinds"),
    [
        ("NodeClient", 30, [_raylet.Client, InlineClient]),
        ("CompletionQueue", 5, [_raylet.Completions, InlineCompletions]),
        ("StoredObject", 5, [_raylet.ObjectBuffer, InlineObject]),
    ],
)
def test_each_kind_has_the_methods_of_its_protocol(protocol, count, kinds):
    methods = methods_of(PROTOCOLS[protocol])
    assert len(methods) >= count
    for kind in kinds:
        for name, method in methods.items():
            assert hasattr(made(kind), name), name
            if is_function(method):
                given = inspect.signature(getattr(kind, name)).parameters
                assert list(given) == parameters_of(method), (kind, name)


def test_the_package_offers_what_the_stubs_of_its_modules_tell():
    told = []
    for path in STUBS:
        for name in typed_in(path):
            told.append(name)
            assert getattr(_raylet, name) is getattr(getattr(_raylet, path.stem), name)
    assert sorted([*told, "LIBRARY"]) == sorted(_raylet.__all__)


def typed_in(path):
    """Names of a stub that are there when a program runs: not the Protocols, nor type variables."""
    for one in ast.parse(path.read_text()).body:
        if isinstance(one, ast.FunctionDef):
            yield one.name
        elif isinstance(one, ast.AnnAssign):
            yield ast.unparse(one.target)
        elif isinstance(one, ast.ClassDef) and "Protocol" not in map(ast.unparse, one.bases):
            yield one.name


@pytest.mark.parametrize("path", STUBS, ids=lambda path: path.stem)
def test_a_stub_has_all_methods_of_its_classes(path):
    for name, node in classes_of(path).items():
        if name in typed_in(path):
            public = {one for one in vars(getattr(_raylet, name)) if not one.startswith("_")}
            assert public == {one for one in methods_of(node) if not one.startswith("_")}


def test_all_that_is_compiled_is_in_one_library():
    modules = [
        sys.modules[f"rayx._raylet.{path.stem}"] for path in (SOURCES / "_raylet").glob("*.pyx")
    ]
    assert len(modules) > 10
    assert {module.__file__ for module in modules} == {_raylet.LIBRARY}


def test_types_are_found_where_they_say_they_are():
    for name in ("ObjectID", "RayletError", "TaskTemplate"):
        kind = getattr(_raylet, name)
        assert pickle.loads(pickle.dumps(kind)) is kind
    assert _raylet.RayletError.__module__ == "rayx._raylet"
