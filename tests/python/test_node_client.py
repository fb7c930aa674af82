import inspect

import pytest

from rayx import _raylet
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
