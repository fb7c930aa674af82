import ast
import inspect
from pathlib import Path

import pytest

from rayx import _raylet, node_client
from rayx.inline.client import InlineClient
from rayx.inline.completions import InlineCompletions
from rayx.node_client import CompletionQueue, NodeClient


def names(protocol):
    return [name for name in vars(protocol) if not name.startswith("_")]


@pytest.mark.parametrize("client", [_raylet.Client, InlineClient])
def test_both_clients_have_every_method(client):
    made = InlineClient({}, 0) if client is InlineClient else client
    assert len(names(NodeClient)) > 20
    for name in names(NodeClient):
        assert hasattr(made, name), name


@pytest.mark.parametrize("queue", [_raylet.Completions, InlineCompletions])
def test_both_queues_have_every_method(queue):
    for name in names(CompletionQueue):
        assert hasattr(queue, name), name


def test_parameters_are_those_of_the_protocol():
    for name in names(NodeClient):
        wanted = getattr(NodeClient, name)
        if not inspect.isfunction(wanted):
            continue
        given = inspect.signature(getattr(InlineClient, name)).parameters
        assert list(given) == list(inspect.signature(wanted).parameters), name


# What the stub of the compiled module calls by another name than the interface.
WIDER = {"ObjectBuffer": "StoredObject", "Completions": "CompletionQueue", "list[St": "Sequence[St"}
PAIRS = {"NodeClient": "Client", "CompletionQueue": "Completions", "StoredObject": "ObjectBuffer"}


def signatures(path):
    """By class and method: parameters with their types, and what is returned."""
    classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    return {
        one.name: {
            method.name: (
                [
                    (given.arg, given.annotation and ast.unparse(given.annotation))
                    for given in [*method.args.posonlyargs, *method.args.args]
                ],
                method.returns and ast.unparse(method.returns),
            )
            for method in one.body
            if isinstance(method, ast.FunctionDef)
        }
        for one in classes
    }


INTERFACES = signatures(Path(node_client.__file__))
STUB = signatures(Path(node_client.__file__).with_name("_raylet.pyi"))


@pytest.mark.parametrize(
    ("interface", "method"),
    [(name, method) for name in PAIRS for method in INTERFACES[name]],
)
def test_the_stub_of_the_compiled_client_says_the_same(interface, method):
    parameters, returned = STUB[PAIRS[interface]][method]
    for ours, wider in WIDER.items():
        returned = returned.replace(ours, wider)
    parts = "tuple[int, Any, Sequence[Any] | None, Sequence[ObjectID[Any]] | None]"
    parameters = [(name, kind and kind.replace(parts, "Parts")) for name, kind in parameters]
    wanted, gives = INTERFACES[interface][method]
    assert [name for name, _ in parameters] == [name for name, _ in wanted]
    # The compiled one may take more: None, where a session always has a function.
    different = [pair for pair in zip(parameters, wanted, strict=True) if pair[0] != pair[1]]
    assert all(taken == f"{asked} | None" for (_, taken), (_, asked) in different)
    assert returned == gives


@pytest.mark.parametrize("name", [name for name in STUB if not name.startswith("_")])
def test_the_stub_has_the_methods_of_the_compiled_module(name):
    if name == "WaitingHooks":  # a Protocol, for the checkers alone
        return
    compiled = getattr(_raylet, name)
    public = {one for one in vars(compiled) if not one.startswith("_")}
    assert public == {one for one in STUB[name] if not one.startswith("_")}
